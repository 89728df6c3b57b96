// The verdict strip: one word for all, then each figure with its limit. What stopped coming says since when.
import { byId, element } from "./dom.js";
import { formatDuration } from "./format.js";
import { CELLS } from "./limits.js";
import { node, subscribe } from "./node.js";

const WORDS = { good: "ok", warn: "look at it", bad: "past its limit", "": "" };

function cellElement({ id, name }) {
  return element("div", { class: "cell", id: `cell-${id}` },
    element("dt", {}, name),
    element("dd", {}, element("span", { class: "figure" }, "–"), element("span", { class: "quiet state" }), element("span", { class: "limit" })));
}

function showCell({ id, read }) {
  const { text, limit, state } = read(node);
  const cell = byId(`cell-${id}`);
  cell.dataset.state = state;
  cell.querySelector(".figure").textContent = text;
  cell.querySelector(".state").textContent = WORDS[state] === "" ? "" : ` (${WORDS[state]}) `;
  cell.querySelector(".limit").textContent = limit;
  return { id, state };
}

function verdictOf(states) {
  const named = (wanted) => states.filter(({ state }) => state === wanted).map(({ id }) => CELLS.find((cell) => cell.id === id).name.toLowerCase());
  if (named("bad").length > 0) return ["bad", `Look now: ${named("bad").join(", ")}`];
  if (named("warn").length > 0) return ["warn", `Keep an eye on: ${named("warn").join(", ")}`];
  return ["good", "All within limits"];
}

/** Changes the text only when it is another, so that it is read aloud once. */
function say(state, text) {
  const verdict = byId("verdict");
  if (verdict.dataset.state === state && verdict.textContent === text) return;
  verdict.dataset.state = state;
  verdict.textContent = text;
}

function showAge() {
  if (node.failed === null) return;
  byId("age").textContent = node.at === null ? "" : `last answer ${formatDuration((Date.now() - node.at) / 1000)} ago: the figures are old`;
}

function show() {
  const gone = node.failed !== null;
  byId("strip").toggleAttribute("data-stale", gone);
  byId("age").textContent = "";
  if (gone) {
    say("stale", node.at === null ? "No answer from the node" : "The node does not answer");
    showAge();
    return;
  }
  say(...verdictOf(CELLS.map(showCell)));
}

export function startStrip() {
  byId("cells").replaceChildren(...CELLS.map(cellElement));
  subscribe(show);
  setInterval(showAge, 1000);
}
