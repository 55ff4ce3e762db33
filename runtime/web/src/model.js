// A model that is loaded in this thread.

import { readBundle } from "./bundle.js";
import { GREEDY, settingsOver } from "./sampling.js";
import { graphFiles, openSession } from "./session.js";
import { Text } from "./writing.js";
import { openTokenizer, tokenizerFiles } from "./tokenizer.js";

export class Model {
  #session;
  #parts;

  constructor(bundle, session, tokenizer) {
    const sampling = settingsOver(GREEDY, bundle.manifest.sampling);
    this.stateBytes = bundle.manifest.states.reduce((sum, state) => sum + state.bytes, 0);
    this.#session = session;
    this.#parts = { bundle, session, tokenizer, sampling };
  }

  // Continue a prompt.  Throws RfaError for a request that cannot be met.
  stream(prompt, request = {}) {
    return new Text(this.#parts, prompt, request);
  }

  async close() {
    await this.#session.release();
  }
}

// Load a bundle.  source: see web_source.js and node.js.  modules: `ort` and `Tokenizer`.
export async function openModel(source, { ort, Tokenizer }, { provider = "wasm", threads = 1, onProgress } = {}) {
  ort.env.wasm.numThreads = threads;
  const bundle = await readBundle(source, onProgress);
  bundle.expect([...graphFiles(bundle), ...tokenizerFiles(bundle)]);
  const tokenizer = await openTokenizer(Tokenizer, bundle);
  const session = await openSession(ort, bundle, provider);
  return new Model(bundle, session, tokenizer);
}
