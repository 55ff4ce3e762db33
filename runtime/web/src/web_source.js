// The files of a bundle on a web server.  The browser keeps weights by their sums: a changed bundle is loaded anew, one
// that moved is not.

import { RfaError } from "./errors.js";
import { MANIFEST } from "./manifest.js";

const CACHE = "rfa-bundles";
const VERSION_DIGITS = 16;

export class WebSource {
  #base;

  // url: of the bundle's folder.
  constructor(url) {
    const place = new URL(url, globalThis.location?.href);
    if (!place.pathname.endsWith("/")) {
      place.pathname += "/";
    }
    this.#base = place;
  }

  // The newest manifest; without a network, the one that was read last.
  async manifest() {
    const url = new URL(MANIFEST, this.#base);
    const cache = await openCache();
    let answer;
    try {
      answer = await fetch(url, { cache: "no-cache" });
    } catch (error) {
      const kept = await cache?.match(url);
      if (kept === undefined) {
        throw new RfaError(`${url} cannot be read: ${error.message}`);
      }
      return kept.arrayBuffer();
    }
    checkAnswer(answer, url);
    await cache?.put(url, answer.clone());
    return answer.arrayBuffer();
  }

  // A file, from the cache where it is there.  note: is told of numbers of bytes as they come.
  async read(name, entry, note) {
    const cache = await openCache();
    const key = new URL(`sha256-${entry.sha256}`, this.#base.origin);
    const kept = await cache?.match(key);
    if (kept !== undefined) {
      note(entry.bytes);
      return kept.arrayBuffer();
    }
    const url = new URL(name, this.#base);
    url.searchParams.set("v", entry.sha256.slice(0, VERSION_DIGITS)); // whatever lies between may keep it for ever
    const answer = await fetched(url);
    const bytes = await bytesOf(answer, entry.bytes, url, note);
    await keep(cache, key, bytes);
    return bytes;
  }
}

async function openCache() {
  try {
    return await globalThis.caches?.open(CACHE);
  } catch {
    return undefined; // a browser that is told to keep nothing
  }
}

async function keep(cache, key, bytes) {
  try {
    await cache?.put(key, new Response(bytes));
  } catch {
    // no room: the next visit loads it again
  }
}

async function fetched(url) {
  let answer;
  try {
    answer = await fetch(url);
  } catch (error) {
    throw new RfaError(`${url} cannot be read: ${error.message}`);
  }
  checkAnswer(answer, url);
  return answer;
}

function checkAnswer(answer, url) {
  if (!answer.ok) {
    throw new RfaError(`${url} gave the status ${answer.status}: is this the folder of a bundle?`);
  }
}

// The body, as far as the manifest says: a server may send without end.
async function bytesOf(answer, size, url, note) {
  const bytes = new Uint8Array(size);
  let place = 0;
  for await (const part of partsOf(answer.body)) {
    if (place + part.byteLength > size) {
      throw new RfaError(`${url} is longer than the manifest says: copy or export the bundle again`);
    }
    bytes.set(part, place);
    place += part.byteLength;
    note(part.byteLength);
  }
  return bytes.buffer.slice(0, place);
}

// Safari cannot iterate over a stream.
async function* partsOf(stream) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}
