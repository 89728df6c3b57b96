// The cells of the verdict strip: what is looked at, its limit, and whether it is past it. `good`, `warn`, `bad`, or `` for
// what has no limit or is not there.
import { formatBytes, formatCount, formatDuration, visible } from "./format.js";
import { sumOf } from "./prometheus.js";
import { newest, samplesOf } from "./samples.js";

export const BACKUP_AGE_LIMIT = 24 * 3600; // as the alert of the runbook
export const ARCHIVE_LAG_LIMIT = 300; // these, as the rules of conf/prometheus
export const DRILL_AGE_LIMIT = 35 * 86400;
const RESTARTS_LIMIT = 3;
const RESTARTS_SECONDS = 600;

const gauge = (node, name) => sumOf(node.metrics, name);
const notConfigured = (limit) => ({ text: "not configured", limit, state: "" });

function restartsLately() {
  const seen = samplesOf(["restarts"], RESTARTS_SECONDS)[1].filter((n) => n !== null);
  return seen.length === 0 ? 0 : Math.max(0, seen.at(-1) - Math.min(...seen));
}

function status(node) {
  const good = node.health.status === "healthy";
  return { text: node.health.status, limit: good ? "takes work" : visible(node.health.state), state: good ? "good" : node.health.status === "recovering" ? "warn" : "bad" };
}

function uptime(node) {
  const restarts = restartsLately();
  return { text: formatDuration(node.health.uptime_seconds), limit: `${restarts} of ${RESTARTS_LIMIT} restarts in 10 min`,
    state: restarts >= RESTARTS_LIMIT ? "bad" : restarts > 0 ? "warn" : "good" };
}

function assertions(node) {
  const rate = newest("assertions");
  const writable = node.health.writable || node.health.read_only || node.health.status !== "healthy";
  return { text: formatCount(node.health.assertion_count),
    limit: node.health.read_only ? "read-only" : writable ? `${formatCount(Math.round(rate ?? 0))} a second` : "writes are refused",
    state: writable ? "" : "bad" };
}

function backup(node) {
  const at = gauge(node, "stemedb_last_backup_timestamp_seconds");
  const limit = `at most ${BACKUP_AGE_LIMIT / 3600} h`;
  if (at === null) return notConfigured(limit);
  if (at === 0) return { text: "none yet", limit, state: "bad" };
  const age = Math.max(0, Date.now() / 1000 - at);
  return { text: `${formatDuration(age)} ago`, limit, state: age > BACKUP_AGE_LIMIT ? "bad" : "good" };
}

function disk(node) {
  const free = gauge(node, "stemedb_data_free_bytes");
  const least = gauge(node, "stemedb_data_min_free_bytes");
  if (free === null) return notConfigured("");
  const limit = least === null ? "" : `at least ${formatBytes(least)}`;
  return { text: formatBytes(free), limit, state: least === null ? "" : free < least ? "bad" : free < 4 * least ? "warn" : "good" };
}

function workers(node) {
  const of = (state) => sumOf(node.metrics, "stemedb_workers", (l) => l.state === state) ?? 0;
  const all = of("ready") + of("starting") + of("draining");
  return { text: `${of("ready")} ready`, limit: `of ${all}`, state: of("ready") === 0 ? "bad" : of("ready") < all ? "warn" : "good" };
}

/** Seconds that the archive is behind; null where nothing is archived (the metric is 0 there, as where nothing lags). */
export const archiveLag = (node) => (node.health?.archived ? gauge(node, "stemedb_wal_archive_lag_seconds") : null);

function archive(node) {
  const lag = archiveLag(node);
  const limit = `at most ${ARCHIVE_LAG_LIMIT / 60} min`;
  if (lag === null) return notConfigured(limit);
  return { text: formatDuration(lag), limit, state: lag > ARCHIVE_LAG_LIMIT ? "bad" : "good" };
}

export const CELLS = [
  { id: "status", name: "Status", read: status },
  { id: "version", name: "Version", read: (node) => ({ text: visible(node.health.version), limit: "", state: "" }) },
  { id: "uptime", name: "Up", read: uptime },
  { id: "count", name: "Assertions", read: assertions },
  { id: "backup", name: "Verified backup", read: backup },
  { id: "disk", name: "Free disk", read: disk },
  { id: "workers", name: "Workers", read: workers },
  { id: "archive", name: "Archive lag", read: archive },
];
