// The state of the page is its address: ?view=…&name=…, so that it can be shared and gone back to. Never a token.

let listener = () => {};
let shownSearch = null; // of what is shown

export const address = () => new URLSearchParams(location.search);

/** A query string: these fields alone, empty ones left out. */
export function addressOf(fields) {
  const kept = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return `?${new URLSearchParams(kept)}`;
}

/** The present address with some fields changed. */
export const changed = (fields) => addressOf({ ...Object.fromEntries(address()), ...fields });

/** Goes to an address and shows it. */
export function go(search, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", search);
  else if (search !== location.search) history.pushState(null, "", search);
  shownSearch = location.search;
  listener();
}

/** Notes the address without showing anything anew. */
export function noteAddress(search) {
  history.replaceState(null, "", search);
  shownSearch = location.search;
}

/** Calls shown() whenever the address changes, by links within the page too. */
export function watchAddress(shown) {
  listener = shown;
  shownSearch = location.search;
  addEventListener("popstate", () => location.search !== shownSearch && go(location.search)); // not for a mere #fragment
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='?']");
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(link.getAttribute("href"));
  });
}
