// The loop in Node:  node run.mjs BUNDLE PROMPT [--max-new-tokens N] [--seed N] [--ignore-eos]

import { parseArgs } from "node:util";

import { load } from "../src/index.js";
import { folder } from "../src/node.js";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    "max-new-tokens": { type: "string", default: "128" },
    seed: { type: "string" },
    "ignore-eos": { type: "boolean", default: false },
  },
});
const [bundle, prompt] = positionals;
const request = { maxNewTokens: Number(values["max-new-tokens"]), ignoreEos: values["ignore-eos"] };
if (values.seed !== undefined) {
  request.seed = Number(values.seed);
}

const model = await load(folder(bundle));
process.stdout.write(prompt);
for await (const piece of model.stream(prompt, request)) {
  process.stdout.write(piece.text);
}
process.stdout.write("\n");
await model.close();
