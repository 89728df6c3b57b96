// Retractions: first a look at what would flip, then the deed; and those that were made, each to be undone.
import { retractions } from "./api.js";
import { element, foreign } from "./dom.js";
import { formatCount, timeElement, visible } from "./format.js";
import { fillPart, frameOf } from "./frame.js";
import { showPages } from "./pages.js";
import { reinstateForm } from "./reinstate_form.js";
import { retractForm, setRetractForm } from "./retract_form.js";

const LIMIT = 25;

function build() {
  return [
    element("h2", {}, "Retractions"),
    retractForm(() => fillList(document.querySelector("[data-frame=retractions]"))),
    element("h3", {}, "Made so far"),
    element("div", { "data-part": "list" }),
  ];
}

function requestText({ reason, ...selection }) {
  const text = JSON.stringify(selection);
  return visible(text.length > 400 ? `${text.slice(0, 400)}…` : text);
}

function item(r, changed) {
  const standing = r.status !== "reinstated";
  return element("li", { class: "card", "data-retraction": r.retraction_id },
    element("p", {}, element("span", { class: "tag", "data-status": standing ? "contested" : "unanimous" }, standing ? "stands" : "reinstated"), " ",
      foreign(visible(r.reason), { class: "value" })),
    element("p", { class: "note" }, `entry ${formatCount(r.seq)} · `, timeElement(r.timestamp), ` · ${formatCount(r.retracted_count)} retracted, ${formatCount(r.cascaded_count)} by cascade`,
      r.recorded_by ? [" · by ", foreign(visible(r.recorded_by))] : null),
    element("p", { class: "note" }, foreign(requestText(r.request), { class: "code" })),
    standing
      ? reinstateForm(r.retraction_id, changed)
      : element("p", { class: "note" }, "reinstated ", timeElement(r.reinstated.timestamp), ": ", foreign(visible(r.reinstated.reason)), ` (${formatCount(r.reinstated.reinstated_count)} active again)`));
}

async function fillList(frame, signal) {
  const list = element("ul", { class: "cards one" });
  const box = element("div", {}, list);
  const again = () => fillList(frame);
  await showPages(box, async (cursor) => {
    const page = await retractions({ limit: LIMIT, cursor }, cursor === null ? signal : undefined);
    return { items: page.retractions, next: page.next_cursor };
  }, (items) => list.append(...items.map((r) => item(r, again))));
  if (list.childElementCount === 0) list.append(element("li", { class: "note" }, "Nothing was ever taken back."));
  fillPart(frame, "list", box);
}

export async function show(into, fields, signal) {
  const frame = frameOf(into, "retractions", build);
  setRetractForm(frame.querySelector("form"), fields);
  await fillList(frame, signal);
}
