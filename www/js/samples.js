// The samples of the charts: what each turn of node.js saw, kept by this page while it is open, in columns by time.
import { bucketsOf, quantileBetween, sumOf } from "./prometheus.js";

const KEPT_SECONDS = 6 * 3600;
const WRITES = new Set(["/v1/assert", "/v1/import", "/v1/retract", "/v1/reinstate"]);
const isProbe = (endpoint) => endpoint.startsWith("/v1/health") || endpoint === "/metrics";
const good = ({ status }) => status < "400";

// Counters that are shown as rates: name -> its sum in the metrics.
const RATES = {
  reads: (m) => sumOf(m, "stemedb_http_requests_total", (l) => good(l) && !isProbe(l.endpoint) && !WRITES.has(l.endpoint)) ?? 0,
  writes: (m) => sumOf(m, "stemedb_http_requests_total", (l) => good(l) && WRITES.has(l.endpoint)) ?? 0,
  refused: (m) => sumOf(m, "stemedb_http_requests_total", (l) => l.status >= "400" && l.status < "500") ?? 0,
  failed: (m) => sumOf(m, "stemedb_http_requests_total", (l) => l.status >= "500" && !isProbe(l.endpoint)) ?? 0,
  probes: (m) => sumOf(m, "stemedb_http_requests_total", (l) => good(l) && isProbe(l.endpoint)) ?? 0,
  walBytes: (m) => sumOf(m, "stemedb_wal_bytes_total"),
  assertions: (m) => sumOf(m, "stemedb_assertions_total"),
};
const fsync = (m, q) => sumOf(m, "wal_fsync_latency_seconds", (l) => l.quantile === q);
const GAUGES = {
  fsync50: (m) => fsync(m, "0.5"),
  fsync99: (m) => fsync(m, "0.99"),
  walDisk: (m) => sumOf(m, "stemedb_wal_disk_usage_bytes"),
  restarts: (m) => sumOf(m, "stemedb_process_restarts_total") ?? 0,
};
const REQUESTS = { p50: 0.5, p99: 0.99 };

const columns = Object.fromEntries(["time", ...Object.keys(RATES), ...Object.keys(GAUGES), ...Object.keys(REQUESTS)].map((name) => [name, []]));
let last = null; // { at (s), counters, buckets } of the turn before, if that was answered

function push(time, values) {
  columns.time.push(time);
  for (const name of Object.keys(columns)) {
    if (name !== "time") columns[name].push(Number.isFinite(values[name]) ? values[name] : null);
  }
  const old = columns.time.findIndex((t) => t >= time - KEPT_SECONDS);
  if (old > 0) for (const column of Object.values(columns)) column.splice(0, old);
}

/** A counter that fell was begun anew: what came between is not known. */
function rateOf(name, now) {
  const grown = now.counters[name] - last.counters[name];
  return grown >= 0 && now.at > last.at ? grown / (now.at - last.at) : null;
}

export function addSample({ at, metrics }) {
  const now = {
    at: at / 1000,
    counters: Object.fromEntries(Object.entries(RATES).map(([name, read]) => [name, read(metrics)])),
    buckets: bucketsOf(metrics, "stemedb_http_request_duration_seconds", (l) => !isProbe(l.endpoint)),
  };
  const values = Object.fromEntries(Object.entries(GAUGES).map(([name, read]) => [name, read(metrics)]));
  if (last !== null) {
    for (const name of Object.keys(RATES)) values[name] = rateOf(name, now);
    for (const [name, q] of Object.entries(REQUESTS)) values[name] = quantileBetween(last.buckets, now.buckets, q);
  }
  push(now.at, values);
  last = now;
}

/** The node did not answer: the lines are broken there. */
export function addGap() {
  push(Date.now() / 1000, {});
  last = null;
}

/** Columns of the last so many seconds: those named, with the time (s since 1970) first. */
export function samplesOf(names, seconds, now = Date.now() / 1000) {
  const from = columns.time.findIndex((time) => time >= now - seconds);
  return ["time", ...names].map((name) => (from < 0 ? [] : columns[name].slice(from)));
}

/** The newest value of a column, null if the newest sample has none. */
export const newest = (name) => columns[name].at(-1) ?? null;
