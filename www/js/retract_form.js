// What to retract, what would flip, and then the deed. The button for it is there only for what was looked at.
import { addressOf, noteAddress } from "./address.js";
import { newKey, previewRetraction, retract } from "./api.js";
import { LENSES } from "./concept.js";
import { element } from "./dom.js";
import { formatCount } from "./format.js";
import { flipsTable } from "./flips.js";

const TEXTS = ["concept_path", "source", "predicate", "batch", "ids"];
const SEQS = ["from_seq", "to_seq"];
const LABELS = { concept_path: "Concept path", source: "Source", predicate: "Predicate", batch: "Batch", ids: "Ids", from_seq: "From entry", to_seq: "To entry" };

const field = (name, type) => element("label", { class: name === "concept_path" ? "grow" : "" }, LABELS[name], " ",
  element("input", { name, type, min: type === "number" ? "1" : null, spellcheck: "false", autocapitalize: "off" }));

/** The request of a filled form; empty fields say nothing. */
function requestOf(form) {
  const given = new FormData(form);
  const request = { reason: given.get("reason") };
  for (const name of TEXTS) if (given.get(name).trim() !== "") request[name] = given.get(name).trim();
  for (const name of SEQS) if (given.get(name) !== "") request[name] = Number(given.get(name));
  if (request.ids) request.ids = request.ids.split(/[\s,]+/);
  if (given.has("cascade")) request.cascade = true;
  return request;
}

function rememberSelection(form) {
  const given = new FormData(form);
  const kept = Object.fromEntries([...TEXTS, ...SEQS, "lens"].map((name) => [name, given.get(name).trim()]));
  noteAddress(addressOf({ view: "retractions", ...kept, cascade: given.has("cascade") ? "1" : "" }));
}

function formElement() {
  const lens = element("select", { name: "lens" }, ...LENSES.filter((name) => name !== "timeline").map((name) => element("option", { value: name }, name)));
  return element("form", { class: "card retract", autocomplete: "off" },
    element("div", { class: "filters" }, field("concept_path", "text"),
      element("label", { class: "check" }, element("input", { type: "checkbox", name: "cascade" }), "and all that this source said, and all that rests on it (cascade)")),
    element("details", {}, element("summary", {}, "Narrow it, or name a batch or ids"),
      element("div", { class: "filters" }, ...TEXTS.slice(1).map((name) => field(name, "text")), ...SEQS.map((name) => field(name, "number")))),
    element("div", { class: "filters" },
      element("label", { class: "grow" }, "Reason ", element("input", { name: "reason", required: true, maxlength: "4096" })),
      element("label", {}, "Flips under ", lens),
      element("button", { type: "submit" }, "Preview")),
    element("div", { "data-part": "preview", "aria-live": "polite" }),
    element("p", { role: "alert", class: "problem", hidden: true }));
}

/** The form; done() is called when something was retracted. */
export function retractForm(done) {
  const form = formElement();
  const preview = form.querySelector("[data-part=preview]");
  const problem = form.querySelector(".problem");
  const complain = (error) => {
    problem.textContent = error.message;
    problem.hidden = false;
  };

  function deedButton(request, count) {
    const key = newKey(); // pressed again after a lost answer, it is the same retraction
    const button = element("button", { type: "button", class: "danger", click: async () => {
      button.disabled = true;
      problem.hidden = true;
      try {
        const { retracted_count: taken, cascaded_count: cascaded } = await retract(request, key);
        preview.replaceChildren(element("p", { class: "done", role: "status" }, `Retracted ${formatCount(taken)}, and ${formatCount(cascaded)} by cascade.`));
        await done();
      } catch (error) {
        button.disabled = false;
        complain(error);
      }
    } }, `Retract ${formatCount(count)}`);
    return button;
  }

  async function look() {
    const request = requestOf(form);
    problem.hidden = true;
    preview.replaceChildren(element("p", { class: "note" }, "looking …"));
    try {
      const answer = await previewRetraction(request, form.elements.lens.value);
      const count = answer.retracted_count + answer.cascaded_count;
      preview.replaceChildren(...flipsTable(answer), ...(count > 0 ? [deedButton(request, count)] : []));
    } catch (error) {
      preview.replaceChildren();
      complain(error);
    }
  }

  form.addEventListener("input", () => preview.replaceChildren());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    rememberSelection(form);
    look();
  });
  return form;
}

/** Fills the form with what the address says. */
export function setRetractForm(form, fields) {
  for (const name of [...TEXTS, ...SEQS]) form.elements[name].value = fields.get(name) ?? "";
  form.elements.cascade.checked = fields.get("cascade") === "1";
  if (LENSES.includes(fields.get("lens")) && fields.get("lens") !== "timeline") form.elements.lens.value = fields.get("lens");
  form.querySelector("details").open = [...TEXTS.slice(1), ...SEQS].some((name) => fields.has(name));
  form.querySelector("[data-part=preview]").replaceChildren();
}
