// One graph in rfa-web, as a browser opens it: its inputs come as process.py writes them, its outputs go back alike.
//   node web.mjs --version            node web.mjs GRAPH.onnx DATA...
// rfa-web and onnxruntime-web are looked up from the current folder, then in NODE_PATH.

import { readFileSync, readSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const ARRAYS = {
  float32: Float32Array,
  float16: globalThis.Float16Array ?? Uint16Array, // as onnxruntime-web has it
  int64: BigInt64Array,
  int32: Int32Array,
};
const STDIN = 0;
const STDOUT = 1;
const NEWLINE = 10;
const here = createRequire(path.join(process.cwd(), "here.js"));

function readBytes(count) {
  const bytes = new Uint8Array(count); // starts at 0: typed arrays want alignment
  let done = 0;
  while (done < count) {
    const more = readSync(STDIN, bytes, done, count - done);
    if (more === 0) {
      process.exit();
    }
    done += more;
  }
  return bytes;
}

function readHead() {
  const line = [];
  let byte = readBytes(1)[0];
  while (byte !== NEWLINE) {
    line.push(byte);
    byte = readBytes(1)[0];
  }
  return JSON.parse(Buffer.from(line).toString());
}

function writeBytes(bytes) {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(STDOUT, bytes, done, bytes.length - done);
  }
}

function writeLine(head) {
  writeBytes(Buffer.from(`${JSON.stringify(head)}\n`));
}

function readTensor(ort, { type, dims }) {
  const size = dims.reduce((product, dim) => product * dim, ARRAYS[type].BYTES_PER_ELEMENT);
  return new ort.Tensor(type, new ARRAYS[type](readBytes(size).buffer), dims);
}

function writeTensors(tensors) {
  writeLine({ arrays: Object.entries(tensors).map(([name, { type, dims }]) => ({ name, type, dims })) });
  for (const { data } of Object.values(tensors)) {
    writeBytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
}

async function serve(file, ...weights) {
  const ort = here("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  const { loadGraph } = await import(pathToFileURL(here.resolve("rfa-web/graph")));
  const externalData = weights.map((place) => ({ path: path.basename(place), data: readFileSync(place) }));
  const graph = await loadGraph(ort, path.basename(file), readFileSync(file), externalData);
  for (;;) {
    const inputs = readHead().arrays.map((entry) => [entry.name, readTensor(ort, entry)]);
    writeTensors(await graph.run(Object.fromEntries(inputs)));
  }
}

function version() {
  here.resolve("rfa-web/graph");
  return here("onnxruntime-web").env.versions.web;
}

if (process.argv[2] === "--version") {
  console.log(version());
} else {
  try {
    await serve(...process.argv.slice(2));
  } catch (error) {
    writeLine({ error: String(error) });
    process.exitCode = 1;
  }
}
