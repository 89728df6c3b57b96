// Everything the explorer asks about one concept, at one moment.
import { query } from "./api.js";
import { sameValue } from "./format.js";

export const LENSES = ["recency", "confidence", "authority", "consensus", "skeptic", "layered", "timeline"];
const LIMIT = 500;
const COLOURS = 6;

/** A moment of the address as the API takes it: a seq is a number, a time a string. */
export const momentOf = (text) => (/^[0-9]+$/.test(text) ? Number(text) : text);

/** Colours of values: the same value has the same in all that is shown of a predicate; those after the sixth share one. */
function coloursOf(entries) {
  const seen = new Map(); // predicate -> values
  for (const { predicate, value } of entries) {
    if (!seen.has(predicate)) seen.set(predicate, []);
    if (!seen.get(predicate).some((v) => sameValue(v, value))) seen.get(predicate).push(value);
  }
  return (predicate, value) => String(Math.min(COLOURS, (seen.get(predicate) ?? []).findIndex((v) => sameValue(v, value)) + 1));
}

/**
 * answers: Map lens -> answer at the moment; history: the time line up to now; asOf: the seq of the moment; pinned: whether it
 * was asked for; colour(predicate, value) -> "1" … "6"; more: whether there is more than is shown.
 */
export async function askConcept(path, asOf, signal) {
  const base = { concept_path: path, limit: LIMIT };
  const moment = asOf ? { as_of: momentOf(asOf) } : {};
  const [history, ...list] = await Promise.all([
    query({ ...base, lens: "timeline" }, signal),
    ...LENSES.map((lens) => query({ ...base, ...moment, lens }, signal)),
  ]);
  const answers = new Map(LENSES.map((lens, i) => [lens, list[i]]));
  const said = history.assertions.filter(({ kind }) => kind === undefined);
  return {
    path,
    answers,
    history,
    said,
    events: history.assertions.filter(({ kind }) => kind !== undefined),
    asOf: list[0].as_of.seq,
    time: list[0].as_of.timestamp,
    newest: history.as_of.seq,
    pinned: Boolean(asOf),
    colour: coloursOf(said),
    more: history.next_cursor !== null,
  };
}
