// The page: one model, one story at a time.  ?bundle=ADDRESS takes another model, ?provider=webgpu the GPU.

import { load } from "../src/index.js";
import { keep, kept } from "../src/storage.js";
import { Plot } from "./plot.js";

const asked = new URLSearchParams(location.search);
const BUNDLE = asked.get("bundle") ?? "bundle/";
const PROVIDER = asked.get("provider") ?? "wasm";
const PACKAGES = asked.get("packages") ?? "node_modules/";
const KEPT = `story of ${BUNDLE}`;
const KEEP_MS = 1000; // between two times that the story is kept
const DRAW_MS = 200;
const RECENT = 200; // tokens of which the speed is told
const SHOWN = 20_000; // characters on the page: a story may be endless, a page may not
const FILE = "story.state";

const page = Object.fromEntries(Array.from(document.querySelectorAll("[id]"), (found) => [found.id, found]));
const plot = new Plot(page.plot);
let model;
let story = null; // what is on the page: { shown, count, state, settings, writing }
let stopping = false;

page.form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
page.stop.addEventListener("click", stop);
page["go-on"].addEventListener("click", goOn);
page.save.addEventListener("click", save);
page.open.addEventListener("click", () => page.file.click());
page.file.addEventListener("change", openFile);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    stop();
  }
  if (event.key === "Enter" && event.ctrlKey && !page.write.disabled) {
    page.form.requestSubmit();
  }
});
start();

async function start() {
  try {
    model = await load(BUNDLE, { provider: PROVIDER, modules: modules(), onProgress: showProgress });
  } catch (error) {
    tell(error.message, true);
    return;
  }
  performance.mark("ready");
  page.loading.hidden = true;
  page.state.textContent = size(model.stateBytes);
  tell("Ready");
  offer(false);
  await resume();
}

function modules() {
  const build = PROVIDER === "webgpu" ? "ort.webgpu.min.mjs" : "ort.wasm.min.mjs";
  return {
    ort: `${PACKAGES}onnxruntime-web/dist/${build}`,
    tokenizers: `${PACKAGES}@huggingface/tokenizers/dist/tokenizers.min.mjs`,
  };
}

// Go on where the last visit was: on its own, if it was in the middle.
async function resume() {
  const found = await kept(KEPT).catch(() => undefined);
  if (found === undefined) {
    return;
  }
  story = found;
  page.story.textContent = story.shown;
  page.count.textContent = story.count.toLocaleString("en");
  offer(false);
  if (story.writing) {
    await write("");
  }
}

function begin() {
  story = { shown: page.prompt.value, count: 0, state: undefined, settings: settingsOfPage(), writing: false };
  plot.clear();
  write(page.prompt.value);
}

function goOn() {
  story.settings = settingsOfPage();
  write("");
}

// Write on from the story's state.
async function write(prompt) {
  stopping = false;
  offer(true);
  const text = open(prompt);
  if (text === null) {
    return;
  }
  page.story.textContent = story.shown;
  try {
    await read(text);
  } catch (error) {
    tell(error.message, true);
  } finally {
    await text.close();
    offer(false);
  }
}

function open(prompt) {
  try {
    return model.stream(prompt, { ...story.settings, state: story.state });
  } catch (error) {
    tell(error.message, true);
    offer(false);
    return null;
  }
}

async function read(text) {
  const clock = new Clock();
  let nextKeep = performance.now() + KEEP_MS;
  for await (const piece of text) {
    note(piece, clock);
    if (performance.now() > nextKeep) {
      await remember(text, true);
      clock.skip();
      nextKeep = performance.now() + KEEP_MS;
    }
    if (stopping) {
      break;
    }
  }
  await remember(text, false);
  clock.show();
  plot.draw();
  tell(stopping ? "Stopped" : "Done");
}

function note(piece, clock) {
  story.count += 1;
  story.shown = (story.shown + piece.text).slice(-SHOWN);
  const took = clock.tick();
  if (took !== null) {
    plot.add(story.count, took);
  }
  if (clock.isTime()) {
    clock.show();
    plot.draw();
  }
}

// Keep the story in the browser.
async function remember(text, writing) {
  story.state = await text.save();
  story.writing = writing;
  await keep(KEPT, story).catch((error) => tell(`The browser keeps nothing: ${error.message}`, true));
}

function stop() {
  stopping = true;
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([story.state]));
  link.download = FILE;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function openFile() {
  const [file] = page.file.files;
  page.file.value = "";
  if (file === undefined) {
    return;
  }
  const state = new Uint8Array(await file.arrayBuffer());
  story = { shown: "", count: 0, state, settings: settingsOfPage(), writing: false };
  plot.clear();
  await write("");
}

function settingsOfPage() {
  const settings = { temperature: Number(page.temperature.value), maxNewTokens: Number(page.tokens.value) };
  if (page.seed.value !== "") {
    settings.seed = Number(page.seed.value);
  }
  return { ...settings, ignoreEos: settings.maxNewTokens === 0 };
}

function showProgress({ loaded, total }) {
  page.loading.value = loaded / total;
  tell(`Loading the model: ${size(loaded)} of ${size(total)}`);
}

// What can be done now.
function offer(writing) {
  const has = story?.state !== undefined;
  page.write.disabled = writing;
  page.stop.disabled = !writing;
  page["go-on"].disabled = writing || !has;
  page.save.disabled = writing || !has;
  page.open.disabled = writing;
  if (writing) {
    tell("Writing");
  }
}

function tell(words, error = false) {
  page.status.textContent = words;
  page.status.classList.toggle("error", error);
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// Times of tokens, and when the page shows them.
class Clock {
  #started = performance.now();
  #last = performance.now();
  #shown = 0;
  #first = null;
  #recent = [];

  // Milliseconds since the last token; null for the first one, which waited for the prompt.
  tick() {
    const now = performance.now();
    const took = now - this.#last;
    this.#last = now;
    if (this.#first === null) {
      this.#first = now - this.#started;
      performance.measure("first token", { start: this.#started, end: now });
      page.first.textContent = `${Math.round(this.#first)} ms`;
      return null;
    }
    this.#recent.push(took);
    this.#recent.splice(0, this.#recent.length - RECENT);
    return took;
  }

  // What happened since then was no token.
  skip() {
    this.#last = performance.now();
  }

  isTime() {
    return performance.now() - this.#shown > DRAW_MS;
  }

  show() {
    this.#shown = performance.now();
    const sum = this.#recent.reduce((heap, took) => heap + took, 0);
    page.speed.textContent = sum > 0 ? Math.round((1000 * this.#recent.length) / sum).toLocaleString("en") : "-";
    page.count.textContent = story.count.toLocaleString("en");
    page.story.textContent = story.shown;
    page.story.scrollTop = page.story.scrollHeight;
  }
}
