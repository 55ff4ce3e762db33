// How the next token is chosen, as rfa-run does it.
//
// Letters: N vocabulary, C candidates still in the draw.  Probabilities are float64.

import { RfaError } from "./errors.js";
import { Random } from "./random.js";

const SMALLEST = 2.2250738585072014e-308;
const LIMITS = {
  temperature: [0, 1e6],
  repetitionPenalty: [1e-3, 1e3],
  presencePenalty: [-100, 100],
  frequencyPenalty: [-100, 100],
  topP: [0, 1],
  typicalP: [0, 1],
  minP: [0, 1],
  topK: [1, 2 ** 31],
  seed: [0, Number.MAX_SAFE_INTEGER],
};
const WHOLE = ["topK", "seed"];
const OFF = { topK: [0, -1], topP: [1], typicalP: [1], minP: [0] };
const CHANCE = ["topK", "topP", "typicalP", "minP", "seed"];
export const GREEDY = {
  temperature: 0,
  topK: null,
  topP: null,
  typicalP: null,
  minP: null,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: null,
};

// Settings over others.  Where the most likely token is taken and one asks for chance, the temperature is 1 unless it
// is given.  Throws RfaError for an unknown name or a number out of range.
export function settingsOver(before, given) {
  const settings = { ...before };
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(LIMITS, name));
  if (unknown !== undefined) {
    throw new RfaError(`there is no setting '${unknown}'`);
  }
  let chance = false;
  for (const name of Object.keys(LIMITS)) {
    const value = given[name];
    if (value === undefined || value === null) {
      continue;
    }
    const off = OFF[name]?.includes(value) ?? false;
    settings[name] = off ? null : checked(name, value);
    chance ||= !off && CHANCE.includes(name);
  }
  if (chance && before.temperature === 0 && given.temperature === undefined) {
    settings.temperature = 1;
  }
  return settings;
}

function checked(name, value) {
  const [lowest, highest] = LIMITS[name];
  const fits = typeof value === "number" && lowest <= value && value <= highest;
  const whole = !WHOLE.includes(name) || Number.isInteger(value);
  if (!fits || !whole) {
    const kind = WHOLE.includes(name) ? "a whole number" : "a number";
    throw new RfaError(`${name} is ${value}, wanted ${kind} from ${lowest} to ${highest}`);
  }
  return value;
}

// Chooses the tokens of one text.
export class Sampler {
  #settings;
  #random;
  #known;
  #said;
  #counts;

  // prompt: token ids, what a repetition is measured against, too.
  constructor(settings, vocabSize, prompt) {
    this.#settings = settings;
    this.#random = new Random(settings.seed);
    this.#known = new Uint8Array(vocabSize);
    this.#said = new Int32Array(vocabSize);
    for (const token of prompt) {
      this.#known[token] = 1;
    }
    const { repetitionPenalty, presencePenalty, frequencyPenalty } = settings;
    this.#counts = repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
  }

  // The next token.  given: float32 logits [N].  Throws RfaError where they are no numbers.
  choose(given) {
    checkFinite(given);
    const logits = this.#counts ? this.#adjusted(given) : given;
    const token = this.#settings.temperature === 0 ? placeOfLargest(logits) : this.#draw(logits);
    this.#known[token] = 1;
    this.#said[token] += 1;
    return token;
  }

  #adjusted(given) {
    const { repetitionPenalty, presencePenalty, frequencyPenalty } = this.#settings;
    const penalty = Math.fround(repetitionPenalty);
    const presence = Math.fround(presencePenalty);
    const logits = Float32Array.from(given);
    for (let token = 0; token < logits.length; token++) {
      if (this.#known[token] && penalty !== 1) {
        logits[token] = logits[token] > 0 ? logits[token] / penalty : logits[token] * penalty;
      }
      if (this.#said[token] > 0) {
        logits[token] -= Math.fround(presence + frequencyPenalty * this.#said[token]);
      }
    }
    return logits;
  }

