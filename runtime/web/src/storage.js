// Saved texts in the browser's own database, so that a visit goes on where the last one ended.

const DATABASE = "rfa-texts";
const STORE = "texts";

// Keep a value under a name: a state's bytes, or an object with such bytes.
export async function keep(name, value) {
  await inStore("readwrite", (store) => store.put(value, name));
}

// What was kept; undefined where nothing was.
export async function kept(name) {
  return inStore("readonly", (store) => store.get(name));
}

export async function forget(name) {
  await inStore("readwrite", (store) => store.delete(name));
}

async function inStore(mode, ask) {
  const database = await opened();
  try {
    return await answer(ask(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

function opened() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return answer(request);
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
