// Undoes one retraction, with a reason.
import { newKey, reinstate } from "./api.js";
import { element } from "./dom.js";

export function reinstateForm(id, done) {
  const key = newKey();
  const reason = element("input", { name: "reason", required: true, maxlength: "4096" });
  const button = element("button", { type: "submit", class: "plain" }, "Reinstate");
  const problem = element("p", { role: "alert", class: "problem", hidden: true });
  const form = element("form", { class: "filters", autocomplete: "off", submit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    try {
      await reinstate({ retraction_id: id, reason: reason.value }, key);
      await done();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
    button.disabled = false;
  } }, element("label", { class: "grow" }, "Why it should count again ", reason), button, problem);
  return element("details", {}, element("summary", {}, "Reinstate …"), form);
}
