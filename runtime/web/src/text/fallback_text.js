// Text from tokens that are words, and single bytes such as `<0xE6>` for what is no word: Llama's vocabularies.
//
// Decoders look at a run of byte tokens as a whole.  Where it is UTF-8, its characters are the text; where one byte is
// wrong, every byte of the run becomes a sign of its own.  So the text of a run is certain when the run ends.

import { heldOf, REPLACEMENT } from "./utf8.js";
import { Window } from "./window_text.js";

const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;
const LONGEST_RUN = 32; // byte tokens that are held
const PROMPT_TOKENS = 64; // last tokens of a prompt that are read again, as it may end in a run

export class FallbackDetokenizer {
  #names;
  #window;
  #run = [];
  #bytes = [];
  #broken = false;
  #ofPrompt = 0; // tokens of the run that the prompt's text has shown as signs already

  // names: of tokens that have text, by their ids.  decode: from token ids to text.
  constructor(names, decode, prompt) {
    this.#names = names;
    this.#window = new Window(decode);
    for (const token of this.#endOf(prompt)) {
      this.push(token);
    }
    if (this.#run.length > 0) {
      this.#leaveToPrompt();
    }
  }

  // The characters that are certain with a token.
  push(token) {
    if (!this.#names.has(token)) {
      return "";
    }
    const byte = this.#byte(token);
    if (byte !== null) {
      return this.#pushByte(token, byte);
    }
    const before = this.flush();
    const text = this.#window.textOf([token]);
    this.#window.take([token], text);
    return before + text;
  }

  // What is left of a run, when no more bytes come.
  flush() {
    let text = "";
    if (heldOf(this.#bytes) > 0) {
      text = this.#break();
    } else if (this.#run.length > 0) {
      text = this.#window.textOf(this.#run);
      this.#window.take(this.#run, text);
    }
    this.#run = [];
    this.#bytes = [];
    this.#broken = false;
    this.#ofPrompt = 0;
    return text;
  }

  #pushByte(token, byte) {
    if (this.#broken) {
      return REPLACEMENT;
    }
    this.#run.push(token);
    this.#bytes.push(byte);
    const held = heldOf(this.#bytes);
    if (!isText(this.#bytes.slice(0, this.#bytes.length - held))) {
      return this.#break();
    }
    return held > 0 || this.#run.length < LONGEST_RUN ? "" : this.#release(this.#run.length);
  }

  // A byte is wrong: so are all that the run holds, and all that follow in it.
  #break() {
    const text = REPLACEMENT.repeat(this.#run.length - this.#ofPrompt);
    this.#window.beginAfter(this.#run.slice(-1));
    this.#run = [];
    this.#bytes = [];
    this.#broken = true;
    return text;
  }

  // Give the text of the first tokens of the run, which are whole characters.
  #release(count) {
    const first = this.#run.slice(0, count);
    const text = this.#window.textOf(first);
    this.#window.beginAfter(first); // a context must not begin within a character
    this.#run = this.#run.slice(count);
    this.#bytes = this.#bytes.slice(count);
    return text;
  }

  // What the prompt's run holds is not part of the answer.
  #leaveToPrompt() {
    const whole = this.#run.length - heldOf(this.#bytes);
    if (whole > 0) {
      this.#release(whole);
    }
    this.#ofPrompt = this.#run.length;
  }

  // The byte that a token stands for; null for a word.
  #byte(token) {
    const found = BYTE_TOKEN.exec(this.#names.get(token) ?? "");
    return found === null ? null : Number.parseInt(found[1], 16);
  }

  // The last tokens of a prompt, the rest of a character that begins before them left out.
  #endOf(prompt) {
    const tokens = prompt.slice(-PROMPT_TOKENS);
    if (prompt.length <= PROMPT_TOKENS) {
      return tokens;
    }
    const begin = tokens.findIndex((token) => !isRest(this.#byte(token)));
    return begin < 0 ? [] : tokens.slice(begin);
  }
}

// Whether UTF-8 has a byte at the second or a later place of a character only.
function isRest(byte) {
  return byte !== null && byte >= 0x80 && byte < 0xc0;
}

function isText(bytes) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
    return true;
  } catch {
    return false;
  }
}
