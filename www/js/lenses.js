// One concept under all lenses side by side, a row a predicate. The same value has the same colour everywhere.
import { LENSES } from "./concept.js";
import { bar, element, foreign, note } from "./dom.js";
import { formatCount, formatShare, sourceName, valueElement, visible } from "./format.js";

const MEANING = {
  recency: "the newest",
  confidence: "the most confident",
  authority: "the most trusted source’s",
  consensus: "what weighs most",
  skeptic: "no silent winner",
  layered: "the best tier’s",
  timeline: "everything said",
};
const NARROW = 40; // characters of a value in a card

const swatch = (colour) => element("span", { class: "swatch", "data-colour": colour, "aria-hidden": "true" });
const tag = (status) => element("span", { class: "tag", "data-status": status }, status);

function candidate(c, colour) {
  return element("li", {}, swatch(colour(c.value)), valueElement(c.value, NARROW), bar(c.share, formatShare(c.share)),
    element("span", { class: "note" }, c.sources.flatMap((s, i) => [i > 0 ? ", " : null, foreign(sourceName(s))])));
}

function layer(l, colour) {
  return element("li", {}, element("span", { class: "note" }, `tier ${l.tier} `), swatch(colour(l.value)), valueElement(l.value, NARROW), " ", tag(l.status));
}

function bodyOf(resolved, colour) {
  if (!resolved) return [note("nothing counts here")];
  return [
    "value" in resolved ? element("p", { class: "answer" }, swatch(colour(resolved.value)), valueElement(resolved.value, NARROW)) : null,
    tag(resolved.status),
    note(`conflict ${resolved.conflict.toFixed(2)}`),
    typeof resolved.confidence === "number" ? note(`confidence ${resolved.confidence.toFixed(2)}`) : null,
    resolved.candidates ? element("ul", { class: "plain" }, ...resolved.candidates.slice(0, 20).map((c) => candidate(c, colour))) : null,
    resolved.candidates?.length > 20 ? note(`and ${formatCount(resolved.candidates.length - 20)} more`) : null,
    resolved.layers ? element("ul", { class: "plain" }, ...resolved.layers.map((l) => layer(l, colour))) : null,
  ];
}

function timelineBody(answer, predicate) {
  const said = answer.assertions.filter((a) => a.kind === undefined && a.predicate === predicate);
  const back = said.filter(({ status }) => status === "retracted").length;
  return [element("p", { class: "answer" }, `${formatCount(said.length)} said`), note(back > 0 ? `${formatCount(back)} of them taken back` : "none taken back"),
    said.length > 0 ? note(`entries ${formatCount(said[0].seq)} to ${formatCount(said.at(-1).seq)}`) : null];
}

function card(lens, answer, predicate, colour) {
  const resolved = answer.resolved.find((r) => r.predicate === predicate);
  return element("article", { class: "lens", "data-lens": lens },
    element("h4", {}, lens, element("span", { class: "note" }, ` ${MEANING[lens]}`)),
    ...(lens === "timeline" ? timelineBody(answer, predicate) : bodyOf(resolved, colour)));
}

/** A section a predicate. */
export function believedSections({ answers, said, colour, more }) {
  const predicates = [...new Set(said.map(({ predicate }) => predicate))].sort();
  return [
    ...predicates.map((predicate) => element("section", { class: "predicate" },
      element("h3", {}, foreign(visible(predicate))),
      element("div", { class: "lenses" }, ...LENSES.map((lens) => card(lens, answers.get(lens), predicate, (value) => colour(predicate, value)))))),
    more ? note("More was said about this concept than is shown here.") : null,
  ];
}
