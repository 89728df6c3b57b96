// The views: a line each. show(into, fields, signal) fills the element with what the address asks for.
import * as activity from "./view_activity.js";
import * as conflicts from "./view_conflicts.js";
import * as explore from "./view_explore.js";
import * as recovery from "./view_recovery.js";
import * as retractions from "./view_retractions.js";
import * as sources from "./view_sources.js";

export const VIEWS = [
  { id: "explore", name: "Explore", show: explore.show },
  { id: "contested", name: "Contested", show: conflicts.show },
  { id: "sources", name: "Sources", show: sources.show },
  { id: "retractions", name: "Retractions", show: retractions.show },
  { id: "activity", name: "Activity", show: activity.show },
  { id: "recovery", name: "Recovery", show: recovery.show },
];
