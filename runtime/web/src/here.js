// Loads models in this thread, with the packages as a bundler or Node finds them.

import { openModel } from "./model.js";
import { modulesFor } from "./packages.js";

export async function openHere(source, options) {
  return openModel(source, await modulesFor(options.provider), options);
}
