// A bundle: its manifest, and its files as they are wanted, each held to its size and its sum.

import { RfaError } from "./errors.js";
import { MANIFEST, parseManifest } from "./manifest.js";
import { sha256 } from "./sha256.js";

const LARGEST_MANIFEST = 16 * 2 ** 20;
const COPY_AGAIN = "copy or export the bundle again";

export class Bundle {
  #source;
  #wanted = 0;
  #loaded = 0;
  #progress;

  constructor(manifest, sum, source, progress) {
    this.manifest = manifest;
    this.sha256 = sum; // of the sums of all files: what a state is bound to
    this.#source = source;
    this.#progress = progress;
  }

  has(name) {
    return this.manifest.files.has(name);
  }

  // Say that files are going to be read, so that progress knows how much there is.
  expect(names) {
    for (const name of names) {
      this.#wanted += this.manifest.files.get(name).bytes;
    }
  }

  // The bytes of a file.  Throws RfaError where it is missing or was changed.
  async read(name) {
    const entry = this.manifest.files.get(name);
    const bytes = await this.#source.read(name, entry, (count) => this.#note(count));
    if (bytes.byteLength !== entry.bytes) {
      throw new RfaError(`${name} has ${bytes.byteLength} bytes, the manifest says ${entry.bytes}: ${COPY_AGAIN}`);
    }
    if ((await sha256(bytes)) !== entry.sha256) {
      throw new RfaError(`${name} has changed since the bundle was written (its sha256 differs): ${COPY_AGAIN}`);
    }
    return bytes;
  }

  #note(count) {
    this.#loaded += count;
    this.#progress({ loaded: this.#loaded, total: this.#wanted });
  }
}

// Read a bundle.  source: has `manifest()` and `read(name, entry, note)`, see web_source.js.  progress: is told of
// bytes as they come.  Throws RfaError.
export async function readBundle(source, progress = () => {}) {
  const bytes = await source.manifest();
  if (bytes.byteLength > LARGEST_MANIFEST) {
    throw new RfaError(`${MANIFEST} is larger than 16 MB: it is not one of ours`);
  }
  const manifest = parseManifest(textOf(bytes));
  return new Bundle(manifest, await sumOf(manifest.files), source, progress);
}

function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new RfaError(`${MANIFEST} is not JSON: it is no UTF-8`);
  }
}

// As the Python runtime writes them: a list of pairs in JSON, by name.
async function sumOf(files) {
  const names = [...files.keys()].sort();
  const pairs = names.map((name) => `["${name}", "${files.get(name).sha256}"]`);
  return sha256(new TextEncoder().encode(`[${pairs.join(", ")}]`));
}
