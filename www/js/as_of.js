// The moment: a slider over the whole history, steps to the entries about this concept, and a field for a seq or a time.
import { changed, go } from "./address.js";
import { moment } from "./api.js";
import { element } from "./dom.js";
import { formatCount, formatTime } from "./format.js";

const PREVIEW_DELAY_MS = 120;

/** The controls; showAsOf() sets them. */
export function asOfControls() {
  const range = element("input", { type: "range", min: "0", step: "1", "aria-label": "As of entry", class: "as-of-range" });
  const text = element("input", { type: "text", class: "as-of-text", spellcheck: "false", placeholder: "now", size: "14" });
  const output = element("output", { class: "as-of-time num" });
  const pick = (value) => go(changed({ as_of: value }), { replace: true });
  const step = (to) => () => box.events && pick(to(box.events, Number(range.value)) ?? range.value);
  let timer;
  range.addEventListener("input", () => {
    range.setAttribute("aria-valuetext", `entry ${range.value}`);
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const at = await moment(range.value).catch(() => null);
      if (at) output.textContent = label(at.seq, at.timestamp);
    }, PREVIEW_DELAY_MS);
  });
  range.addEventListener("change", () => pick(range.value));
  const form = element("form", { class: "as-of-form", autocomplete: "off", submit: (event) => {
    event.preventDefault();
    pick(text.value.trim());
  } }, element("label", {}, "As of (entry or time) ", text), element("button", { type: "submit", class: "plain" }, "Go"));
  const box = element("div", { class: "as-of", "data-part": "as-of", role: "group", "aria-label": "Moment" },
    element("button", { type: "button", class: "plain", "aria-label": "The entry before", click: step((events, at) => events.findLast((seq) => seq < at)) }, "◂"),
    range,
    element("button", { type: "button", class: "plain", "aria-label": "The entry after", click: step((events, at) => events.find((seq) => seq > at)) }, "▸"),
    element("button", { type: "button", class: "plain", click: () => pick("") }, "Now"),
    form, output);
  return box;
}

const label = (seq, time) => (seq === 0 ? "before the first entry" : `entry ${formatCount(seq)}, ${formatTime(time)} UTC`);

/** Sets the controls to what was answered; the steps go to the seqs of all that was said and what befell it. */
export function showAsOf(box, { asOf, time, newest, pinned, history }) {
  box.events = history.assertions.map(({ seq }) => seq);
  const range = box.querySelector(".as-of-range");
  range.max = String(newest);
  range.value = String(asOf);
  range.setAttribute("aria-valuetext", `entry ${asOf}`);
  box.querySelector(".as-of-text").value = pinned ? new URLSearchParams(location.search).get("as_of") : "";
  box.querySelector(".as-of-time").textContent = (pinned ? "" : "now: ") + label(asOf, time);
  box.toggleAttribute("data-pinned", pinned);
}
