// Text from the tokens of a byte-level tokenizer: exact, as its tokens are read as bytes.

import { REPLACEMENT, Utf8 } from "./utf8.js";

const CHARACTER_BYTES = 4;
const PROMPT_TOKENS = 64; // last tokens of a prompt in which its last bytes are looked for: some tokens have none

export class ByteDetokenizer {
  #names;
  #utf8 = new Utf8();
  #told; // signs at the end of the prompt's text for the bytes of a character that is not whole

  // names: of tokens that have text, by their ids.  prompt: what the text continues; it may end within a character.
  constructor(names, prompt) {
    this.#names = names;
    const before = prompt.slice(-PROMPT_TOKENS).flatMap((token) => this.#bytesOf(token));
    this.#utf8.push(before.slice(-CHARACTER_BYTES));
    this.#told = this.#utf8.held > 0 ? REPLACEMENT : "";
  }

  // The characters that are whole with a token.
  push(token) {
    return this.#afterPrompt(this.#utf8.push(this.#bytesOf(token)));
  }

  // What is left, when no more tokens come.
  flush() {
    return this.#afterPrompt(this.#utf8.flush());
  }

  // Leave out the sign that the prompt's text has, where nothing completed its last character.
  #afterPrompt(text) {
    if (text === "") {
      return text;
    }
    const told = this.#told;
    this.#told = "";
    return text.startsWith(told) ? text.slice(told.length) : text;
  }

  #bytesOf(token) {
    const name = this.#names.get(token);
    if (name === undefined) {
      return [];
    }
    const bytes = Array.from(name, (symbol) => BYTE_OF.get(symbol));
    return bytes.includes(undefined) ? Array.from(new TextEncoder().encode(name)) : bytes; // an added token reads as text
  }
}

// The bytes behind the printable symbols of byte-level vocabularies: GPT-2's table.
function byteOfSymbol() {
  const printable = (byte) => (0x21 <= byte && byte < 0x7f) || (0xa1 <= byte && byte < 0xad) || byte >= 0xae;
  const table = new Map();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    if (printable(byte)) {
      table.set(String.fromCodePoint(byte), byte);
    } else {
      table.set(String.fromCodePoint(next), byte);
      next += 1;
    }
  }
  return table;
}

const BYTE_OF = byteOfSymbol();
