// Which names the files of a bundle may have: plain on every system, and in every address.

import { RfaError } from "./errors.js";

const PLAIN = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,254}$/;
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i; // Windows opens these, whatever comes after a dot

// Throws RfaError for any other.
export function checkFileName(name) {
  if (!PLAIN.test(name) || name.endsWith(".") || DEVICE.test(name)) {
    const shown = JSON.stringify(name.slice(0, 80));
    throw new RfaError(`the file name ${shown} is refused: wanted only letters, digits and _ . + -`);
  }
}
