// What there is to come back from: backups, drills, the moments that can be restored, and what happened lately.
import { backups, retractions } from "./api.js";
import { element, foreign, note, table } from "./dom.js";
import { formatCount, formatDuration, formatTime, timeElement, visible } from "./format.js";
import { fillPart, frameOf } from "./frame.js";
import { eventsSeen } from "./events.js";
import { archiveLag, ARCHIVE_LAG_LIMIT, BACKUP_AGE_LIMIT, DRILL_AGE_LIMIT } from "./limits.js";
import { node, subscribe } from "./node.js";
import { sumOf } from "./prometheus.js";

const COLUMNS = [["Made (UTC)", ""], ["Name", ""], ["Kind", ""], ["Assertions", "num"], ["Entry", "num"], ["Verified", ""], ["Root", ""]];
let shown = null; // { frame, backups, retractions } of the view that is shown

const gauge = (name) => sumOf(node.metrics, name);
const fact = (name, text, state = "", more = "") => element("div", { class: "cell", "data-state": state },
  element("dt", {}, name), element("dd", {}, element("span", { class: "figure" }, text), element("span", { class: "limit" }, more)));

function drillFact() {
  const at = gauge("stemedb_last_drill_timestamp_seconds");
  if (at === null || at === 0) return fact("Last restore drill", "none yet", "", "not configured: stemedb drill");
  const age = Math.max(0, Date.now() / 1000 - at);
  if (gauge("stemedb_last_drill_success") !== 1) return fact("Last restore drill", `${formatDuration(age)} ago`, "bad", "it failed");
  const took = gauge("stemedb_last_drill_rto_seconds");
  return fact("Last restore drill", `${formatDuration(age)} ago`, age > DRILL_AGE_LIMIT ? "bad" : "good",
    `it succeeded${took === null ? "" : ` in ${formatDuration(took)}`}, at most ${DRILL_AGE_LIMIT / 86400} d old`);
}

/** From the oldest verified backup on; with an archive up to now but its lag, else only the moments of the backups. */
function windowFact(list) {
  const made = list.filter(({ verified, metadata }) => verified && metadata).map(({ metadata }) => metadata.timestamp).sort();
  if (made.length === 0) return fact("Restorable", "nothing yet", "bad", "no verified backup");
  const lag = archiveLag(node);
  if (lag === null) return fact("Restorable", made.length === 1 ? "1 moment" : `${formatCount(made.length)} moments`, "", `${formatTime(made[0])} to ${formatTime(made.at(-1))}: those of the backups (archive: not configured)`);
  return fact("Restorable", `from ${formatTime(made[0])}`, lag > ARCHIVE_LAG_LIMIT ? "bad" : "good", `to ${formatDuration(lag)} ago, any moment`);
}

function failuresFact(failures) {
  return fact("Failed since", formatCount(failures), failures > 0 ? "bad" : "good", "the last good backup");
}

function lastFact(answer) {
  const at = answer.last_backup === null ? null : Date.parse(answer.last_backup);
  if (at === null) return fact("Last verified backup", "none yet", "bad", `at most ${BACKUP_AGE_LIMIT / 3600} h`);
  const age = Math.max(0, (Date.now() - at) / 1000);
  return fact("Last verified backup", `${formatDuration(age)} ago`, age > BACKUP_AGE_LIMIT ? "bad" : "good", `at most ${BACKUP_AGE_LIMIT / 3600} h`);
}

function row({ name, metadata, verified }) {
  const m = metadata ?? {};
  return [m.timestamp ? timeElement(m.timestamp) : "–", foreign(visible(name)), visible(m.backup_type ?? "–"), m.assertion_count === undefined ? "–" : formatCount(m.assertion_count),
    m.last_seq === undefined ? "–" : formatCount(m.last_seq),
    element("span", { class: "tag", "data-status": verified ? "unanimous" : "contested" }, verified ? "verified" : "not verified"),
    m.history_root ? element("span", { class: "code", title: m.history_root }, visible(m.history_root).slice(0, 12), "…") : "–"];
}

/** What this page saw, what was taken back, and the backups, newest first. */
function eventsOf({ answer, taken }) {
  const told = [
    ...eventsSeen().map(({ at, text, tone }) => ({ at, text, tone })),
    ...taken.map((r) => ({ at: Date.parse(r.timestamp), text: `retraction: ${visible(r.reason)}`, tone: "warn" })),
    ...taken.filter((r) => r.reinstated).map((r) => ({ at: Date.parse(r.reinstated.timestamp), text: `reinstatement: ${visible(r.reinstated.reason)}`, tone: "" })),
    ...answer.backups.slice(0, 20).filter(({ metadata }) => metadata?.timestamp).map((b) => ({ at: Date.parse(b.metadata.timestamp), text: `backup ${visible(b.name)}`, tone: b.verified ? "good" : "bad" })),
  ];
  return told.sort((a, b) => b.at - a.at).slice(0, 50);
}

/** Another backup than when the list was asked for: it is asked for again. */
function listIsOld() {
  const last = gauge("stemedb_last_backup_timestamp_seconds");
  const old = last !== null && shown.last !== null && last !== shown.last;
  shown.last = last;
  return old;
}

function fillLive() {
  if (!shown?.frame.isConnected) return;
  if (listIsOld()) fill(shown.frame).catch(() => {});
  const { frame, answer } = shown;
  fillPart(frame, "facts", lastFact(answer), failuresFact(answer.failures), windowFact(answer.backups), drillFact());
  fillPart(frame, "events", ...eventsOf(shown).map(({ at, text, tone }) =>
    element("li", { "data-state": tone }, timeElement(new Date(at).toISOString()), " ", foreign(text))));
  if (frame.querySelector("[data-part=events]").childElementCount === 0) fillPart(frame, "events", element("li", { class: "note" }, "Nothing yet."));
}

function build() {
  return [element("h2", {}, "Recovery"), element("dl", { class: "cells", "data-part": "facts" }),
    element("h3", {}, "Backups"), element("div", { "data-part": "list" }),
    element("h3", {}, "Recent events"), note("Retractions and backups as the node has them; changes of the node as this page saw them while it was open."),
    element("ol", { class: "events", "data-part": "events" })];
}

subscribe(fillLive);

async function fill(frame, signal) {
  const [answer, taken] = await Promise.all([backups(signal), retractions({ limit: 20 }, signal)]);
  shown = { frame, answer, taken: taken.retractions, last: gauge("stemedb_last_backup_timestamp_seconds") };
  fillPart(frame, "list", answer.backups.length === 0
    ? note("No backup yet: ./scripts/backup-stemedb.sh makes one.")
    : table("Backups", COLUMNS, answer.backups.map(row)));
  fillLive();
}

export const show = (into, fields, signal) => fill(frameOf(into, "recovery", build), signal);
