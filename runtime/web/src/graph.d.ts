/** One graph of a bundle: named tensors go in, named tensors come out. */
export interface Graph {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Rejects with an `RfaError`. */
  run(feeds: Record<string, unknown>): Promise<Record<string, unknown>>;
  release(): Promise<void>;
}

/**
 * Load a graph from its bytes. Rejects with an `RfaError`.
 * `ort`: the module onnxruntime-web. `file`: a name for errors. `externalData`: the files of its weights.
 * `kept`: names of outputs that stay on the GPU.
 */
export function loadGraph(
  ort: unknown,
  file: string,
  bytes: Uint8Array,
  externalData: readonly { path: string; data: Uint8Array }[],
  provider?: "wasm" | "webgpu",
  kept?: readonly string[],
): Promise<Graph>;
