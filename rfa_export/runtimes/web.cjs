// One graph in onnxruntime-web (WebAssembly): a line of JSON with its inputs comes, one with its outputs goes back.
//   node web.cjs --version            node web.cjs GRAPH.onnx DATA...
// onnxruntime-web is looked up from the current folder, then in NODE_PATH.
"use strict";
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");
const readline = require("node:readline");

const ARRAYS = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array };

function load() {
  try {
    return createRequire(path.join(process.cwd(), "x.js"))("onnxruntime-web");
  } catch {
    return require("onnxruntime-web");
  }
}

function toTensor(ort, { type, dims, data }) {
  const bytes = Buffer.from(data, "base64");
  const aligned = new Uint8Array(bytes).buffer; // a copy that starts at 0: typed arrays want alignment
  return new ort.Tensor(type, new ARRAYS[type](aligned), dims);
}

function fromTensor({ type, dims, data }) {
  return { type, dims, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") };
}

function mapValues(table, change) {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, change(value)]));
}

async function serve(graph, ...weights) {
  const ort = load();
  ort.env.wasm.numThreads = 1;
  const externalData = weights.map((file) => ({ path: path.basename(file), data: readFileSync(file) }));
  const session = await ort.InferenceSession.create(readFileSync(graph), { executionProviders: ["wasm"], externalData });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const inputs = mapValues(JSON.parse(line), (value) => toTensor(ort, value));
    process.stdout.write(JSON.stringify(mapValues(await session.run(inputs), fromTensor)) + "\n");
  }
}

if (process.argv[2] === "--version") {
  console.log(load().env.versions.web);
} else {
  serve(...process.argv.slice(2)).catch((error) => {
    console.log(JSON.stringify({ error: String(error) }));
    process.exitCode = 1;
  });
}
