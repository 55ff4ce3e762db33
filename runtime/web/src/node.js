// Bundles in a folder, for Node.

import { readFile } from "node:fs/promises";
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
    try {
      const bytes = await readFile(path.join(this.#place, name));
      return new Uint8Array(bytes).buffer;
    } catch (error) {
      throw new RfaError(`${path.join(this.#place, name)} cannot be read: ${error.message}`);
    }
  }
}
