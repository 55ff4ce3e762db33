// The page's side of a model in a worker: the page never waits for a step.

import { fromPlain, RfaError } from "./errors.js";

// Load a bundle in a worker.  Throws RfaError.
export async function openInWorker(url, { modules, onProgress, ...options }) {
  const calls = new Calls(newWorker(modules));
  const address = new URL(url, globalThis.location.href).href;
  const { stateBytes } = await calls.call("open", [address, options], onProgress);
  return new DistantModel(calls, stateBytes);
}

// modules: addresses of the packages, where there is no bundler.
function newWorker(modules) {
  if (modules === undefined) {
    return new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  }
  const address = new URL("./worker_by_address.js", import.meta.url);
  for (const [name, place] of Object.entries(modules)) {
    address.searchParams.set(name, new URL(place, globalThis.location.href).href);
  }
  return new Worker(address, { type: "module" });
}

class DistantModel {
  #calls;
  #texts = 0;

  constructor(calls, stateBytes) {
    this.#calls = calls;
    this.stateBytes = stateBytes;
  }

  stream(prompt, request = {}) {
    this.#texts += 1;
    return new DistantText(this.#calls, this.#texts, prompt, request);
  }

  async close() {
    this.#calls.end();
  }
}

class DistantText {
  #calls;
  #key;
  #onPrompt;
  #begun;

  constructor(calls, key, prompt, { onPrompt, ...request }) {
    this.#calls = calls;
    this.#key = key;
    this.#onPrompt = onPrompt;
    this.#begun = calls.call("begin", [key, prompt, request]);
    this.#begun.catch(() => {}); // whoever reads the text gets the error
  }

  [Symbol.asyncIterator]() {
    return { next: () => this.next() };
  }

  async next() {
    await this.#begun;
    return this.#calls.call("next", [this.#key], this.#onPrompt);
  }

  async save() {
    await this.#begun;
    return this.#calls.call("save", [this.#key], this.#onPrompt);
  }

  async close() {
    await this.#calls.call("end", [this.#key]);
  }
}

// Calls into a worker, and their answers.
class Calls {
  #worker;
  #waiting = new Map();
  #count = 0;

  constructor(worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = (event) => this.#fail(`the worker has stopped: ${event.message ?? "it could not be loaded"}`);
  }

  // note: is told what comes before the answer.
  call(name, args, note = () => {}) {
    this.#count += 1;
    const id = this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, note });
      this.#worker.postMessage({ id, call: name, args });
    });
  }

  end() {
    this.#worker.terminate();
    this.#fail("the model was closed");
  }

  #hear({ id, value, error, note }) {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      return;
    }
    if (note !== undefined) {
      waiting.note(note);
      return;
    }
    this.#waiting.delete(id);
    if (error === undefined) {
      waiting.resolve(value);
    } else {
      waiting.reject(fromPlain(error));
    }
  }

  #fail(message) {
    for (const { reject } of this.#waiting.values()) {
      reject(new RfaError(message));
    }
    this.#waiting.clear();
  }
}
