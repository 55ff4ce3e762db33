// Text from tokens whose spelling depends on the few tokens before them: on whether they are the first, most of all.

import { REPLACEMENT } from "./utf8.js";

const CONTEXT = 4; // tokens that are kept as context at least
const LONGEST_CONTEXT = 2 * CONTEXT;
const LONGEST_WAIT = 8; // tokens held for a character to become whole
const OPEN_TOKENS = 3; // of these the last may belong to a character that is not whole

// What tokens add to the text of the tokens before them.
export class Window {
  #decode;
  #context;
  #known;

  // decode: from token ids to text.
  constructor(decode, context = []) {
    this.#decode = decode;
    this.beginAfter(context);
  }

  // Put other tokens before those that come.
  beginAfter(context) {
    this.#context = context;
    this.#known = this.#decode(context).length;
  }

  textOf(tokens) {
    return this.#decode([...this.#context, ...tokens]).slice(this.#known);
  }

  // Make tokens a part of the context.  text: what they add.
  take(tokens, text) {
    this.#context = [...this.#context, ...tokens];
    this.#known += text.length;
    if (this.#context.length > LONGEST_CONTEXT) {
      this.beginAfter(this.#context.slice(-CONTEXT));
    }
  }
}

export class WindowDetokenizer {
  #names;
  #window;
  #waiting = [];

  // names: of tokens that have text, by their ids.
  constructor(names, decode, prompt) {
    this.#names = names;
    this.#window = new Window(decode, prompt.filter((token) => names.has(token)).slice(-CONTEXT));
  }

  // The characters that are certain with a token.
  push(token) {
    if (!this.#names.has(token)) {
      return "";
    }
    this.#waiting.push(token);
    const text = this.#window.textOf(this.#waiting);
    if (!text.endsWith(REPLACEMENT)) {
      return this.#release(this.#waiting.length, text);
    }
    if (this.#waiting.length < LONGEST_WAIT) {
      return "";
    }
    const count = LONGEST_WAIT - OPEN_TOKENS;
    return this.#release(count, this.#window.textOf(this.#waiting.slice(0, count)));
  }

  // What is left, when no more tokens come.
  flush() {
    return this.#release(this.#waiting.length, this.#window.textOf(this.#waiting));
  }

  // Give the text of the first tokens that wait.  They become context.
  #release(count, text) {
    this.#window.take(this.#waiting.slice(0, count), text);
    this.#waiting = this.#waiting.slice(count);
    return text;
  }
}
