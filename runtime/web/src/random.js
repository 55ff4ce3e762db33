// numpy's random numbers, so that a seed gives here the text that it gives in Python.
//
// numpy's SeedSequence mixes a seed into a pool of four words; PCG64 (O'Neill, "PCG: A Family of Simple Fast
// Space-Efficient Statistically Good Algorithms for Random Number Generation", 2014) is the variant XSL RR 128/64.

const POOL = 4;
const SHIFT = 16;
const FACTOR = (2549297995355413924n << 64n) | 4865540595714422341n;
const MASK_64 = (1n << 64n) - 1n;
const MASK_128 = (1n << 128n) - 1n;
const STEP = 2 ** -53;

// A hash whose constant changes with every use.
function hasher(constant, factor) {
  return (value) => {
    value ^= constant;
    constant = Math.imul(constant, factor);
    value = Math.imul(value, constant);
    return (value ^ (value >>> SHIFT)) >>> 0;
  };
}

function mixed(first, second) {
  const value = (Math.imul(0xca01f9dd, first) - Math.imul(0x4973f715, second)) | 0;
  return (value ^ (value >>> SHIFT)) >>> 0;
}

// A number as words, the lowest first; zero has one.
function wordsOf(number) {
  const words = [];
  let rest = BigInt(number);
  do {
    words.push(Number(rest & 0xffffffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return words;
}

function poolOf(entropy) {
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = [];
  for (let place = 0; place < POOL; place++) {
    pool.push(hash(entropy[place] ?? 0));
  }
  for (let source = 0; source < POOL; source++) {
    for (let target = 0; target < POOL; target++) {
      if (source !== target) {
        pool[target] = mixed(pool[target], hash(pool[source]));
      }
    }
  }
  for (const word of entropy.slice(POOL)) {
    for (let target = 0; target < POOL; target++) {
      pool[target] = mixed(pool[target], hash(word));
    }
  }
  return pool;
}

function stateOf(pool) {
  const hash = hasher(0x8b51f9dd, 0x58f38ded);
  const state = [];
  for (let place = 0; place < 4; place++) {
    const low = BigInt(hash(pool[(2 * place) % POOL]));
    const high = BigInt(hash(pool[(2 * place + 1) % POOL]));
    state.push(low | (high << 32n));
  }
  return state;
}

function entropyOf(seed, row) {
  if (seed === null) {
    return Array.from(crypto.getRandomValues(new Uint32Array(POOL)));
  }
  return [...wordsOf(seed), ...wordsOf(row)];
}

export class Random {
  #state = 0n;
  #increment;

  // seed: a whole number, or null for another text each time.  row: of several texts from one seed.
  constructor(seed, row = 0) {
    const words = stateOf(poolOf(entropyOf(seed, row)));
    this.#increment = ((((words[2] << 64n) | words[3]) << 1n) | 1n) & MASK_128;
    this.#step();
    this.#state += (words[0] << 64n) | words[1];
    this.#step();
  }

  // The next number, from 0 up to 1.
  next() {
    this.#step();
    const high = this.#state >> 64n;
    const folded = (high ^ this.#state) & MASK_64;
    const turn = high >> 58n;
    const bits = ((folded >> turn) | (folded << ((64n - turn) & 63n))) & MASK_64;
    return Number(bits >> 11n) * STEP;
  }

  #step() {
    this.#state = (this.#state * FACTOR + this.#increment) & MASK_128;
  }
}
