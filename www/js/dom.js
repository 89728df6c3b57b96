// Elements from text only: what the database holds is never parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** An element with attributes (a function listens to the event of that name) and children (strings become text nodes). */
export const element = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

/** The same in SVG. */
export const shape = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

export const byId = (id) => document.getElementById(id);

/** Text of the database: of its own direction, so that right-to-left text cannot reorder what stands around it. */
export const foreign = (text, attributes = {}) => element("bdi", attributes, text);

/** A part of 1 as a bar, with its number beside it for those who do not see the bar. */
export function bar(part, label, tone = "accent") {
  const inner = element("span", { class: "bar-fill", "data-tone": tone });
  inner.style.inlineSize = `${Math.max(0, Math.min(1, part)) * 100}%`;
  return element("span", { class: "measure" }, element("span", { class: "bar", "aria-hidden": "true" }, inner), element("span", { class: "num" }, label));
}

/** A table in a box of its own that scrolls: [heading, class] a column, cells by row. */
export function table(caption, columns, rows) {
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element("table", {},
      element("caption", { class: "quiet" }, caption),
      element("thead", {}, element("tr", {}, ...columns.map(([name, kind]) => element("th", { scope: "col", class: kind }, name)))),
      element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells.map((cell, i) => element("td", { class: columns[i][1] }, cell)))))));
}

export const note = (...children) => element("p", { class: "note" }, ...children);
