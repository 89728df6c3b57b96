// The explorer: the tree of concepts, and one concept: under all lenses, source by source, on a time line, and why.
import { addressOf, changed, go } from "./address.js";
import { showAsOf, asOfControls } from "./as_of.js";
import { element, foreign, note } from "./dom.js";
import { visible } from "./format.js";
import { fillPart, frameOf, part } from "./frame.js";
import { believedSections } from "./lenses.js";
import { askConcept } from "./concept.js";
import { statementsTable } from "./statements.js";
import { timeLine } from "./time_line.js";
import { treeOf } from "./tree.js";
import { whyTree } from "./why.js";

function build() {
  const path = element("input", { name: "path", maxlength: "1024", spellcheck: "false", autocapitalize: "off", placeholder: "web/grid/chrome" });
  const form = element("form", { class: "jump", autocomplete: "off", submit: (event) => {
    event.preventDefault();
    go(addressOf({ view: "explore", path: path.value.trim() }));
  } }, element("label", { class: "grow" }, "Concept path ", path), element("button", { type: "submit" }, "Show"));
  return [
    element("aside", { "aria-label": "Concept tree" }, form, element("nav", { "data-part": "tree", "aria-label": "Concepts" })),
    element("div", { class: "concept" },
      element("div", { "data-part": "head" }),
      asOfControls(),
      element("section", { "data-part": "why", "aria-label": "Why" }),
      element("section", { "data-part": "believed", "aria-label": "Under all lenses", "aria-live": "off" }),
      element("section", { "data-part": "line", "aria-label": "Time line" }),
      element("section", { "data-part": "statements", "aria-label": "Source by source" })),
  ];
}

function headOf(path, count) {
  const retract = element("a", { class: "action", href: addressOf({ view: "retractions", concept_path: path }) }, "Retract …");
  return [
    element("div", { class: "title" }, element("h2", {}, foreign(visible(path))), retract),
    count === 0 ? note("Nobody has said anything about exactly this concept.") : null,
  ];
}

function showEmpty(frame) {
  fillPart(frame, "head", element("h2", {}, "Explore"),
    note("Choose a concept in the tree, or name one. It is then shown under all seven lenses, with what each source said, when, and why."));
  for (const name of ["why", "believed", "line", "statements"]) fillPart(frame, name);
  part(frame, "as-of").hidden = true;
}

async function showConcept(frame, fields, signal) {
  const path = fields.get("path");
  const id = fields.get("id");
  const asked = await askConcept(path, fields.get("as_of"), signal);
  const reasons = id ? await whyTree(id, asked.asOf, signal) : [];
  const count = asked.history.assertions.length;
  fillPart(frame, "head", headOf(path, count));
  showAsOf(part(frame, "as-of"), asked);
  part(frame, "as-of").hidden = count === 0;
  fillPart(frame, "why", reasons);
  fillPart(frame, "believed", believedSections(asked));
  fillPart(frame, "line", timeLine(asked));
  fillPart(frame, "statements", statementsTable(asked, (a) => changed({ id: a.id })));
}

export async function show(into, fields, signal) {
  const frame = frameOf(into, "explore", build);
  const path = fields.get("path") ?? "";
  frame.querySelector("input[name=path]").value = path;
  if (path === "") showEmpty(frame);
  await Promise.all([
    treeOf(path, signal).then((tree) => signal.aborted || fillPart(frame, "tree", tree)),
    path === "" ? null : showConcept(frame, fields, signal),
  ]);
}
