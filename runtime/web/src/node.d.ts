import type { Source } from "./index.js";

/** A bundle in a folder, for `load`. */
export function folder(path: string): Source;
