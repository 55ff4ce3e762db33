// The worker's side: a model that answers messages.
//
// A message has an `id`, the name of a `call` and its arguments.  Its answer has the same id, and `value` or `error`;
// before it, any number of messages with `note`.

import { toPlain } from "./errors.js";
import { openModel } from "./model.js";
import { WebSource } from "./web_source.js";

// Answer messages from now on.  modulesFor: gives a promise of `ort` and `Tokenizer` for a provider.
export function serve(modulesFor) {
  const desk = new Desk(modulesFor);
  globalThis.onmessage = async ({ data: { id, call, args } }) => {
    const note = (found) => postMessage({ id, note: found });
    try {
      postMessage({ id, value: await desk[call](...args, note) });
    } catch (error) {
      postMessage({ id, error: toPlain(error) });
    }
  };
}

class Desk {
  #modulesFor;
  #model;
  #texts = new Map();

  constructor(modulesFor) {
    this.#modulesFor = modulesFor;
  }

  async open(url, options, note) {
    const modules = await this.#modulesFor(options.provider);
    this.#model = await openModel(new WebSource(url), modules, { ...options, onProgress: note });
    return { stateBytes: this.#model.stateBytes };
  }

  // key: by which the page names the text from now on.
  begin(key, prompt, request) {
    const text = new Begun();
    text.text = this.#model.stream(prompt, { ...request, onPrompt: (found) => text.onPrompt(found) });
    this.#texts.set(key, text);
  }

  async next(key, note) {
    const begun = this.#texts.get(key);
    begun.onPrompt = note;
    return begun.text.next();
  }

  async save(key, note) {
    const begun = this.#texts.get(key);
    begun.onPrompt = note;
    return begun.text.save();
  }

  async end(key) {
    const begun = this.#texts.get(key);
    this.#texts.delete(key);
    await begun?.text.close();
  }
}

// A text, and who is told how far its prompt was read.
class Begun {
  text = null;
  onPrompt = () => {};
}
