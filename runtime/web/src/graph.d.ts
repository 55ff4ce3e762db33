/** A graph of a bundle, without what makes it a model: tensors by name go in, tensors by name come out. */
export interface Graph {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, unknown>): Promise<Record<string, unknown>>;
  release(): Promise<void>;
}

/** Load a graph from its bytes. `ort` is the module onnxruntime-web, `file` a name for errors. */
export function loadGraph(
  ort: unknown,
  file: string,
  bytes: Uint8Array,
  externalData: readonly { path: string; data: Uint8Array }[],
  provider?: "wasm" | "webgpu",
  kept?: readonly string[],
): Promise<Graph>;
