// What each source said about a concept, newest last; what was taken back is struck out and says by what.
import { addressOf } from "./address.js";
import { element, foreign, table } from "./dom.js";
import { formatCount, sourceName, timeElement, valueElement, visible } from "./format.js";

function statusCell({ status, retraction }) {
  if (status !== "retracted") return element("span", { class: "tag", "data-status": "unanimous" }, "active");
  return element("span", {}, element("span", { class: "tag", "data-status": "contested" }, "retracted"),
    retraction ? element("span", { class: "note" }, " ", foreign(visible(retraction.reason ?? ""))) : null);
}

function row(a, colour, hrefOf) {
  return [
    foreign(sourceName(a.source)),
    foreign(visible(a.predicate)),
    element("span", { class: a.status === "retracted" ? "struck" : "" },
      element("span", { class: "swatch", "data-colour": colour(a.predicate, a.value), "aria-hidden": "true" }), valueElement(a.value)),
    (a.confidence ?? 1).toFixed(2),
    statusCell(a),
    timeElement(a.timestamp),
    a.observed_at ? timeElement(a.observed_at) : "",
    element("a", { href: hrefOf(a), "aria-label": `Why entry ${a.seq}` }, `why ${formatCount(a.seq)}`),
  ];
}

const COLUMNS = [["Source", ""], ["Predicate", ""], ["Value", ""], ["Confidence", "num"], ["Status", ""], ["Said (UTC)", ""], ["Observed (UTC)", ""], ["Entry", "num"]];

/** A table of all statements at the moment, by source. hrefOf(assertion) tells where its why is. */
export function statementsTable({ answers, colour }, hrefOf) {
  const said = answers.get("timeline").assertions.filter(({ kind }) => kind === undefined);
  const bySource = said.sort((a, b) => (a.source ?? "").localeCompare(b.source ?? "") || a.seq - b.seq);
  if (bySource.length === 0) return [];
  return [element("h3", {}, "Source by source"), table("Statements of each source", COLUMNS, bySource.map((a) => row(a, colour, hrefOf)))];
}

/** A link to a concept of the explorer. */
export const conceptLink = (path, fields = {}) => element("a", { href: addressOf({ view: "explore", path, ...fields }) }, foreign(visible(path)));
