/** Settings of one text.  Those that are left out are the bundle's. */
export interface Request {
  /** Tokens to write at most; 128 where nothing is said, 0 for no limit: memory does not grow with the text. */
  maxNewTokens?: number;
  /** 0 picks the most likely token. */
  temperature?: number;
  topK?: number;
  topP?: number;
  typicalP?: number;
  minP?: number;
  repetitionPenalty?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  /** The same seed gives the same text, here and in Python. */
  seed?: number;
  /** Strings that end the text and are not part of it. */
  stop?: string[];
  /** Go on where the model would end the text. */
  ignoreEos?: boolean;
  /** A state to go on from, as `save`, `rfa-run --save-state` or the C++ runtime gave it. */
  state?: Uint8Array;
  /** Told how many tokens of the prompt were read, after each chunk. */
  onPrompt?: (progress: { read: number; total: number }) => void;
}

/** One token, and the characters that are certain with it. */
export interface Piece {
  token: number;
  text: string;
  /** Null until the last piece. */
  finishReason: "stop" | "length" | null;
}

/** A text that is being written.  A loop that is left loses nothing: another one goes on. */
export interface Text extends AsyncIterable<Piece> {
  next(): Promise<IteratorResult<Piece, undefined>>;
  /** The state and the tokens as a file's bytes, as far as pieces were read. */
  save(): Promise<Uint8Array>;
  /** Let go of the state.  A text on a GPU needs it. */
  close(): Promise<void>;
}

export interface Model {
  /** Bytes that one text keeps, however long it is. */
  readonly stateBytes: number;
  /** Continue a prompt: text, or token ids.  An empty one goes on with `request.state`. */
  stream(prompt: string | number[], request?: Request): Text;
  close(): Promise<void>;
}

/** Where files of a bundle come from, in place of an address. */
export interface Source {
  manifest(): Promise<ArrayBuffer>;
  read(name: string, entry: { bytes: number; sha256: string }, note: (bytes: number) => void): Promise<ArrayBuffer>;
}

export interface Options {
  /** Where it computes: "wasm" unless said otherwise. */
  provider?: "wasm" | "webgpu";
  /** Of one step; more than one needs a page that is isolated from other origins. */
  threads?: number;
  /** Told of bytes as they come. */
  onProgress?: (progress: { loaded: number; total: number }) => void;
  /** False loads the model in this thread. */
  worker?: boolean;
  /** Addresses of the modules, on a page without a build step. On WebGPU, `ort` is its build: ort.webgpu.min.mjs. */
  modules?: { ort: string; tokenizers: string };
}

/** What is wrong, in a line that can be shown. */
export class RfaError extends Error {}

/** Load a bundle from the address of its folder.  Rejects with RfaError. */
export function load(source: string | Source, options?: Options): Promise<Model>;
