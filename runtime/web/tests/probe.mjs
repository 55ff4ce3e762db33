// Answers questions about the package's parts: a line of JSON goes in, a line comes out.  The Python tests compare, and
// ask the C++ runtime's probe the same questions.
//
//   {"ask": "random", "seed": 7, "count": 3}                          -> numbers from 0 to 1
//   {"ask": "choose", "settings": {}, "vocab_size": 4, "logits": []}  -> tokens, one for each list of logits
//   {"ask": "tokenizer", "file": ""}                                  -> null; it serves the questions after it
//   {"ask": "encode", "text": ""}                                     -> token ids
//   {"ask": "pieces", "prompt": [], "tokens": []}                     -> texts, one for each token, and what is left
//   {"ask": "manifest", "text": ""}                                   -> null
//   {"ask": "bundle", "folder": ""}                                   -> its sha256; it serves the questions after it
//   {"ask": "state", "file": ""}                                      -> the tokens that it has read
//   {"ask": "write", "prompt": "", "settings": {}, "load": "", "save": ""}  -> token_ids, text, finish_reason

import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";

import { Tokenizer } from "@huggingface/tokenizers";
import * as ort from "onnxruntime-web";

import { readBundle } from "../src/bundle.js";
import { RfaError } from "../src/errors.js";
import { load } from "../src/index.js";
import { parseManifest } from "../src/manifest.js";
import { folder } from "../src/node.js";
import { Random } from "../src/random.js";
import { GREEDY, Sampler, settingsOver } from "../src/sampling.js";
import { Session } from "../src/session.js";
import { unpacked } from "../src/state_file.js";
import { openTokenizer } from "../src/tokenizer.js";

class Probe {
  #tokenizer;
  #bundle;
  #model;

  random({ seed, count }) {
    const random = new Random(seed);
    return Array.from({ length: count }, () => random.next());
  }

  choose({ settings, vocab_size: vocabSize, prompt = [], logits }) {
    const sampler = new Sampler(settingsOver(GREEDY, camelCased(settings)), vocabSize, prompt);
    return logits.map((row) => sampler.choose(Float32Array.from(row)));
  }

  async tokenizer({ file }) {
    const only = { has: () => true, read: () => readFile(file) };
    this.#tokenizer = await openTokenizer(Tokenizer, only);
    return null;
  }

  encode({ text }) {
    return this.#tokenizer.encode(text);
  }

  pieces({ prompt, tokens }) {
    const detokenizer = this.#tokenizer.detokenizer(prompt);
    return [...tokens.map((token) => detokenizer.push(token)), detokenizer.flush()];
  }

  manifest({ text }) {
    parseManifest(text);
    return null;
  }

  async bundle({ folder: place }) {
    this.#bundle = await readBundle(folder(place));
    await Promise.all([...this.#bundle.manifest.files.keys()].map((name) => this.#bundle.read(name)));
    this.#model = undefined;
    this.place = place;
    return this.#bundle.sha256;
  }

  async state({ file }) {
    const session = new Session(ort, this.#bundle.manifest, new Map());
    const past = await unpacked(new Uint8Array(await readFile(file)), this.#bundle, session);
    return past.tokens;
  }

  async write({ prompt, settings, load: before, save }) {
    this.#model ??= await load(folder(this.place));
    const request = camelCased(settings);
    if (before !== undefined) {
      request.state = new Uint8Array(await readFile(before));
    }
    const text = this.#model.stream(prompt, request);
    const pieces = [];
    for await (const piece of text) {
      pieces.push(piece);
    }
    if (save !== undefined) {
      await writeFile(save, await text.save());
    }
    return {
      token_ids: pieces.map((piece) => piece.token),
      text: pieces.map((piece) => piece.text).join(""),
      finish_reason: pieces.at(-1).finishReason,
    };
  }
}

// Python's names in JavaScript's manner.
function camelCased(settings) {
  const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [camel(name), value]));
}

const probe = new Probe();
for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...question } = JSON.parse(line);
  let answer;
  try {
    answer = { answer: await probe[ask](question) };
  } catch (error) {
    if (!(error instanceof RfaError)) {
      throw error;
    }
    answer = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
