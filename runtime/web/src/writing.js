// A text that is being written.

import { RfaError } from "./errors.js";
import { Sampler, settingsOver } from "./sampling.js";
import { Past, packed, unpacked } from "./state_file.js";
import { checkStops, StopStrings } from "./text/stop_strings.js";

const CHUNK = 256; // tokens of a prompt that are read at once, as in the Python runtime
const NEW_TOKENS = 128;
const END = { done: true, value: undefined };

// Read it with `for await`: a piece for each token.  Stopping in between loses nothing: `save` gives the state as far
// as it was read, and another loop goes on.
export class Text {
  #model;
  #prompt;
  #request;
  #writing = null;
  #over = false;

  // model: its bundle, session, tokenizer and sampling.  request: see `Request` in index.d.ts.
  constructor(model, prompt, request) {
    this.#model = model;
    this.#prompt = prompt;
    this.#request = checkedRequest(request, model.sampling);
  }

  [Symbol.asyncIterator]() {
    return { next: () => this.next() };
  }

  // The next piece, as iterators give it.
  async next() {
    if (this.#over) {
      return END;
    }
    const writing = await this.#begin();
    if (this.#over) {
      return END; // closed while the prompt was read
    }
    const piece = await writing.next();
    this.#over = piece.finishReason !== null;
    return { done: false, value: piece };
  }

  // The state and the tokens as a file's bytes: `rfa-run --load-state` and other streams go on from it.
  async save() {
    const writing = await this.#begin();
    await writing.catchUp();
    return packed(writing.past, this.#model.bundle);
  }

  // Let go of the state.  Texts on a GPU need it: their memory is not the garbage collector's.
  async close() {
    this.#over = true;
    const writing = await this.#writing?.catch(() => null);
    writing?.past.state.dispose();
  }

  #begin() {
    this.#writing ??= this.#read();
    return this.#writing;
  }

  async #read() {
    const { bundle, session } = this.#model;
    const { state, onPrompt } = this.#request;
    const past = state === undefined ? new Past(session.newState(), []) : await unpacked(state, bundle, session);
    const ids = this.#ids(past.tokens.length === 0);
    for (let start = 0; start < ids.length && !this.#over; start += CHUNK) {
      const chunk = ids.slice(start, start + CHUNK);
      await session.step(chunk, past.state);
      past.tokens.push(...chunk);
      onPrompt({ read: start + chunk.length, total: ids.length });
      await pause();
    }
    return new Writing(this.#model, past, this.#request);
  }

  // The tokens to read first.
  #ids(first) {
    const { tokenizer, bundle } = this.#model;
    const { bos, vocabSize } = bundle.manifest;
    const given = this.#prompt;
    const ids = given === "" ? [] : typeof given === "string" ? tokenizer.encode(given) : Array.from(given);
    if (!ids.every((token) => Number.isInteger(token) && 0 <= token && token < vocabSize)) {
      throw new RfaError(`the prompt has tokens that the model does not know, wanted 0 to ${vocabSize - 1}`);
    }
    if (first && bos !== null && ids[0] !== bos) {
      ids.unshift(bos);
    }
    if (first && ids.length === 0) {
      throw new RfaError("the prompt is empty and the model has no token to start a text from: give some text");
    }
    return ids;
  }
}

// A text whose prompt was read.
class Writing {
  #session;
  #sampler;
  #detokenizer;
  #stops;
  #ends;
  #left;
  #unread = null;

  constructor({ bundle, session, tokenizer }, past, { maxNewTokens, stop, ignoreEos, sampling }) {
    this.past = past;
    this.#session = session;
    this.#sampler = new Sampler(sampling, bundle.manifest.vocabSize, past.tokens);
    this.#detokenizer = tokenizer.detokenizer(past.tokens);
    this.#stops = new StopStrings(stop);
    const named = stop.map((name) => tokenizer.special(name)).filter((token) => token !== undefined);
    this.#ends = new Set([...(ignoreEos ? [] : bundle.manifest.ends), ...named]);
    this.#left = maxNewTokens === 0 ? Infinity : maxNewTokens;
  }

  async next() {
    await this.catchUp();
    if (this.past.state.logits === null) {
      throw new RfaError("there is nothing to read, and no token was read before: give some text");
    }
    return this.#take(this.#sampler.choose(this.past.state.logits));
  }

  // Read the token that was given out last.
  async catchUp() {
    if (this.#unread !== null) {
      const token = this.#unread;
      this.#unread = null;
      await this.#session.step([token], this.past.state);
      this.past.tokens.push(token);
    }
  }

  #take(token) {
    this.#left -= 1;
    this.#unread = token;
    if (this.#ends.has(token)) {
      return this.#last(token, "", "stop");
    }
    const text = this.#stops.push(this.#detokenizer.push(token));
    if (this.#stops.found) {
      return { token, text, finishReason: "stop" };
    }
    return this.#left === 0 ? this.#last(token, text, "length") : { token, text, finishReason: null };
  }

  // End the text with what was held back: bytes that are no character, the beginning of a stop string.
  #last(token, text, reason) {
    const rest = this.#stops.push(this.#detokenizer.flush()) + this.#stops.flush();
    return { token, text: text + rest, finishReason: this.#stops.found ? "stop" : reason };
  }
}

// A request with nothing left open.  Throws RfaError.
function checkedRequest(request, sampling) {
  const { maxNewTokens = NEW_TOKENS, stop = [], ignoreEos = false, state, onPrompt = () => {}, ...settings } = request;
  if (!Number.isSafeInteger(maxNewTokens) || maxNewTokens < 0) {
    throw new RfaError(`maxNewTokens is ${maxNewTokens}, wanted a whole number, 0 for no limit`);
  }
  checkStops(stop);
  return { maxNewTokens, stop, ignoreEos, state, onPrompt, sampling: settingsOver(sampling, settings) };
}

// Let messages and the page have their turn.
function pause() {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
