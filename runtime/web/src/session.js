// The graphs of a bundle, and steps on a state.

import { RfaError } from "./errors.js";
import { loadGraph } from "./graph.js";

const MODEL = "model";
const THROUGHPUT = "throughput";
const WEIGHTS_SUFFIX = ".data";
const MANY_TOKENS = 16; // from which a step takes the graph for many, as in the Python runtime
const INPUTS = ["input_ids", "position_ids"];
const OUTPUTS = ["logits", "top_logit", "top_token"];

// A state of one text: tensors by their names in the graph, and how many tokens they have read.
export class State {
  constructor(tensors, length) {
    this.tensors = tensors;
    this.length = length;
    this.logits = null; // float32 [N], behind the last token that was read
  }

  // Let go of memory that the garbage collector does not know.
  dispose() {
    for (const tensor of this.tensors.values()) {
      tensor.dispose();
    }
  }
}

export class Session {
  #ort;
  #manifest;
  #graphs;
  #before = Promise.resolve();

  constructor(ort, manifest, graphs) {
    this.#ort = ort;
    this.#manifest = manifest;
    this.#graphs = graphs;
  }

  // An empty state.
  newState() {
    const tensors = new Map();
    for (const spec of this.#manifest.states) {
      tensors.set(spec.past, this.tensor(spec, new ArrayBuffer(spec.bytes)));
    }
    return new State(tensors, 0);
  }

  // A tensor of a state from its bytes.
  tensor(spec, bytes) {
    return new this.#ort.Tensor(spec.dtype, numbersOf(spec.dtype, bytes), spec.shape);
  }

  // Let a state read tokens.  Steps of all texts take turns: a graph does one at a time.
  async step(tokens, state) {
    const turn = this.#before.then(() => this.#step(tokens, state));
    this.#before = turn.catch(() => {});
    return turn;
  }

  async release() {
    await this.#before;
    for (const { graph } of this.#graphs.values()) {
      await graph.release();
    }
  }

  async #step(tokens, state) {
    const { graph, inputs } = this.#graphFor(tokens.length);
    const feeds = Object.fromEntries(state.tensors);
    for (const name of inputs) {
      const first = name === "position_ids" ? state.length : null;
      feeds[name] = this.#integers(first === null ? tokens : tokens.map((_, place) => first + place));
    }
    const found = await graph.run(feeds);
    for (const spec of this.#manifest.states) {
      state.tensors.get(spec.past).dispose();
      state.tensors.set(spec.past, found[spec.present]);
    }
    state.length += tokens.length;
    state.logits = found.logits.data;
  }

  // Their number alone decides, so that the same step gives the same numbers.
  #graphFor(count) {
    const many = count >= MANY_TOKENS && this.#graphs.has(THROUGHPUT);
    return this.#graphs.get(many ? THROUGHPUT : MODEL);
  }

  #integers(values) {
    return new this.#ort.Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
  }
}

// The files that the graphs of a bundle need.
export function graphFiles(bundle) {
  const graphs = [MODEL, THROUGHPUT].filter((role) => bundle.manifest.graphs.has(role));
  const files = graphs.map((role) => bundle.manifest.graphs.get(role).file);
  const weights = [...bundle.manifest.files.keys()].filter((name) => name.endsWith(WEIGHTS_SUFFIX));
  return [...files, ...weights];
}

// Load the graphs.  ort: the module onnxruntime-web.  provider: "wasm" or "webgpu".  Throws RfaError.
export async function openSession(ort, bundle, provider) {
  if (!bundle.manifest.graphs.has(MODEL)) {
    throw new RfaError("the bundle has no graph for ONNX Runtime: export it again with ort among its targets");
  }
  const read = new Map();
  for (const name of graphFiles(bundle)) {
    read.set(name, new Uint8Array(await bundle.read(name)));
  }
  const weights = [...read].filter(([name]) => name.endsWith(WEIGHTS_SUFFIX));
  const externalData = weights.map(([path, data]) => ({ path, data }));
  const graphs = new Map();
  for (const [role, spec] of bundle.manifest.graphs) {
    if (read.has(spec.file)) {
      graphs.set(role, await openGraph(ort, bundle.manifest, spec, read.get(spec.file), externalData, provider));
    }
  }
  return new Session(ort, bundle.manifest, graphs);
}

async function openGraph(ort, manifest, spec, bytes, externalData, provider) {
  const kept = manifest.states.map((state) => state.present);
  const graph = await loadGraph(ort, spec.file, bytes, externalData, provider, kept);
  checkGraph(graph, spec, manifest.states);
  return { graph, inputs: spec.inputs };
}

function checkGraph(graph, spec, states) {
  checkKnown(spec.file, "inputs", spec.inputs, INPUTS);
  checkKnown(spec.file, "outputs", spec.outputs, OUTPUTS);
  if (spec.logits !== "last") {
    throw new RfaError(`${spec.file} gives ${spec.logits} logits, wanted those of the last position`);
  }
  checkSame(spec.file, "inputs", graph.inputNames, [...spec.inputs, ...states.map((state) => state.past)]);
  checkSame(spec.file, "outputs", graph.outputNames, [...spec.outputs, ...states.map((state) => state.present)]);
}

// known: the names that this package knows, the first of which has to be there.
function checkKnown(file, what, declared, known) {
  const unknown = declared.filter((name) => !known.includes(name));
  if (unknown.length > 0 || !declared.includes(known[0])) {
    throw new RfaError(`${file} has the ${what} ${declared.join(", ")}, wanted ${known.join(", ")}: export it again`);
  }
}

function checkSame(file, what, found, declared) {
  const wanted = new Set(declared);
  if (found.length !== wanted.size || !found.every((name) => wanted.has(name))) {
    throw new RfaError(`${file} and the manifest disagree on the ${what}: export the bundle again`);
  }
}

// Bytes as the array that onnxruntime-web takes for a type.
function numbersOf(dtype, bytes) {
  if (dtype === "float32") {
    return new Float32Array(bytes);
  }
  return globalThis.Float16Array === undefined ? new Uint16Array(bytes) : new Float16Array(bytes);
}
