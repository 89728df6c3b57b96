// The token, for nodes that want one: kept by the tab (sessionStorage) and sent as a header, never in an address.

const KEY = "stemedb.token";
const listeners = new Set();

export const token = () => sessionStorage.getItem(KEY) ?? "";

export function setToken(text) {
  if (text === "") sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, text);
  for (const listener of listeners) listener(text === "" ? "none" : "kept");
}

/** The node answered 401: it wants a token, or another one. */
export function tokenRefused() {
  for (const listener of listeners) listener(token() === "" ? "wanted" : "refused");
}

export const onToken = (listener) => listeners.add(listener);
