// Numbers, times and values as people read them.
import { element, foreign } from "./dom.js";

const SHORT = 120;
const number = new Intl.NumberFormat("en");
// Control characters, and those that would change the direction of text around them or cannot be seen at all.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export const formatCount = (n) => number.format(n);
export const formatShare = (part) => `${(part * 100).toFixed(1)} %`;

/** Text with what cannot be seen written out, as in \u{202e}. */
export const visible = (text) => text.replace(UNSEEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

/** JSON text of a value whose great integers are BigInts. */
function jsonText(value) {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** A value as one line of text: a string without quotes, anything else as JSON. */
export const valueText = (value) => visible(typeof value === "string" ? value : jsonText(value));

/** Whether two values are equal. */
export const sameValue = (a, b) => typeof a === typeof b && jsonText(a) === jsonText(b);

/** An element that shows a value; of one that is longer than `short` the beginning, and all of it on demand. */
export function valueElement(value, short = SHORT) {
  const text = valueText(value);
  const kind = typeof value === "string" ? "" : " json";
  if (text.length <= short) return foreign(text === "" ? "(empty)" : text, { class: `value${kind}` });
  return element("details", { class: "long" },
    element("summary", {}, foreign(`${text.slice(0, short)}…`, { class: `value${kind}` }), element("span", { class: "note" }, ` ${formatCount(text.length)} characters`)),
    element("pre", { class: "value whole", dir: "auto", tabindex: "0" }, text));
}

/** Name of a source; nobody in particular has none. */
export const sourceName = (source) => (source === null || source === undefined ? "anonymous" : visible(source));

export function formatDuration(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const at = units.findIndex(([, size]) => seconds >= size);
  if (at < 0) return "0 s";
  return units.slice(at, at + 2).map(([unit, size], i) => `${Math.floor((i === 0 ? seconds : seconds % units[at][1]) / size)} ${unit}`).join(" ");
}

/** Seconds of a latency: 0.0123 is 12.3 ms. */
export function formatLatency(seconds) {
  if (seconds >= 1) return `${seconds.toFixed(2)} s`;
  return seconds >= 0.001 ? `${(seconds * 1e3).toPrecision(3)} ms` : `${(seconds * 1e6).toFixed(0)} µs`;
}

export function formatBytes(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let i = 0;
  for (; bytes >= 1024 && i < units.length - 1; i++) bytes /= 1024;
  return `${i === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[i]}`;
}

const twoDigits = (n) => String(n).padStart(2, "0");

/** A time (RFC 3339, or ms since 1970) to the second, in UTC as everything that the node writes. */
export function formatTime(time) {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return String(time);
  return `${at.getUTCFullYear()}-${twoDigits(at.getUTCMonth() + 1)}-${twoDigits(at.getUTCDate())} ${twoDigits(at.getUTCHours())}:${twoDigits(at.getUTCMinutes())}:${twoDigits(at.getUTCSeconds())}`;
}

/** An element for a time: to the second, all of it on demand. */
export const timeElement = (time) => element("time", { datetime: time, title: time, class: "num" }, formatTime(time));
