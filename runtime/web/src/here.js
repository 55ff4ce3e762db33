// Loads models in this thread, with the packages as a bundler or Node finds them.

import { Tokenizer } from "@huggingface/tokenizers";
import * as ort from "onnxruntime-web";

import { openModel } from "./model.js";

export function openHere(source, options) {
  return openModel(source, { ort, Tokenizer }, options);
}
