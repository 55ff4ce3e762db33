// Reads JSON from strangers: every value is asked for by name, type and range, and errors say where it stood.

import { RfaError } from "./errors.js";

const LONGEST_TEXT = 1024;
const DEEPEST = 64; // lists and objects within each other
const SHOWN = 60; // characters of a value in a message

// A document as a table.  Throws RfaError.  Of a key that comes twice the last one counts: JSON.parse does not tell.
export function parsedTable(text, where) {
  let found;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new RfaError(`${where} is not JSON: ${onOneLine(error.message)}`); // it repeats its input
  }
  checkTable(found, where);
  return found;
}

// A small document whose top is an object: all of it is looked through.  Throws RfaError.
export function parsedObject(text, where) {
  const found = parsedTable(text, where);
  checkDepthAndText(found, where, 0);
  return new JsonObject(found, where);
}

// An object that knows where it stands in its document.  Its methods throw RfaError.
export class JsonObject {
  constructor(table, where) {
    checkTable(table, where);
    this.table = table;
    this.where = where;
  }

  // Whether anything stands under a key.
  has(key) {
    return Object.hasOwn(this.table, key);
  }

  // What stands under a key, of any type.
  value(key) {
    if (!this.has(key)) {
      throw new RfaError(`${this.where} has no '${key}'`);
    }
    return this.table[key];
  }

  // A string that is not empty.
  text(key) {
    const value = this.value(key);
    if (typeof value !== "string" || value === "" || value.length > LONGEST_TEXT) {
      this.refuse(key, value, `a string of 1 to ${LONGEST_TEXT} characters`);
    }
    return value;
  }

  // One of some strings.
  choice(key, choices) {
    const value = this.value(key);
    if (!choices.includes(value)) {
      this.refuse(key, value, choices.map((choice) => `'${choice}'`).join(" or "));
    }
    return value;
  }

  // A whole number within bounds, both included.
  integer(key, lowest, highest) {
    const value = this.value(key);
    if (!isWhole(value, lowest, highest)) {
      this.refuse(key, value, `a whole number from ${lowest} to ${highest}`);
    }
    return value;
  }

  // A list, its items unchecked.
  array(key) {
    const value = this.value(key);
    if (!Array.isArray(value)) {
      this.refuse(key, value, "a list");
    }
    return value;
  }

  // A list of distinct strings, one at least.
  names(key) {
    const found = this.array(key);
    const texts = found.every((name) => typeof name === "string" && name !== "");
    if (!texts || found.length === 0 || new Set(found).size !== found.length) {
      this.refuse(key, found, "a list of distinct names");
    }
    return found;
  }

  // An object within this one.
  child(key) {
    return new JsonObject(this.value(key), `${this.where}.${shownName(key)}`);
  }

  // Every name with its object, where all values are objects.
  children() {
    return Object.keys(this.table).map((key) => [key, this.child(key)]);
  }

  // Say what came and what was wanted.
  refuse(key, value, wanted) {
    throw new RfaError(`${this.where}.${shownName(key)} is ${kindOf(value)}, wanted ${wanted}`);
  }
}

// Whether a value is a whole number within bounds, both included.
export function isWhole(value, lowest, highest) {
  return Number.isSafeInteger(value) && lowest <= value && value <= highest;
}

// A name out of a document as a message can hold it: short, on one line.
export function shownName(name) {
  const text = JSON.stringify(name).slice(1, -1);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN - 3)}...`;
}

function onOneLine(text) {
  return text.replace(/\s+/g, " ");
}

// Refuse what is nested too deep, and half of a surrogate pair, which is no text.
function checkDepthAndText(value, where, depth) {
  if (typeof value === "string" && /\p{Surrogate}/u.test(value)) {
    throw new RfaError(`${where} is not JSON: it has half a surrogate pair`);
  }
  if (typeof value !== "object" || value === null) {
    return;
  }
  if (depth === DEEPEST) {
    throw new RfaError(`${where} is not JSON: nested too deep`);
  }
  for (const [key, part] of Object.entries(value)) {
    checkDepthAndText(key, where, depth + 1);
    checkDepthAndText(part, where, depth + 1);
  }
}

function checkTable(value, where) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RfaError(`${where} is ${kindOf(value)}, wanted an object`);
  }
}

function kindOf(value) {
  if (Array.isArray(value)) {
    return "a list";
  }
  if (typeof value === "object" && value !== null) {
    return "an object";
  }
  const text = String(JSON.stringify(value));
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN - 3)}...`;
}
