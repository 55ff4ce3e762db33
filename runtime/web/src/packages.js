// The packages that a model needs, as a bundler or Node finds them.

import { Tokenizer } from "@huggingface/tokenizers";

// provider: "webgpu" takes a build of onnxruntime-web of its own.
export async function modulesFor(provider) {
  const ort = await (provider === "webgpu" ? import("onnxruntime-web/webgpu") : import("onnxruntime-web"));
  return { ort, Tokenizer };
}