  #draw(logits) {
    const { temperature, topK, topP, typicalP, minP } = this.#settings;
    let drawn = { tokens: mostLikelyTokens(logits, topK ?? logits.length) };
    drawn.probabilities = softmax(logits, drawn.tokens, temperature);
    if (topP !== null) {
      drawn = only(drawn, mostLikely(drawn.probabilities, topP));
    }
    if (typicalP !== null) {
      drawn = only(drawn, typical(drawn.probabilities, typicalP));
    }
    if (minP !== null) {
      drawn = only(drawn, atLeast(drawn.probabilities, minP));
    }
    const heaps = heapsOf(drawn.probabilities);
    const wanted = this.#random.next() * heaps.at(-1);
    const place = heaps.findIndex((heap) => heap > wanted);
    return place < 0 ? drawn.tokens.at(-1) : drawn.tokens[place];
  }
}

function checkFinite(logits) {
  for (const logit of logits) {
    if (Number.isNaN(logit) || logit === Infinity) {
      throw new RfaError("the graph gave logits that are no numbers: its weights or its state are damaged");
    }
  }
}

function placeOfLargest(logits) {
  let best = 0;
  for (let token = 1; token < logits.length; token++) {
    if (logits[token] > logits[best]) {
      best = token;
    }
  }
  return best;
}

// The k most likely tokens, by their numbers; of equals at the bound, those with the lower ones.
function mostLikelyTokens(logits, count) {
  const tokens = Array.from(logits.keys());
  if (count >= tokens.length) {
    return tokens;
  }
  const bound = Float32Array.from(logits).sort().at(-count);
  const above = tokens.filter((token) => logits[token] > bound);
  const equal = tokens.filter((token) => logits[token] === bound);
  return [...above, ...equal.slice(0, count - above.length)].sort((one, other) => one - other);
}

function softmax(logits, tokens, temperature) {
  const largest = tokens.reduce((most, token) => Math.max(most, logits[token]), -Infinity);
  const weights = tokens.map((token) => Math.exp((logits[token] - largest) / temperature));
  const sum = weights.reduce((heap, weight) => heap + weight, 0);
  return weights.map((weight) => weight / sum);
}

function heapsOf(probabilities) {
  const heaps = [];
  let heap = 0;
  for (const probability of probabilities) {
    heap += probability;
    heaps.push(heap);
  }
  return heaps;
}

// Only some places of the candidates.
function only({ tokens, probabilities }, places) {
  return {
    tokens: places.map((place) => tokens[place]),
    probabilities: places.map((place) => probabilities[place]),
  };
}

// Of an order, the fewest places whose probabilities add up to `mass`, one at least.
function firstOf(order, probabilities, mass) {
  let heap = 0;
  let kept = 0;
  for (const place of order) {
    const grown = heap + probabilities[place];
    if (grown - probabilities[place] >= mass) {
      break;
    }
    heap = grown;
    kept += 1;
  }
  return order.slice(0, Math.max(1, kept)).sort((one, other) => one - other);
}

function mostLikely(probabilities, mass) {
  const order = Array.from(probabilities.keys());
  order.sort((one, other) => probabilities[other] - probabilities[one]);
  return firstOf(order, probabilities, mass);
}

// Meister et al., "Locally Typical Sampling" (TACL 2023), equation 6.
function typical(given, mass) {
  const sum = given.reduce((heap, probability) => heap + probability, 0);
  const probabilities = given.map((probability) => probability / sum);
  const surprises = probabilities.map((probability) => -Math.log(Math.max(probability, SMALLEST)));
  const entropy = surprises.reduce((heap, surprise, place) => heap + probabilities[place] * surprise, 0);
  const unusual = surprises.map((surprise) => Math.abs(surprise - entropy));
  const order = Array.from(unusual.keys());
  order.sort((one, other) => unusual[one] - unusual[other]);
  return firstOf(order, probabilities, mass);
}

function atLeast(probabilities, part) {
  const bound = part * probabilities.reduce((most, probability) => Math.max(most, probability), 0);
  return Array.from(probabilities.keys()).filter((place) => probabilities[place] >= bound);
}
