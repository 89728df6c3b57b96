// Why: what an assertion rests on, and what rests on it, as trees.
import { addressOf, changed } from "./address.js";
import { why } from "./api.js";
import { element, foreign, note } from "./dom.js";
import { formatCount, sourceName, valueElement, visible } from "./format.js";

const LIMIT = 200;

function line(a, asOf) {
  return element("div", { class: `reason${a.status === "retracted" ? " struck" : ""}` },
    element("a", { href: addressOf({ view: "explore", path: a.concept_path, id: a.id, as_of: asOf }) }, foreign(visible(a.concept_path))),
    " · ", foreign(visible(a.predicate)), " = ", valueElement(a.value),
    element("span", { class: "note" }, " ", foreign(sourceName(a.source)), ` · entry ${formatCount(a.seq)}${a.status === "retracted" ? " · retracted" : ""}`));
}

/** Nested lists by `via`, the edge that each came along. */
function branch(items, root, asOf) {
  const below = items.filter(({ via }) => via === root);
  if (below.length === 0) return null;
  return element("ul", {}, ...below.map(({ assertion }) => element("li", {}, line(assertion, asOf), branch(items, assertion.id, asOf))));
}

function direction(title, empty, items, root, asOf) {
  return [element("h4", {}, title), items.length === 0 ? note(empty) : branch(items, root, asOf)];
}

/** The panel of one assertion at a moment. */
export async function whyTree(id, asOf, signal) {
  const answer = await why(id, { as_of: asOf, limit: LIMIT }, signal);
  return [
    element("div", { class: "title" }, element("h3", {}, `Why entry ${formatCount(answer.assertion.seq)}`), element("a", { class: "action", href: changed({ id: "" }) }, "Close")),
    line(answer.assertion, asOf),
    ...direction("rests on", "on nothing else: it was said so", answer.rests_on, id, asOf),
    ...direction("supports", "nothing rests on it", answer.supports, id, asOf),
    answer.next_cursor || answer.truncated ? note(`Only the nearest ${LIMIT} are shown.`) : null,
  ];
}
