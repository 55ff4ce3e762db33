// Language models that decode in constant memory, in a browser tab:
//
//   import { load } from "rfa-web";
//
//   const model = await load("stories.rfa");
//   for await (const piece of model.stream("Once upon a time")) {
//     show(piece.text);
//   }

import { WebSource } from "./web_source.js";

export { RfaError } from "./errors.js";

// Load a bundle: in a worker where there are workers, so that the page never stalls, else in this thread.
export async function load(source, { worker = globalThis.Worker !== undefined, ...options } = {}) {
  const distant = worker && typeof source === "string";
  if (distant) {
    const { openInWorker } = await import("./client.js");
    return openInWorker(source, options);
  }
  const { openHere } = await import("./here.js");
  return openHere(typeof source === "string" ? new WebSource(source) : source, options);
}
