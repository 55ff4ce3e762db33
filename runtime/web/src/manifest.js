// manifest.json of a bundle: read with care, as it may come from anywhere.

import { RfaError } from "./errors.js";
import { checkFileName } from "./file_names.js";
import { JsonObject, isWhole, parsedObject, shownName } from "./json_object.js";

export const MANIFEST = "manifest.json";
const FORMAT_VERSION = 1;
const TASK = "language-model";
const TARGET = "ort";
const MOST_TOKENS = 2 ** 24;
const MOST_STATES = 10_000;
const LARGEST_RANK = 8;
const LARGEST_SIZE = 2 ** 31 - 1;
const LARGEST_FILE = 2 ** 32; // more than a browser holds as one piece
const LARGEST_ROW = 8 * 2 ** 30; // bytes of all states of one text
const BYTES = { float32: 4, float16: 2 };
const DIGEST = /^[0-9a-f]{64}$/;
const SETTINGS = {
  temperature: "temperature",
  top_k: "topK",
  top_p: "topP",
  typical_p: "typicalP",
  min_p: "minP",
  repetition_penalty: "repetitionPenalty",
  presence_penalty: "presencePenalty",
  frequency_penalty: "frequencyPenalty",
};

// A manifest in the words of this package.  Throws RfaError for one that we do not run.
export function parseManifest(text) {
  const top = parsedObject(text, MANIFEST);
  checkVersion(top);
  checkTask(top);
  checkTheRest(top);
  const vocabSize = top.integer("vocab_size", 1, MOST_TOKENS);
  const files = filesOf(top.child("files"));
  const ids = top.child("special_ids");
  return {
    vocabSize,
    files,
    graphs: graphsOf(top.child("graphs"), files),
    states: statesOf(top.array("state")),
    bos: specialId(ids, "bos", vocabSize),
    ends: endsOf(ids, vocabSize),
    sampling: samplingOf(top.child("sampling")),
  };
}

function checkVersion(top) {
  const version = top.integer("format_version", 1, LARGEST_SIZE);
  if (version > FORMAT_VERSION) {
    throw new RfaError(
      `the bundle has format ${version}, this reader knows formats up to ${FORMAT_VERSION}: use a newer one`,
    );
  }
}

function checkTask(top) {
  const task = top.text("task");
  if (task !== TASK) {
    throw new RfaError(`the bundle is for the task '${shownName(task)}', this package runs bundles for '${TASK}'`);
  }
}

// What only the Python runtime uses: it must be possible nevertheless.
function checkTheRest(top) {
  top.text("producer");
  top.child("parity");
  const scoring = top.child("scoring");
  if (Object.keys(scoring.table).length > 0) {
    scoring.integer("segment_length", 0, LARGEST_SIZE);
  }
  if (top.has("max_tokens")) {
    top.integer("max_tokens", 0, LARGEST_SIZE);
  }
  if (top.has("conversion")) {
    top.child("conversion");
  }
  for (const key of ["labels", "notes"]) {
    if (top.has(key) && top.array(key).length > 0) {
      top.names(key);
    }
  }
}

function filesOf(entries) {
  const files = new Map();
  for (const [name, entry] of entries.children()) {
    checkFileName(name);
    if (name === MANIFEST) {
      throw new RfaError(`${MANIFEST} lists itself among its files`);
    }
    const digest = entry.text("sha256");
    if (!DIGEST.test(digest)) {
      entry.refuse("sha256", digest, "64 hexadecimal digits in lower case");
    }
    files.set(name, { bytes: entry.integer("bytes", 0, LARGEST_FILE), sha256: digest });
  }
  return files;
}

// Those for ONNX Runtime.
function graphsOf(entries, files) {
  const graphs = new Map();
  for (const [role, entry] of entries.children()) {
    const graph = graphOf(entry, files);
    if (entry.text("target") === TARGET) {
      graphs.set(role, graph);
    }
  }
  return graphs;
}

function graphOf(entry, files) {
  const file = entry.text("file");
  checkFileName(file);
  if (!files.has(file)) {
    entry.refuse("file", file, "a file of the list");
  }
  if (entry.has("rows")) {
    entry.integer("rows", 0, LARGEST_SIZE);
  }
  const inputs = entry.names("inputs");
  const outputs = entry.has("outputs") ? entry.names("outputs") : ["logits"];
  return { file, inputs, outputs, logits: entry.choice("logits", ["last", "all", "sequence", "none"]) };
}

function statesOf(entries) {
  if (entries.length > MOST_STATES) {
    throw new RfaError(`${MANIFEST} lists ${entries.length} states, at most ${MOST_STATES} are allowed`);
  }
  const states = entries.map((entry, place) => stateOf(new JsonObject(entry, `${MANIFEST}.state[${place}]`)));
  const used = states.flatMap((state) => [state.past, state.present]);
  if (new Set(used).size !== used.length) {
    throw new RfaError(`${MANIFEST} uses the name of a state twice`);
  }
  const total = states.reduce((heap, state) => heap + state.bytes, 0);
  if (total > LARGEST_ROW) {
    throw new RfaError(`the states take ${total} bytes for one text, at most ${LARGEST_ROW} are allowed`);
  }
  return states;
}

function stateOf(entry) {
  const kind = entry.text("kind");
  if (kind !== "recurrent") {
    entry.refuse("kind", kind, "'recurrent': this package runs models whose state has a fixed size");
  }
  const dtype = entry.choice("dtype", Object.keys(BYTES));
  const shape = shapeOf(entry);
  const bytes = shape.reduce((product, size) => product * size, BYTES[dtype]);
  return { past: entry.text("past"), present: entry.text("present"), dtype, shape, bytes };
}

// The shape for one text.
function shapeOf(entry) {
  const dims = entry.array("shape");
  const [batch, ...sizes] = dims;
  const fits = batch === "batch" && dims.length <= LARGEST_RANK && sizes.every((size) => isWhole(size, 1, LARGEST_SIZE));
  if (!fits) {
    entry.refuse("shape", dims, "'batch' at 0, among at most 8 sizes above 0");
  }
  return [1, ...sizes];
}

function specialId(ids, name, vocabSize) {
  return ids.value(name) === null ? null : ids.integer(name, 0, vocabSize - 1);
}

function endsOf(ids, vocabSize) {
  const ends = new Set();
  const eos = specialId(ids, "eos", vocabSize);
  if (eos !== null) {
    ends.add(eos);
  }
  const others = ids.has("other_ends") ? ids.array("other_ends") : [];
  for (const token of others) {
    if (!isWhole(token, 0, vocabSize - 1)) {
      ids.refuse("other_ends", others, `a list of whole numbers from 0 to ${vocabSize - 1}`);
    }
    ends.add(token);
  }
  return ends;
}

function samplingOf(entry) {
  const found = {};
  for (const [name, value] of Object.entries(entry.table)) {
    if (value === null) {
      continue;
    }
    if (!Object.hasOwn(SETTINGS, name) || typeof value !== "number") {
      entry.refuse(name, value, `a number for one of ${Object.keys(SETTINGS).join(", ")}`);
    }
    found[SETTINGS[name]] = value;
  }
  return found;
}
