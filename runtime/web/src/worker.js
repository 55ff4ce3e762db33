// The worker, with the packages as a bundler finds them.

import { Tokenizer } from "@huggingface/tokenizers";
import * as ort from "onnxruntime-web";

import { serve } from "./serving.js";

serve(Promise.resolve({ ort, Tokenizer }));
