// What a view keeps while its address changes: its controls stay (and keep the focus), its parts are filled anew.
import { element } from "./dom.js";

/** The frame of a view: built at the first showing, found again at later ones. */
export function frameOf(into, id, build) {
  const there = into.firstElementChild;
  if (there?.dataset.frame === id) return there;
  const frame = element("div", { class: `view view-${id}`, "data-frame": id }, ...build());
  into.replaceChildren(frame);
  return frame;
}

export const part = (frame, name) => frame.querySelector(`[data-part="${name}"]`);

/** Fills a part. Focus that was in it goes to the link of the same address, or stays with the part. */
export function fillPart(frame, name, ...children) {
  const into = part(frame, name);
  const focused = into.contains(document.activeElement) ? document.activeElement.getAttribute("href") : undefined;
  into.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
  if (focused === undefined) return;
  const same = [...into.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === focused);
  if (same) same.focus();
  else {
    into.tabIndex = -1;
    into.focus();
  }
}
