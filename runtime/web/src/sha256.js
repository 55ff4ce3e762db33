// SHA-256 as the browser and Node have it.

import { RfaError } from "./errors.js";

// The sum of bytes as hexadecimal digits.  Throws RfaError on a page that the browser holds for unsafe.
export async function sha256(bytes) {
  if (globalThis.crypto?.subtle === undefined) {
    throw new RfaError("this page has no checksums: browsers give them to pages from https or localhost only");
  }
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
