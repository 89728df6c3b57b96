// Lists that come in pages: what is there, and a button for more as long as there is a cursor.
import { element } from "./dom.js";

/** Fills `into` with items: load(cursor) -> {items, next}; add(items) puts them there. */
export async function showPages(into, load, add) {
  const more = element("button", { type: "button", class: "more" }, "More");
  let cursor = null;
  async function turn() {
    more.disabled = true;
    const { items, next } = await load(cursor);
    add(items);
    cursor = next;
    more.disabled = false;
    if (next) into.append(more);
    else more.remove();
  }
  more.addEventListener("click", () => turn().catch((error) => {
    more.disabled = false;
    more.textContent = `More (${error.message})`;
  }));
  await turn();
}
