// The tree of concepts: the way from the root to the one that is shown, and what is below it (or beside it, if it is a leaf).
import { addressOf } from "./address.js";
import { concepts } from "./api.js";
import { element, foreign } from "./dom.js";
import { formatCount, visible } from "./format.js";
import { showPages } from "./pages.js";

const LIMIT = 100;
const lastSegment = (path) => path.slice(path.lastIndexOf("/") + 1);
const parentOf = (path) => (path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "");

function link(path, label, current, count) {
  return element("a", { href: addressOf({ view: "explore", path }), "aria-current": current ? "page" : null, "data-path": path },
    foreign(visible(label), { class: "segment" }),
    count === undefined ? null : element("span", { class: "num count" }, count));
}

function childItem(child, shown) {
  const own = `${formatCount(child.own)}${child.own_more ? "+" : ""}`;
  const count = child.below > 0 ? `${formatCount(child.below + child.own)}${child.own_more ? "+" : ""} ›` : own;
  return element("li", {}, link(child.concept_path, lastSegment(child.concept_path), child.concept_path === shown, count));
}

/** Nested lists: each ancestor holds the next one, the last one its children. */
function nest(ancestors, list, shown) {
  return ancestors.reduceRight((inner, path) =>
    element("ul", {}, element("li", {}, link(path, path === "" ? "all concepts" : lastSegment(path), path === shown), inner)), list);
}

/** The tree around a concept. */
export async function treeOf(path, signal) {
  let prefix = path;
  let first = await concepts({ prefix, limit: LIMIT }, signal);
  if (first.children.length === 0 && path !== "") {
    prefix = parentOf(path);
    first = await concepts({ prefix, limit: LIMIT }, signal);
  }
  const segments = prefix === "" ? [] : prefix.split("/");
  const ancestors = ["", ...segments.map((_, i) => segments.slice(0, i + 1).join("/"))];
  const list = element("ul", {});
  const box = element("div", {}, list);
  await showPages(box, async (cursor) => {
    const page = cursor === null ? first : await concepts({ prefix, limit: LIMIT, cursor });
    return { items: page.children, next: page.next_cursor };
  }, (children) => list.append(...children.map((child) => childItem(child, path))));
  if (first.children.length === 0) list.append(element("li", { class: "note" }, "no concept yet"));
  return nest(ancestors, box, path);
}
