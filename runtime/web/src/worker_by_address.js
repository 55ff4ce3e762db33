// The worker of a page without a build step: workers know no import maps, so the page says where the packages lie.

import { serve } from "./serving.js";

const addresses = new URL(import.meta.url).searchParams;

async function modules() {
  const [ort, { Tokenizer }] = await Promise.all([import(addresses.get("ort")), import(addresses.get("tokenizers"))]);
  return { ort, Tokenizer };
}

serve(modules);
