// Elements from text only: what the database holds is never parsed as markup.

/** An element with attributes and children (strings become text nodes). */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

export const byId = (id) => document.getElementById(id);

const number = new Intl.NumberFormat("en");
export const formatCount = (n) => number.format(n);

/** A JSON value as people read it: a string without quotes, at most 300 characters. */
export function formatValue(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

export function formatDuration(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const at = units.findIndex(([, size]) => seconds >= size);
  if (at < 0) return "0 s";
  return units.slice(at, at + 2).map(([unit, size], i) => {
    const rest = i === 0 ? seconds : seconds % units[at][1];
    return `${Math.floor(rest / size)} ${unit}`;
  }).join(" ");
}
