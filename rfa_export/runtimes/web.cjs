// One graph in onnxruntime-web (WebAssembly): its inputs come as process.py writes them, its outputs go back alike.
//   node web.cjs --version            node web.cjs GRAPH.onnx DATA...
// onnxruntime-web is looked up from the current folder, then in NODE_PATH.
"use strict";
const { readFileSync, readSync, writeSync } = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");

const ARRAYS = {
  float32: Float32Array,
  float16: globalThis.Float16Array ?? Uint16Array, // as onnxruntime-web has it
  int64: BigInt64Array,
  int32: Int32Array,
};
const STDIN = 0, STDOUT = 1, NEWLINE = 10;

function load() {
  try {
    return createRequire(path.join(process.cwd(), "x.js"))("onnxruntime-web");
  } catch {
    return require("onnxruntime-web");
  }
}

function readBytes(count) {
  const bytes = new Uint8Array(count); // starts at 0: typed arrays want alignment
  for (let done = 0, more; done < count; done += more) {
    more = readSync(STDIN, bytes, done, count - done);
    if (more === 0) process.exit();
  }
  return bytes;
}

function readHead() {
  const line = [];
  for (let byte; (byte = readBytes(1)[0]) !== NEWLINE; ) line.push(byte);
  return JSON.parse(Buffer.from(line).toString());
}

function writeBytes(bytes) {
  for (let done = 0; done < bytes.length; ) done += writeSync(STDOUT, bytes, done, bytes.length - done);
}

function readTensor(ort, { type, dims }) {
  const size = dims.reduce((product, dim) => product * dim, ARRAYS[type].BYTES_PER_ELEMENT);
  return new ort.Tensor(type, new ARRAYS[type](readBytes(size).buffer), dims);
}

function writeTensors(tensors) {
  const arrays = Object.entries(tensors).map(([name, { type, dims }]) => ({ name, type, dims }));
  writeBytes(Buffer.from(JSON.stringify({ arrays }) + "\n"));
  for (const { data } of Object.values(tensors)) writeBytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

async function serve(graph, ...weights) {
  const ort = load();
  ort.env.wasm.numThreads = 1;
  const externalData = weights.map((file) => ({ path: path.basename(file), data: readFileSync(file) }));
  const session = await ort.InferenceSession.create(readFileSync(graph), { executionProviders: ["wasm"], externalData });
  for (;;) {
    const inputs = readHead().arrays.map((entry) => [entry.name, readTensor(ort, entry)]);
    writeTensors(await session.run(Object.fromEntries(inputs)));
  }
}

if (process.argv[2] === "--version") {
  console.log(load().env.versions.web);
} else {
  serve(...process.argv.slice(2)).catch((error) => {
    writeBytes(Buffer.from(JSON.stringify({ error: String(error) }) + "\n"));
    process.exitCode = 1;
  });
}
