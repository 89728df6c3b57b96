// Charts on one axis of time: requests, latencies, syncs and the log, as this page sampled them while it was open.
import { addressOf, go } from "./address.js";
import { element } from "./dom.js";
import { frameOf, part } from "./frame.js";
import { CHARTS, chartElement } from "./charts.js";
import { subscribe } from "./node.js";
import { drawCharts, loadPlotter } from "./plot.js";
import { samplesOf } from "./samples.js";

const RANGES = [["5m", "5 min", 300], ["15m", "15 min", 900], ["1h", "1 h", 3600], ["6h", "6 h", 21600]];
const DEFAULT = RANGES[0];
let shown = null; // { frame, seconds }

const rangeOf = (fields) => RANGES.find(([id]) => id === fields.get("range")) ?? DEFAULT;

function build() {
  return [
    element("div", { class: "title" }, element("h2", {}, "Activity"), element("label", {}, "Range ",
      element("select", { name: "range", change: (event) => go(addressOf({ view: "activity", range: event.target.value })) },
        ...RANGES.map(([id, name]) => element("option", { value: id }, name))))),
    element("p", { class: "note", "data-part": "words" }, "loading …"),
    element("div", { class: "charts", "data-part": "charts" }, ...CHARTS.map(chartElement)),
  ];
}

/** The newest figures in words: of use to whoever cannot see the lines, and where there are no lines. */
function update() {
  if (!shown?.frame.isConnected) return;
  for (const chart of CHARTS) {
    const box = shown.frame.querySelector(`[data-chart="${chart.id}"]`);
    const columns = samplesOf(chart.series.map(({ column }) => column), shown.seconds);
    chart.series.forEach(({ column }, i) => {
      const value = columns[i + 1].findLast((v) => v !== null);
      box.querySelector(`[data-column="${column}"]`).textContent = value === undefined ? "–" : chart.format(value);
    });
  }
  drawCharts(shown.frame, shown.seconds);
}

subscribe(update);
addEventListener("themechange", () => shown?.frame.isConnected && drawCharts(shown.frame, shown.seconds, true));

export async function show(into, fields) {
  const frame = frameOf(into, "activity", build);
  const [id, , seconds] = rangeOf(fields);
  frame.querySelector("select").value = id;
  shown = { frame, seconds };
  update();
  const plotter = await loadPlotter();
  part(frame, "words").textContent = plotter
    ? "Sampled every 2 s while this page is open, kept for up to 6 h and gone with it; Prometheus keeps more. Latencies leave out health and metrics."
    : "The chart file is not there, so these are the newest figures alone. In the source tree ./scripts/charts.sh fetches it.";
  update();
}
