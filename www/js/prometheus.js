// The Prometheus text format, as far as /metrics uses it: a list of {name, labels, value}.

const LINE = /^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})? +([^ ]+)$/;
const LABEL = /([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

function labelsOf(text) {
  const labels = {};
  for (const [, name, value] of (text ?? "").matchAll(LABEL)) labels[name] = value.replace(/\\n/g, "\n").replace(/\\(.)/g, "$1");
  return labels;
}

const numberOf = (text) => (text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text));

/** Families by name: Map name -> [{labels, value}]. */
export function parseMetrics(text) {
  const families = new Map();
  for (const line of text.split("\n")) {
    const match = line.startsWith("#") ? null : LINE.exec(line);
    if (!match) continue;
    if (!families.has(match[1])) families.set(match[1], []);
    families.get(match[1]).push({ labels: labelsOf(match[2]), value: numberOf(match[3]) });
  }
  return families;
}

/** Sum of the values of a family whose labels are as wanted; null if the node does not have it. */
export function sumOf(families, name, wanted = () => true) {
  const found = (families.get(name) ?? []).filter((sample) => wanted(sample.labels));
  return found.length === 0 ? null : found.reduce((sum, sample) => sum + sample.value, 0);
}

/** Buckets of a histogram, summed over the labels that are wanted: Map bound -> count. */
export function bucketsOf(families, name, wanted = () => true) {
  const buckets = new Map();
  for (const { labels, value } of families.get(`${name}_bucket`) ?? []) {
    if (wanted(labels)) buckets.set(numberOf(labels.le), (buckets.get(numberOf(labels.le)) ?? 0) + value);
  }
  return buckets;
}

/** Quantile of what came between two states of the same histogram, interpolated within its bucket; null if nothing did. */
export function quantileBetween(before, after, q) {
  const bounds = [...after.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => after.get(bound) - (before.get(bound) ?? 0));
  const total = counts.at(-1) ?? 0;
  if (total <= 0) return null;
  const at = counts.findIndex((count) => count >= q * total);
  const low = at === 0 ? 0 : bounds[at - 1];
  if (bounds[at] === Infinity) return low;
  const below = at === 0 ? 0 : counts[at - 1];
  return low + (bounds[at] - low) * (q * total - below) / (counts[at] - below);
}
