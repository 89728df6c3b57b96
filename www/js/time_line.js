// What was said about a concept and what befell it, on a line of time, a lane a source. The list of statements says the same
// in words.
import { element, note, shape } from "./dom.js";
import { formatTime, sourceName, valueText } from "./format.js";

const WIDTH = 800;
const LANE = 26;
const LEFT = 170;
const LANES_MAX = 40;

const nameOf = (source) => (source.length > 24 ? `…${source.slice(-23)}` : source);

function mark(entry, x, y, colour, faded) {
  const what = entry.kind ?? `${entry.predicate} = ${valueText(entry.value).slice(0, 80)}`;
  const attributes = { class: `mark${faded ? " faded" : ""}`, "data-colour": colour };
  const title = shape("title", {}, `${formatTime(entry.timestamp)} UTC, entry ${entry.seq}: ${what}`);
  if (entry.kind) return shape("path", { ...attributes, d: `M${x - 5} ${y - 5}L${x + 5} ${y + 5}M${x - 5} ${y + 5}L${x + 5} ${y - 5}`, class: `${attributes.class} event` }, title);
  return shape("circle", { ...attributes, cx: x, cy: y, r: 5, class: `${attributes.class}${entry.status === "retracted" ? " hollow" : ""}` }, title);
}

/** The drawing: by the time it was said or, where the address wants it, by entry. */
export function timeLine({ said, events, colour, asOf, pinned, time }) {
  if (said.length === 0) return [];
  const sources = [...new Set(said.map(({ source }) => sourceName(source)))].sort();
  const lanes = sources.slice(0, LANES_MAX);
  const times = [...said, ...events].map(({ timestamp }) => Date.parse(timestamp));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const xOf = (t) => LEFT + 14 + (last === first ? 0.5 : (t - first) / (last - first)) * (WIDTH - LEFT - 28);
  const height = (lanes.length + (events.length > 0 ? 1 : 0)) * LANE + 24;
  const laneY = (i) => 14 + i * LANE;
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "line", role: "img", "aria-label": `${said.length} statements of ${sources.length} sources, and ${events.length} events, from ${formatTime(first)} to ${formatTime(last)}` });
  [...lanes, ...(events.length > 0 ? ["taken back, reinstated"] : [])].forEach((name, i) => svg.append(
    shape("line", { x1: LEFT, x2: WIDTH, y1: laneY(i), y2: laneY(i), class: "lane" }),
    shape("text", { x: LEFT - 8, y: laneY(i) + 4, "text-anchor": "end", class: "lane-name", direction: "ltr" }, nameOf(name))));
  for (const entry of said) {
    const lane = lanes.indexOf(sourceName(entry.source));
    if (lane >= 0) svg.append(mark(entry, xOf(Date.parse(entry.timestamp)), laneY(lane), colour(entry.predicate, entry.value), entry.seq > asOf));
  }
  for (const entry of events) svg.append(mark(entry, xOf(Date.parse(entry.timestamp)), laneY(lanes.length), "0", entry.seq > asOf));
  if (pinned && time) {
    const x = Math.max(LEFT, Math.min(WIDTH - 2, xOf(Date.parse(time))));
    svg.append(shape("line", { x1: x, x2: x, y1: 0, y2: height - 18, class: "moment" }));
  }
  svg.append(shape("text", { x: LEFT, y: height - 4, class: "lane-name" }, formatTime(first)),
    shape("text", { x: WIDTH, y: height - 4, "text-anchor": "end", class: "lane-name" }, formatTime(last)));
  return [element("h3", {}, "Time line"), element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Time line" }, svg),
    sources.length > lanes.length ? note(`${sources.length - lanes.length} more sources are not drawn.`) : null];
}
