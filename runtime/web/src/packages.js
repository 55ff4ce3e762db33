// The packages that a model needs, as a bundler or Node finds them.

import { Tokenizer } from "@huggingface/tokenizers";

// provider: "webgpu" takes a build of onnxruntime-web of its own.  `#ort` is the smallest build that a browser needs for
// WebAssembly, and Node's in Node: see package.json.
export async function modulesFor(provider) {
  const ort = await (provider === "webgpu" ? import("onnxruntime-web/webgpu") : import("#ort"));
  return { ort, Tokenizer };
}
