// What this page saw happen to the node while it was open: changes between one turn of node.js and the next.
import { formatCount, visible } from "./format.js";
import { sumOf } from "./prometheus.js";

const KEPT = 200;
const seen = [];

const note = (text, tone) => {
  seen.unshift({ at: Date.now(), text, tone });
  seen.length = Math.min(seen.length, KEPT);
};

// What may change: read(node) -> value, tell(before, after) -> [text, tone]; null if it says nothing.
const WATCHED = [
  { read: (n) => n.failed !== null, tell: (before, after) => (after ? ["the node does not answer", "bad"] : ["the node answers again", "good"]) },
  { read: (n) => n.health?.status, tell: (before, after) => [`status ${after}`, after === "healthy" ? "good" : "bad"] },
  { read: (n) => n.health?.writable, tell: (before, after) => (after ? ["writes are taken again", "good"] : ["writes are refused", "bad"]) },
  { read: (n) => n.health?.version, tell: (before, after) => [`version ${visible(after)}`, ""] },
  { read: (n) => n.health?.history, tell: (before, after) => [`history ${visible(after)}: another timeline`, "warn"] },
  { read: (n) => sumOf(n.metrics, "stemedb_process_restarts_total") ?? 0,
    tell: (before, after) => (after > before ? [`${formatCount(after - before)} processes of the node were started again`, "bad"] : null) },
  { read: (n) => sumOf(n.metrics, "stemedb_last_backup_timestamp_seconds"), tell: () => ["a backup was made", "good"] },
  { read: (n) => sumOf(n.metrics, "stemedb_backup_failures_total"),
    tell: (before, after) => (after > before ? ["a backup failed", "bad"] : null) },
  { read: (n) => sumOf(n.metrics, "stemedb_last_drill_timestamp_seconds"), tell: () => ["a restore drill ended", ""] },
];

export function noteChanges(before, after) {
  for (const { read, tell } of WATCHED) {
    const [old, now] = [read(before), read(after)];
    if (old === now || old === undefined || old === null || now === undefined || now === null) continue;
    const told = tell(old, now);
    if (told) note(...told);
  }
}

/** Newest first: { at (ms), text, tone }. */
export const eventsSeen = () => seen;
