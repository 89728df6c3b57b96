import { watchHealth } from "./health.js";
import { startQuery } from "./query.js";

watchHealth();
startQuery();
