// The contested topics, most contested first.
import { addressOf, go } from "./address.js";
import { conflicts } from "./api.js";
import { bar, element, foreign, note } from "./dom.js";
import { formatShare, sourceName, valueElement, visible } from "./format.js";
import { fillPart, frameOf } from "./frame.js";
import { showPages } from "./pages.js";
import { conceptLink } from "./statements.js";

const LIMIT = 50;

function build() {
  const form = element("form", { class: "filters", autocomplete: "off", submit: (event) => {
    event.preventDefault();
    const given = new FormData(form);
    go(addressOf({ view: "contested", prefix: given.get("prefix").trim(), min_conflict: given.get("min_conflict"), as_of: given.get("as_of").trim() }));
  } },
  element("label", { class: "grow" }, "At or below ", element("input", { name: "prefix", spellcheck: "false", placeholder: "everything" })),
  element("label", {}, "Least conflict ", element("input", { name: "min_conflict", type: "number", min: "0", max: "1", step: "any", placeholder: "0.5" })),
  element("label", {}, "As of ", element("input", { name: "as_of", spellcheck: "false", placeholder: "now", size: "12" })),
  element("button", { type: "submit" }, "List"));
  return [element("h2", {}, "Contested"), form, element("div", { "data-part": "list" })];
}

function item(c, asOf) {
  const others = c.candidates.slice(0, 6).map((one) => element("li", {}, valueElement(one.value), bar(one.share, formatShare(one.share)),
    element("span", { class: "note" }, one.sources.slice(0, 8).flatMap((s, i) => [i > 0 ? ", " : null, foreign(sourceName(s))]))));
  return element("li", { class: "card conflict" },
    element("p", {}, conceptLink(c.concept_path, { as_of: asOf }), " · ", foreign(visible(c.predicate))),
    element("p", {}, element("span", { class: "note" }, "conflict "), bar(c.conflict, c.conflict.toFixed(3), "bad")),
    element("ul", { class: "plain" }, ...others),
    c.candidates.length > 6 ? note(`and ${c.candidates.length - 6} more values`) : null);
}

export async function show(into, fields, signal) {
  const frame = frameOf(into, "contested", build);
  const asked = Object.fromEntries(["prefix", "min_conflict", "as_of"].map((name) => [name, fields.get(name) ?? ""]));
  for (const [name, value] of Object.entries(asked)) frame.querySelector(`[name=${name}]`).value = value;
  const list = element("ul", { class: "cards" });
  const box = element("div", {}, list);
  await showPages(box, async (cursor) => {
    const page = await conflicts({ ...asked, limit: LIMIT, cursor }, cursor === null ? signal : undefined);
    return { items: page.conflicts, next: page.next_cursor };
  }, (items) => list.append(...items.map((c) => item(c, asked.as_of))));
  if (list.childElementCount === 0) list.append(element("li", { class: "note" }, "Nothing is contested here."));
  fillPart(frame, "list", box);
}
