// What a retraction would change, as a dry run tells it.
import { element, foreign, note, table } from "./dom.js";
import { formatCount, valueElement, visible } from "./format.js";
import { conceptLink } from "./statements.js";

const COLUMNS = [["Concept", ""], ["Predicate", ""], ["Now", ""], ["Then", ""]];
const answerCell = (answer) => (answer === null ? element("span", { class: "note" }, "nothing counts") : "value" in answer ? valueElement(answer.value) : answer.status);

export function flipsTable(answer) {
  const count = answer.retracted_count + answer.cascaded_count;
  const summary = `${formatCount(answer.retracted_count)} would be retracted and ${formatCount(answer.cascaded_count)} by cascade, of ${formatCount(answer.topics)} topics; `
    + (answer.flips.length === 0 ? "no answer would flip." : `${answer.complete ? "" : "at least "}${formatCount(answer.flips.length)} answers would flip under ${answer.lens}.`);
  return [
    element("p", { class: "summary" }, count === 0 ? "All of it is retracted already." : summary),
    answer.flips.length === 0 ? note("") : table("Answers that would flip", COLUMNS, answer.flips.map((f) =>
      [conceptLink(f.concept_path), foreign(visible(f.predicate)), answerCell(f.before), answerCell(f.after)])),
  ];
}
