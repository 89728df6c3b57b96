// Shows the view that the address names, and says what went wrong where it could not.
import { address, watchAddress } from "./address.js";
import { ApiError } from "./api.js";
import { byId, element } from "./dom.js";
import { node, subscribe } from "./node.js";
import { onToken } from "./token.js";
import { VIEWS } from "./views.js";

let running = new AbortController();
let silent = false; // the view lacks something because the node did not answer

const viewOf = (fields) => VIEWS.find(({ id }) => id === fields.get("view")) ?? VIEWS[0];

function markNav(view) {
  for (const link of byId("nav").querySelectorAll("a")) {
    if (link.dataset.view === view.id) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${view.name} · StemeDB`;
}

function showProblem(error) {
  const problem = byId("problem");
  silent = !(error instanceof ApiError) || error.status === 503;
  problem.textContent = error instanceof ApiError ? error.message : `no answer from the node (${error.message})`;
  problem.hidden = false;
}

async function show() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const fields = address();
  const view = viewOf(fields);
  const stage = byId("stage");
  silent = false;
  markNav(view);
  byId("problem").hidden = true;
  stage.setAttribute("aria-busy", "true");
  try {
    await view.show(stage, fields, signal);
  } catch (error) {
    if (!signal.aborted) showProblem(error);
  }
  if (!signal.aborted) stage.setAttribute("aria-busy", "false");
}

export function startStage() {
  byId("nav").append(...VIEWS.map(({ id, name }) => element("li", {}, element("a", { href: `?view=${id}`, "data-view": id }, name))));
  watchAddress(show);
  subscribe(() => silent && node.failed === null && node.health.status === "healthy" && show());
  onToken((state) => state === "kept" && show());
  show();
}
