// Bundles in a folder, for Node.

import { readFile, stat } from "node:fs/promises";
import path from "node:path";

import { RfaError } from "./errors.js";
import { MANIFEST } from "./manifest.js";

// What `load` takes in place of an address.
export function folder(place) {
  return new FolderSource(place);
}

class FolderSource {
  #place;

  constructor(place) {
    this.#place = place;
  }

  async manifest() {
    return this.#bytes(MANIFEST);
  }

  async read(name, entry, note) {
    const bytes = await this.#bytes(name);
    note(bytes.byteLength);
    return bytes;
  }

  async #bytes(name) {
    const file = path.join(this.#place, name);
    try {
      await checkPlain(file);
      return new Uint8Array(await readFile(file)).buffer;
    } catch (error) {
      throw error instanceof RfaError ? error : new RfaError(`${file} cannot be read: ${error.message}`);
    }
  }
}

// Throws RfaError for anything but a plain file: to open a pipe would wait for ever.
async function checkPlain(file) {
  const status = await stat(file);
  if (!status.isFile()) {
    throw new RfaError(`${file} is no plain file: copy or export the bundle again`);
  }
}
