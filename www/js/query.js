// The query box: one concept under two lenses, side by side. What was asked is in the address, so that it can be shared.
import { query } from "./api.js";
import { byId, element, formatCount, formatValue } from "./dom.js";

const LENSES = ["recency", "confidence", "authority", "consensus", "skeptic"];
const LIMIT = 50;

function resolvedItem(r) {
  const candidates = (r.candidates ?? []).map((c) =>
    element("p", { class: "note" }, element("span", { class: "value" }, formatValue(c.value)),
      ` ${(c.share * 100).toFixed(1)} % · ${c.sources.map((s) => s ?? "anonymous").join(", ")}`));
  return element("div", { class: "resolved", "data-status": r.status },
    element("p", {}, element("span", { class: "path" }, `${r.concept_path} · ${r.predicate}`)),
    "value" in r ? element("p", { class: "value" }, formatValue(r.value)) : null,
    element("p", { class: "note" }, `${r.status} · conflict ${r.conflict.toFixed(3)} · confidence ${(r.confidence ?? 0).toFixed(3)}`),
    ...candidates);
}

function assertionItem(a) {
  return element("li", {},
    element("span", { class: "value" }, formatValue(a.value)), " ",
    element("span", { class: "source" }, a.source ?? "anonymous"),
    element("div", { class: "note" }, `${a.predicate} · confidence ${a.confidence ?? 1} · entry ${formatCount(a.seq)} · ${a.timestamp}`));
}

function answerCard(lens, answer) {
  const count = answer.assertions.length;
  const more = answer.next_cursor ? "the first " : "";
  return element("article", { class: "answer", "data-lens": lens },
    element("h3", {}, lens),
    element("p", {}, count === 0 ? "Nobody has said anything about it." : `${more}${count} assertion${count === 1 ? "" : "s"} as of entry ${formatCount(answer.as_of.seq)}`),
    ...answer.resolved.map(resolvedItem),
    element("ul", { class: "assertions" }, ...answer.assertions.map(assertionItem)));
}

async function ask() {
  const base = { concept_path: byId("path").value.trim(), match: byId("subtree").checked ? "subtree" : "exact", limit: LIMIT };
  const lenses = [byId("left").value, byId("right").value];
  const problem = byId("problem");
  try {
    const answers = await Promise.all(lenses.map((lens) => query({ ...base, lens })));
    byId("answers").replaceChildren(...answers.map((answer, i) => answerCard(lenses[i], answer)));
    problem.hidden = true;
  } catch (error) {
    byId("answers").replaceChildren();
    problem.textContent = error.message;
    problem.hidden = false;
  }
}

function remember() {
  const fields = new URLSearchParams({ path: byId("path").value, left: byId("left").value, right: byId("right").value });
  if (byId("subtree").checked) fields.set("subtree", "1");
  history.replaceState(null, "", `?${fields}`);
}

function recall() {
  const fields = new URLSearchParams(location.search);
  byId("path").value = fields.get("path") ?? "";
  byId("left").value = LENSES.includes(fields.get("left")) ? fields.get("left") : "recency";
  byId("right").value = LENSES.includes(fields.get("right")) ? fields.get("right") : "skeptic";
  byId("subtree").checked = fields.has("subtree");
  return fields.has("path");
}

export function startQuery() {
  for (const id of ["left", "right"]) byId(id).append(...LENSES.map((lens) => element("option", { value: lens }, lens)));
  byId("query").addEventListener("submit", (event) => {
    event.preventDefault();
    remember();
    ask();
  });
  if (recall()) ask();
}
