// Text to tokens and back, by @huggingface/tokenizers, with the settings of the Python runtime.

import { RfaError } from "./errors.js";
import { parsedTable } from "./json_object.js";
import { ByteDetokenizer } from "./text/byte_text.js";
import { FallbackDetokenizer } from "./text/fallback_text.js";
import { WindowDetokenizer } from "./text/window_text.js";

const TOKENIZER = "tokenizer.json";

// What a bundle has.  Tokenizer: the class of @huggingface/tokenizers.  Throws RfaError.
export async function openTokenizer(Tokenizer, bundle) {
  if (!bundle.has(TOKENIZER)) {
    return new OnlyTokens();
  }
  const text = new TextDecoder().decode(await bundle.read(TOKENIZER));
  const given = parsedTable(text, TOKENIZER);
  try {
    return new Texts(Tokenizer, { ...given, pre_tokenizer: withDigits(given.pre_tokenizer) });
  } catch (error) {
    throw new RfaError(`${TOKENIZER} cannot be read: ${error.message}`);
  }
}

export function tokenizerFiles(bundle) {
  return bundle.has(TOKENIZER) ? [TOKENIZER] : [];
}

class Texts {
  #encoder;
  #decoder;
  #steps; // kinds of what the decoder does
  #names = new Map(); // of tokens that have text: special ones leave no trace
  #special = new Map();

  constructor(Tokenizer, table) {
    const added = table.added_tokens ?? [];
    // A text that spells a special token is text: it cannot end or begin anything.
    this.#encoder = new Tokenizer({ ...table, added_tokens: added.filter((token) => !token.special) }, {});
    this.#decoder = new Tokenizer(table, {});
    this.#steps = stepsOf(table.decoder);
    for (const [name, id] of vocabularyOf(table.model)) {
      this.#names.set(id, name);
    }
    for (const { content, id, special } of added) {
      this.#names.set(id, content);
      if (special) {
        this.#names.delete(id);
        this.#special.set(content, id);
      }
    }
  }

  // Token ids of a text, without special tokens.
  encode(text) {
    return Array.from(this.#encoder.encode(text, { add_special_tokens: false }).ids, Number);
  }

  // Text from tokens that come one by one.  prompt: token ids that were read before.
  detokenizer(prompt) {
    const decode = (ids) => this.#decode(ids);
    if (this.#steps.length === 1 && this.#steps[0] === "ByteLevel") {
      return new ByteDetokenizer(this.#names, prompt);
    }
    if (this.#steps.includes("ByteFallback")) {
      return new FallbackDetokenizer(this.#names, decode, prompt);
    }
    return new WindowDetokenizer(this.#names, decode, prompt);
  }

  // The id of a special token by its name; undefined for other strings.
  special(name) {
    return this.#special.get(name);
  }

  #decode(ids) {
    if (ids.length === 0) {
      return "";
    }
    return this.#decoder.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: false });
  }
}

// Of a bundle whose tokens have no text.
class OnlyTokens {
  encode() {
    throw new RfaError(`the bundle has no ${TOKENIZER}: give the prompt as token ids`);
  }

  detokenizer() {
    return { push: () => "", flush: () => "" };
  }

  special() {
    return undefined;
  }
}

function stepsOf(decoder) {
  if (decoder === null || decoder === undefined) {
    return [];
  }
  const steps = decoder.decoders ?? [decoder];
  return steps.map((step) => step.type);
}

// Pairs of a name and an id.
function vocabularyOf({ vocab }) {
  return Array.isArray(vocab) ? vocab.map(([name], id) => [name, id]) : Object.entries(vocab);
}

// The library takes other characters for digits than the one that trained the tokenizer: spell out which are meant.
function withDigits(node) {
  if (Array.isArray(node)) {
    return node.map(withDigits);
  }
  if (typeof node !== "object" || node === null) {
    return node;
  }
  if (node.type === "Digits") {
    const Regex = node.individual_digits ? "\\p{N}" : "\\p{N}+";
    return { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false };
  }
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, withDigits(value)]));
}
