// Bytes to characters as they come.  The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".

export const REPLACEMENT = "\uFFFD";
const LONGEST = 4;

// Bytes that may still become a character are held.
export class Utf8 {
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #tail = [];

  // The characters that are whole now; wrong bytes become signs.
  push(bytes) {
    this.#tail = [...this.#tail, ...bytes].slice(-LONGEST);
    return this.#decoder.decode(Uint8Array.from(bytes), { stream: true });
  }

  // What is left, when no more bytes come.
  flush() {
    this.#tail = [];
    return this.#decoder.decode();
  }

  // How many bytes are held.
  get held() {
    return heldOf(this.#tail);
  }
}

// How many of the last bytes begin a character and do not end it.
export function heldOf(bytes) {
  for (let count = Math.min(LONGEST - 1, bytes.length); count > 0; count--) {
    if (isOpen(bytes.slice(-count))) {
      return count;
    }
  }
  return 0;
}

function isOpen([first, ...others]) {
  const fits = others.every((byte, place) => follows(first, place, byte));
  return fits && 1 + others.length < lengthOf(first);
}

// How many bytes a character has that begins with this one; 0 where none does.
function lengthOf(first) {
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xc2 && first < 0xe0) {
    return 2;
  }
  if (first >= 0xe0 && first < 0xf0) {
    return 3;
  }
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

const SECOND = new Map([
  [0xe0, [0xa0, 0xbf]],
  [0xed, [0x80, 0x9f]],
  [0xf0, [0x90, 0xbf]],
  [0xf4, [0x80, 0x8f]],
]);

// Whether a byte may follow the first one; place: 0 for the second byte.
function follows(first, place, byte) {
  const [lowest, highest] = (place === 0 && SECOND.get(first)) || [0x80, 0xbf];
  return lowest <= byte && byte <= highest;
}
