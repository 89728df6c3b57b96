// What the node says of itself, asked every two seconds: health and metrics. Whoever subscribes is told after each turn.
import { health, metricsText } from "./api.js";
import { parseMetrics } from "./prometheus.js";
import { addGap, addSample } from "./samples.js";
import { noteChanges } from "./events.js";

const PERIOD_MS = 2000;
const subscribers = new Set();

/** at: when the last answer came (ms since 1970; null: none yet); failed: since when there was none (null: it answers). */
export const node = { at: null, failed: null, health: null, metrics: new Map() };

export function subscribe(subscriber) {
  subscribers.add(subscriber);
  if (node.at !== null || node.failed !== null) subscriber(node);
  return () => subscribers.delete(subscriber);
}

async function ask() {
  try {
    const [document, text] = await Promise.all([health(), metricsText()]);
    const before = { ...node };
    Object.assign(node, { at: Date.now(), failed: null, health: document, metrics: parseMetrics(text) });
    addSample(node);
    noteChanges(before, node);
  } catch {
    if (node.failed === null) noteChanges(node, { ...node, failed: Date.now() });
    node.failed ??= Date.now();
    addGap();
  }
}

/** Asks for ever; the page's first words do not wait for it. */
export async function watchNode() {
  for (;;) {
    await ask();
    for (const subscriber of subscribers) subscriber(node);
    await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
  }
}
