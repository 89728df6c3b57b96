// Draws the charts with uPlot, if its file is there (scripts/charts.sh); all share one axis of time and one cursor.
import { element } from "./dom.js";
import { CHARTS } from "./charts.js";
import { samplesOf } from "./samples.js";

const HEIGHT = 130;
let plotter; // promise of uPlot, or of null
const drawn = new Map(); // place -> { plot, width }

export function loadPlotter() {
  plotter ??= import("../vendor/uPlot.esm.js").then((module) => {
    document.head.append(element("link", { rel: "stylesheet", href: "vendor/uPlot.min.css" }));
    return module.default;
  }, () => null);
  return plotter;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19); // in UTC, as all times here

function axisOf(format, more) {
  const line = { stroke: colour("--line"), width: 1 };
  return { stroke: colour("--soft"), grid: line, ticks: line, font: "11px system-ui, sans-serif", values: (plot, ticks) => ticks.map(format), ...more };
}

function makePlot(Plot, chart, place, width, data) {
  return new Plot({
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: "stemedb" }, drag: { x: false, y: false }, y: false },
    scales: { x: { time: true }, y: { range: (plot, low, high) => [0, Math.max(high ?? 0, chart.least) * 1.1] } },
    axes: [axisOf(clock, { space: 70, size: 26 }), axisOf(chart.format, { size: 76 })],
    series: [{}, ...chart.series.map((s) => ({ label: s.name, stroke: colour(`--colour-${s.colour}`), width: 1.5, points: { show: false }, spanGaps: chart.id === "latency" }))],
  }, data, place);
}

/** Draws what is there of the last so many seconds; anew: with the colours as they are now. */
export async function drawCharts(frame, seconds, anew = false) {
  const Plot = await loadPlotter();
  if (!Plot || !frame.isConnected) return;
  const now = Date.now() / 1000;
  for (const chart of CHARTS) {
    const place = frame.querySelector(`[data-chart="${chart.id}"] .plot`);
    const width = place.clientWidth;
    const data = samplesOf(chart.series.map(({ column }) => column), seconds, now);
    const old = drawn.get(chart.id);
    if (old && (anew || old.place !== place)) old.plot.destroy();
    if (!old || anew || old.place !== place) drawn.set(chart.id, { place, plot: makePlot(Plot, chart, place, width, data) });
    const { plot } = drawn.get(chart.id);
    if (plot.width !== width) plot.setSize({ width, height: HEIGHT });
    plot.batch(() => {
      plot.setData(data, false);
      plot.setScale("x", { min: now - seconds, max: now });
    });
  }
}
