// A state as one file in the layout of safetensors; rfa_runtime/session/saved.py describes it.  What Python and C++
// write is read here, and the other way round.

import { RfaError } from "./errors.js";
import { parsedTable } from "./json_object.js";
import { sha256 } from "./sha256.js";
import { State } from "./session.js";

const ENTRY = "rfa_state";
const LOGITS = "logits";
const TOKENS = "token_ids.0";
const FORMAT_VERSION = 1;
const LENGTH_BYTES = 8;
const LARGEST_HEADER = 2 ** 20;
const ALIGNMENT = 8;
const NO_DIGEST = "0".repeat(64);
const NAMES = { float32: "F32", float16: "F16" };

// What a text has read: a state, and the tokens.
export class Past {
  constructor(state, tokens) {
    this.state = state;
    this.tokens = tokens;
  }
}

// A past as bytes.
export async function packed(past, bundle) {
  const ordered = inOrder(await tensorsOf(past, bundle.manifest));
  const table = JSON.stringify({
    format_version: FORMAT_VERSION,
    bundle: bundle.sha256,
    lengths: [past.state.length],
    sha256: NO_DIGEST,
  });
  const header = headerOf(ordered, table);
  const length = new DataView(new ArrayBuffer(LENGTH_BYTES));
  length.setBigUint64(0, BigInt(header.byteLength), true);
  const data = joined([new Uint8Array(length.buffer), header, ...ordered.map(({ bytes }) => bytes)]);
  data.set(new TextEncoder().encode(await sha256(data)), placeOf(data, NO_DIGEST));
  return data;
}

// A past from bytes.  Throws RfaError for a file that is damaged, or of another bundle.
export async function unpacked(data, bundle, session) {
  const size = headerSize(data);
  const document = new TextDecoder().decode(data.subarray(LENGTH_BYTES, LENGTH_BYTES + size));
  const { __metadata__: metadata, ...entries } = parsedTable(document, "the header of the state");
  const table = parsedTable(metadata?.[ENTRY], "the table of the state");
  if (table.format_version > FORMAT_VERSION) {
    throw new RfaError(`a state of format ${table.format_version}, this package reads up to ${FORMAT_VERSION}`);
  }
  await checkDigest(data, table.sha256);
  if (table.bundle !== bundle.sha256) {
    throw new RfaError("a state of another bundle: open the bundle that it was saved with");
  }
  const payload = data.subarray(LENGTH_BYTES + size);
  return takenApart(new Tensors(entries, payload), lengthIn(table), bundle.manifest, session);
}

async function tensorsOf(past, manifest) {
  const tensors = [];
  for (const spec of manifest.states) {
    const numbers = await past.state.tensors.get(spec.past).getData();
    tensors.push({ name: spec.past, dtype: NAMES[spec.dtype], shape: spec.shape, bytes: bytesOf(numbers) });
  }
  if (past.state.logits !== null) {
    const { logits } = past.state;
    tensors.push({ name: LOGITS, dtype: "F32", shape: [1, logits.length], bytes: bytesOf(logits) });
  }
  const ids = Int32Array.from(past.tokens);
  tensors.push({ name: TOKENS, dtype: "I32", shape: [ids.length], bytes: bytesOf(ids) });
  return tensors;
}

// The order in which safetensors writes them: wide numbers first, then by name.
function inOrder(tensors) {
  const narrow = ({ dtype }) => (dtype === "F16" ? 1 : 0);
  return tensors.sort((one, other) => narrow(one) - narrow(other) || (one.name < other.name ? -1 : 1));
}

function headerOf(tensors, table) {
  const header = { __metadata__: { [ENTRY]: table } };
  let place = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    const end = place + bytes.byteLength;
    header[name] = { dtype, shape, data_offsets: [place, end] };
    place = end;
  }
  const text = JSON.stringify(header);
  const rest = text.length % ALIGNMENT;
  return new TextEncoder().encode(rest === 0 ? text : text + " ".repeat(ALIGNMENT - rest));
}

function headerSize(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const size = data.byteLength < LENGTH_BYTES ? 0n : view.getBigUint64(0, true);
  if (size === 0n || size > LARGEST_HEADER || size > data.byteLength - LENGTH_BYTES) {
    damaged("it has no header");
  }
  return Number(size);
}

// Every byte of the file is under its sum, in which these digits are zeros.
async function checkDigest(data, digest) {
  const place = typeof digest === "string" && digest.length === NO_DIGEST.length ? placeOf(data, digest) : -1;
  if (place >= 0) {
    const copy = data.slice();
    copy.set(new TextEncoder().encode(NO_DIGEST), place);
    if ((await sha256(copy)) === digest) {
      return;
    }
  }
  damaged("its bytes are not those that were written");
}

// Tensors of a file, each taken once.
class Tensors {
  #entries;
  #payload;
  #left;

  constructor(entries, payload) {
    this.#entries = entries;
    this.#payload = payload;
    this.#left = new Set(Object.keys(entries));
  }

  has(name) {
    return Object.hasOwn(this.#entries, name);
  }

  // The bytes of a tensor, in memory of their own.
  take(name, dtype, shape, bytes) {
    if (!this.has(name)) {
      damaged(`it has no tensor '${name}'`);
    }
    const entry = this.#entries[name];
    const [begin, end] = Array.isArray(entry?.data_offsets) ? entry.data_offsets : [];
    const inside = Number.isInteger(begin) && Number.isInteger(end) && 0 <= begin && end <= this.#payload.byteLength;
    const same = entry?.dtype === dtype && JSON.stringify(entry.shape) === JSON.stringify(shape);
    if (!inside || !same || end - begin !== bytes) {
      damaged(`its tensor '${name}' is not that of the bundle`);
    }
    this.#left.delete(name);
    return this.#payload.slice(begin, end).buffer;
  }

  checkNoneLeft() {
    if (this.#left.size > 0) {
      damaged("it has tensors that the bundle does not know");
    }
  }
}

function takenApart(tensors, length, manifest, session) {
  const ids = new Int32Array(tensors.take(TOKENS, "I32", [length], 4 * length));
  if (ids.some((token) => token < 0 || token >= manifest.vocabSize)) {
    damaged("it has a token that the model does not know");
  }
  const found = new Map();
  for (const spec of manifest.states) {
    found.set(spec.past, session.tensor(spec, tensors.take(spec.past, NAMES[spec.dtype], spec.shape, spec.bytes)));
  }
  const state = new State(found, length);
  if (tensors.has(LOGITS)) {
    state.logits = new Float32Array(tensors.take(LOGITS, "F32", [1, manifest.vocabSize], 4 * manifest.vocabSize));
  }
  tensors.checkNoneLeft();
  return new Past(state, Array.from(ids));
}

function lengthIn({ lengths }) {
  if (!Array.isArray(lengths) || lengths.length !== 1) {
    throw new RfaError("the state holds several texts, wanted one");
  }
  if (!Number.isSafeInteger(lengths[0]) || lengths[0] < 0) {
    damaged("it does not say how many tokens were read");
  }
  return lengths[0];
}

function bytesOf(numbers) {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let place = 0;
  for (const part of parts) {
    all.set(part, place);
    place += part.byteLength;
  }
  return all;
}

// Where digits stand in the header, or -1.
function placeOf(data, digits) {
  const head = data.subarray(0, LENGTH_BYTES + LARGEST_HEADER);
  return new TextDecoder("latin1").decode(head).indexOf(digits);
}

function damaged(problem) {
  throw new RfaError(
    `no state, or a damaged one (${problem}): save it again, or get it again from where it came`,
  );
}
