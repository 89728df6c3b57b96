// The charts: a line each, with their series (columns of samples.js), and the least height of the axis.
import { element } from "./dom.js";
import { formatBytes, formatLatency } from "./format.js";

const perSecond = (n) => `${n >= 100 ? Math.round(n) : Number(n.toPrecision(3))}/s`;
const bytesPerSecond = (n) => `${formatBytes(n)}/s`;

export const CHARTS = [
  { id: "requests", name: "Requests by class", format: perSecond, least: 1, series: [
    { column: "reads", name: "reads", colour: 1 }, { column: "writes", name: "writes", colour: 2 }, { column: "refused", name: "refused (4xx)", colour: 3 },
    { column: "failed", name: "failed (5xx)", colour: 4 }, { column: "probes", name: "probes", colour: 6 }] },
  { id: "latency", name: "Latency of requests", format: formatLatency, least: 0.001, series: [
    { column: "p50", name: "p50", colour: 1 }, { column: "p99", name: "p99", colour: 4 }] },
  { id: "fsync", name: "Sync of the log (last 5 min)", format: formatLatency, least: 0.001, series: [
    { column: "fsync50", name: "p50", colour: 1 }, { column: "fsync99", name: "p99", colour: 4 }] },
  { id: "wal", name: "Log written", format: bytesPerSecond, least: 4096, series: [{ column: "walBytes", name: "written", colour: 2 }] },
  { id: "disk", name: "Log on disk", format: formatBytes, least: 1 << 20, series: [{ column: "walDisk", name: "on disk", colour: 5 }] },
];

/** The box of a chart: its name, a legend with the newest figures, and a place for the lines. */
export function chartElement({ id, name, series }) {
  return element("figure", { class: "chart card", "data-chart": id },
    element("figcaption", {}, element("span", { class: "chart-name" }, name),
      ...series.map((s) => element("span", { class: "legend" }, element("span", { class: "swatch", "data-colour": String(s.colour), "aria-hidden": "true" }), `${s.name} `,
        element("span", { class: "num", "data-column": s.column }, "–")))),
    element("div", { class: "plot", "aria-hidden": "true" }));
}
