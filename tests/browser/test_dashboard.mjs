#!/usr/bin/env node
// The dashboard as a person meets it: in Chromium, against one running node with the browser-support data.
// With STEMEDB_SCREENSHOTS=1 the pictures of docs/screenshots are taken, too.
import { strip } from "./cases_strip.mjs";
import { explore } from "./cases_explore.mjs";
import { lists } from "./cases_lists.mjs";
import { conduct } from "./cases_conduct.mjs";
import { adversity } from "./cases_adversity.mjs";
import { screenshots } from "./screenshots.mjs";
import { start } from "./instance.mjs";
import { launch } from "./page.mjs";
import { run } from "./tap.mjs";

let node, browser;
let failed = 1;
try {
  node = await start();
  browser = await launch();
  const world = { node, browser };
  failed = await run([...strip(world), ...explore(world), ...lists(world), ...conduct(world), ...screenshots(world), ...adversity(world)],
    () => Promise.all(browser.contexts().flatMap((context) => context.pages()).map((page) => page.close())));
} catch (error) {
  console.log(`Bail out! ${error.stack}`);
} finally {
  await browser?.close();
  node?.stop();
}
process.exitCode = failed ? 1 : 0;
