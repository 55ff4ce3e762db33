// One graph in onnxruntime-web.  rfa-export verifies graphs with this file: what it checked is what runs here.

import { RfaError } from "./errors.js";

const LONGEST_REASON = 300; // characters
const ON_GPU = "gpu-buffer";
const ERRORS_ALONE = 3; // ONNX Runtime warns that shapes are computed beside the GPU, as they should be

class Graph {
  #session;
  #file;

  constructor(session, file) {
    this.#session = session;
    this.#file = file;
  }

  get inputNames() {
    return this.#session.inputNames;
  }

  get outputNames() {
    return this.#session.outputNames;
  }

  // Outputs by name, from tensors by name.  Throws RfaError.
  async run(feeds) {
    try {
      return await this.#session.run(feeds);
    } catch (error) {
      throw new RfaError(`onnxruntime-web failed in a step of ${this.#file}: ${reasonOf(error)}`);
    }
  }

  async release() {
    await this.#session.release();
  }
}

// Load a graph.  ort: the module onnxruntime-web.  file: its name, for errors.  bytes: its contents.
// externalData: the files of its weights, as { path, data }.  provider: "wasm" or "webgpu".  kept: the names of outputs
// that stay on the GPU.  Throws RfaError.
export async function loadGraph(ort, file, bytes, externalData, provider = "wasm", kept = []) {
  const options = { executionProviders: [provider], externalData, logSeverityLevel: ERRORS_ALONE };
  if (provider === "webgpu") {
    options.preferredOutputLocation = Object.fromEntries(kept.map((name) => [name, ON_GPU]));
  }
  try {
    return new Graph(await ort.InferenceSession.create(bytes, options), file);
  } catch (error) {
    throw new RfaError(`onnxruntime-web cannot load ${file}: ${reasonOf(error)}`);
  }
}

function reasonOf(error) {
  const text = String(error?.message ?? error).split("\n")[0];
  return text.slice(0, LONGEST_REASON);
}
