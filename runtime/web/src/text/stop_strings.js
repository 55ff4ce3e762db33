// Strings that end a text and are not part of it: what may be the beginning of one is held back.

import { RfaError } from "../errors.js";

// Throws RfaError for what cannot end a text.
export function checkStops(stops) {
  if (!Array.isArray(stops) || stops.some((stop) => typeof stop !== "string" || stop === "")) {
    throw new RfaError("stop holds something else than texts of one character or more");
  }
}

export class StopStrings {
  found = false;
  #stops;
  #held = "";

  constructor(stops) {
    this.#stops = stops;
  }

  // The text that is certain with another piece.  Of several strings, the one that is complete first counts.
  push(piece) {
    const text = this.#held + piece;
    const beginning = this.#beginning(text);
    if (beginning !== null) {
      this.found = true;
      this.#held = "";
      return text.slice(0, beginning);
    }
    const shown = text.length - this.#begunAtEnd(text);
    this.#held = text.slice(shown);
    return text.slice(0, shown);
  }

  flush() {
    const text = this.#held;
    this.#held = "";
    return text;
  }

  #beginning(text) {
    let best = null;
    for (const stop of this.#stops) {
      const place = text.indexOf(stop);
      if (place < 0) {
        continue;
      }
      const end = place + stop.length;
      if (best === null || end < best.end || (end === best.end && place < best.place)) {
        best = { place, end };
      }
    }
    return best === null ? null : best.place;
  }

  #begunAtEnd(text) {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = longest + 1; length < stop.length; length++) {
        if (text.endsWith(stop.slice(0, length))) {
          longest = length;
        }
      }
    }
    return longest;
  }
}
