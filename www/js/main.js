import { byId } from "./dom.js";
import { watchNode } from "./node.js";
import { startStage } from "./stage.js";
import { startStrip } from "./strip.js";
import { startTheme } from "./theme.js";
import { startTokenForm } from "./token_form.js";

startTheme(byId("theme"));
startTokenForm();
startStrip();
startStage();
watchNode();
