// The verdict and the tiles: asked every two seconds; data that stopped coming says so.
import { health } from "./api.js";
import { byId, formatCount, formatDuration } from "./dom.js";

const PERIOD_MS = 2000;

function show(document, rate) {
  byId("verdict").dataset.state = document.status;
  byId("verdict").textContent = `${document.status} · version ${document.version}`;
  byId("count").textContent = formatCount(document.assertion_count);
  byId("seq").textContent = formatCount(document.last_seq);
  byId("uptime").textContent = formatDuration(document.uptime_seconds);
  byId("root").textContent = document.history_root;
  if (rate !== null) byId("rate").textContent = formatCount(Math.round(rate));
}

function showStale(since) {
  byId("verdict").dataset.state = since === null ? "unhealthy" : "stale";
  byId("verdict").textContent = since === null
    ? "no answer from the node"
    : `no answer since ${new Date(since).toLocaleTimeString()}: the figures below are old`;
}

export function watchHealth() {
  let last = null; // { at, count }
  async function turn() {
    try {
      const document = await health();
      const now = Date.now();
      const rate = last && now > last.at ? Math.max(0, (document.assertion_count - last.count) * 1000 / (now - last.at)) : null;
      last = { at: now, count: document.assertion_count };
      show(document, rate);
    } catch {
      showStale(last?.at ?? null);
    }
    setTimeout(turn, PERIOD_MS);
  }
  turn();
}
