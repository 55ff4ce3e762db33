// What goes wrong in a way that can be told.

export class RfaError extends Error {
  name = "RfaError";
}

// An error as a message to another thread can carry it, and back.
export function toPlain(error) {
  return { message: error.message, told: error instanceof RfaError };
}

export function fromPlain({ message, told }) {
  return told ? new RfaError(message) : new Error(message);
}
