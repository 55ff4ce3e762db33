// manifest.json of a bundle: read with care, as it may come from anywhere.

import { RfaError } from "./errors.js";

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
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,254}$/;
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i; // Windows opens these, whatever comes after a dot
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
  const top = parsed(text, MANIFEST);
  checkVersion(top);
  if (top.task !== TASK) {
    throw new RfaError(`the bundle is for the task '${top.task}', this package runs bundles for '${TASK}'`);
  }
  const vocabSize = whole(top, "vocab_size", 1, MOST_TOKENS);
  const files = filesOf(table(top, "files"));
  const ids = table(top, "special_ids");
  return {
    vocabSize,
    files,
    graphs: graphsOf(table(top, "graphs"), files),
    states: statesOf(list(top, "state")),
    bos: specialId(ids, "bos", vocabSize),
    ends: endsOf(ids, vocabSize),
    sampling: samplingOf(table(top, "sampling")),
  };
}

// JSON as a table.  Throws RfaError.
export function parsed(text, where) {
  let found;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new RfaError(`${where} is no JSON: ${error.message}`);
  }
  if (!isTable(found)) {
    throw new RfaError(`${where} is no table in JSON`);
  }
  return found;
}

function checkVersion(top) {
  const version = whole(top, "format_version", 1, LARGEST_SIZE);
  if (version > FORMAT_VERSION) {
    throw new RfaError(
      `the bundle has format ${version}, this reader knows formats up to ${FORMAT_VERSION}: use a newer one`,
    );
  }
}

function filesOf(entries) {
  const files = new Map();
  for (const [name, entry] of Object.entries(entries)) {
    checkFileName(name);
    if (!isTable(entry)) {
      refuse(`files.${name}`, entry, "a table");
    }
    if (!DIGEST.test(entry.sha256)) {
      refuse(`files.${name}.sha256`, entry.sha256, "64 hexadecimal digits in lower case");
    }
    files.set(name, { bytes: whole(entry, "bytes", 0, LARGEST_FILE), sha256: entry.sha256 });
  }
  return files;
}

function checkFileName(name) {
  const plain = FILE_NAME.test(name) && !name.endsWith(".") && !DEVICE.test(name);
  if (!plain || name === MANIFEST) {
    throw new RfaError(`the file name '${name.slice(0, 80)}' is refused: wanted only letters, digits and _ . + -`);
  }
}

function graphsOf(entries, files) {
  const graphs = new Map();
  for (const [role, entry] of Object.entries(entries)) {
    if (!isTable(entry)) {
      refuse(`graphs.${role}`, entry, "a table");
    }
    if (!files.has(entry.file)) {
      refuse(`graphs.${role}.file`, entry.file, "a file of the list");
    }
    if (entry.target === TARGET) {
      const outputs = entry.outputs === undefined ? ["logits"] : names(entry, "outputs");
      graphs.set(role, { file: entry.file, inputs: names(entry, "inputs"), outputs, logits: entry.logits });
    }
  }
  return graphs;
}

function statesOf(entries) {
  if (entries.length > MOST_STATES) {
    throw new RfaError(`${MANIFEST} lists ${entries.length} states, at most ${MOST_STATES} are allowed`);
  }
  const states = entries.map(stateOf);
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

function stateOf(entry, place) {
  const where = `state[${place}]`;
  if (!isTable(entry)) {
    refuse(where, entry, "a table");
  }
  if (entry.kind !== "recurrent") {
    refuse(`${where}.kind`, entry.kind, "'recurrent': this package runs models whose state has a fixed size");
  }
  if (!Object.hasOwn(BYTES, entry.dtype)) {
    refuse(`${where}.dtype`, entry.dtype, "'float32' or 'float16'");
  }
  const shape = shapeOf(entry.shape, `${where}.shape`);
  const elements = shape.reduce((product, size) => product * size, 1);
  const { dtype } = entry;
  const bytes = elements * BYTES[dtype];
  return { past: text(entry, "past"), present: text(entry, "present"), dtype, shape, elements, bytes };
}

// The shape for one text.
function shapeOf(dims, where) {
  const [batch, ...sizes] = Array.isArray(dims) ? dims : [];
  const fits = batch === "batch" && sizes.length < LARGEST_RANK && sizes.every((size) => isWhole(size, 1, LARGEST_SIZE));
  if (!fits) {
    refuse(where, dims, "'batch' at 0, among at most 8 sizes above 0");
  }
  return [1, ...sizes];
}

function endsOf(ids, vocabSize) {
  const ends = new Set();
  const eos = specialId(ids, "eos", vocabSize);
  if (eos !== null) {
    ends.add(eos);
  }
  for (const token of ids.other_ends === undefined ? [] : list(ids, "other_ends")) {
    if (!isWhole(token, 0, vocabSize - 1)) {
      refuse("other_ends", ids.other_ends, "a list of token ids");
    }
    ends.add(token);
  }
  return ends;
}

function samplingOf(entries) {
  const found = {};
  for (const [name, value] of Object.entries(entries)) {
    if (value === null) {
      continue;
    }
    if (!Object.hasOwn(SETTINGS, name) || typeof value !== "number") {
      refuse(`sampling.${name}`, value, `a number for one of ${Object.keys(SETTINGS).join(", ")}`);
    }
    found[SETTINGS[name]] = value;
  }
  return found;
}

function specialId(ids, name, vocabSize) {
  return ids[name] === null ? null : whole(ids, name, 0, vocabSize - 1);
}

function whole(entry, name, lowest, highest) {
  if (!isWhole(entry[name], lowest, highest)) {
    refuse(name, entry[name], `a whole number from ${lowest} to ${highest}`);
  }
  return entry[name];
}

function text(entry, name) {
  if (typeof entry[name] !== "string") {
    refuse(name, entry[name], "a text");
  }
  return entry[name];
}

function names(entry, name) {
  const found = list(entry, name);
  if (!found.every((one) => typeof one === "string")) {
    refuse(name, found, "a list of names");
  }
  return found;
}

function list(entry, name) {
  if (!Array.isArray(entry[name])) {
    refuse(name, entry[name], "a list");
  }
  return entry[name];
}

function table(entry, name) {
  if (!isTable(entry[name])) {
    refuse(name, entry[name], "a table");
  }
  return entry[name];
}

function isTable(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWhole(value, lowest, highest) {
  return Number.isSafeInteger(value) && lowest <= value && value <= highest;
}

function refuse(where, value, wanted) {
  const shown = String(JSON.stringify(value)).slice(0, 80);
  throw new RfaError(`${MANIFEST}: ${where} is ${shown}, wanted ${wanted}`);
}
