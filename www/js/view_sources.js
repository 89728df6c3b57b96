// The sources: how much each said, how far it is trusted, and how often the others agree with it.
import { addressOf, go } from "./address.js";
import { sources } from "./api.js";
import { bar, element, table } from "./dom.js";
import { formatCount, formatShare, sourceName, timeElement } from "./format.js";
import { fillPart, frameOf } from "./frame.js";
import { showPages } from "./pages.js";
import { conceptLink } from "./statements.js";

const LIMIT = 100;
const TIERS = ["regulatory", "clinical", "observational", "expert", "community", "anecdotal"];
const COLUMNS = [["Source", ""], ["Agreement", ""], ["Trust", "num"], ["Tier", ""], ["Assertions", "num"], ["Active", "num"], ["Topics", "num"],
  ["First", ""], ["Last (UTC)", ""], ["", ""]];

function build() {
  const form = element("form", { class: "filters", autocomplete: "off", submit: (event) => {
    event.preventDefault();
    const given = new FormData(form);
    go(addressOf({ view: "sources", prefix: given.get("prefix").trim(), as_of: given.get("as_of").trim() }));
  } },
  element("label", { class: "grow" }, "At or below ", element("input", { name: "prefix", spellcheck: "false", placeholder: "all sources" })),
  element("label", {}, "As of ", element("input", { name: "as_of", spellcheck: "false", placeholder: "now", size: "12" })),
  element("button", { type: "submit" }, "List"));
  return [element("h2", {}, "Sources"), form, element("div", { "data-part": "list" })];
}

function row(s) {
  return [
    s.source === null ? "anonymous" : conceptLink(s.source),
    s.agreement === null ? "–" : bar(s.agreement, formatShare(s.agreement)),
    s.trust.toFixed(2),
    element("span", { title: TIERS[s.tier] }, `${s.tier} ${TIERS[s.tier] ?? ""}`),
    formatCount(s.assertions), formatCount(s.active), formatCount(s.topics),
    timeElement(s.first_seen.timestamp), timeElement(s.last_seen.timestamp),
    s.source === null ? "" : element("a", { href: addressOf({ view: "retractions", concept_path: s.source, cascade: "1" }), "aria-label": `Retract ${sourceName(s.source)} …` }, "retract …"),
  ];
}

export async function show(into, fields, signal) {
  const frame = frameOf(into, "sources", build);
  const asked = { prefix: fields.get("prefix") ?? "", as_of: fields.get("as_of") ?? "" };
  for (const [name, value] of Object.entries(asked)) frame.querySelector(`[name=${name}]`).value = value;
  const grid = table("Sources", COLUMNS, []);
  const body = grid.querySelector("tbody");
  const box = element("div", {}, grid);
  await showPages(box, async (cursor) => {
    const page = await sources({ ...asked, limit: LIMIT, cursor }, cursor === null ? signal : undefined);
    return { items: page.sources, next: page.next_cursor };
  }, (items) => body.append(...items.map((s) => element("tr", {}, ...row(s).map((cell, i) => element("td", { class: COLUMNS[i][1] }, cell))))));
  fillPart(frame, "list", box);
}
