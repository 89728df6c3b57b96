// The pictures of docs/screenshots, taken when STEMEDB_SCREENSHOTS is set.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { finish, open, settled } from "./page.mjs";

const folder = fileURLToPath(new URL("../../docs/screenshots/", import.meta.url));
const PICTURES = [
  ["explore", "?path=web/audio/chrome", { width: 1200, height: 860 }],
  ["why", "?path=report/audio&id=REPORT", { width: 1200, height: 640, colorScheme: "dark" }],
  ["contested", "?view=contested", { width: 1200, height: 700 }],
  ["retractions", "?view=retractions&concept_path=source/caniuse&cascade=1", { width: 1200, height: 760 }, async (page) => {
    await page.fill(".retract [name=reason]", "an outdated mirror");
    await page.selectOption("[name=lens]", "consensus");
    await page.click("text=Preview");
    await page.waitForSelector(".summary");
  }],
  ["activity", "?view=activity", { width: 1200, height: 860, colorScheme: "dark" }, async (page, node) => {
    for (let i = 0; i < 60; i++) {
      for (let n = 0; n < 5 + 20 * Math.abs(Math.sin(i / 9)); n++) await node.call("/v1/query", { concept_path: "web/audio/chrome", lens: "consensus" });
      if (i % 3 === 0) await node.call("/v1/assert", { concept_path: "test/load", predicate: "p", value: i, source: "source/load" });
      await page.waitForTimeout(1000);
    }
  }],
  ["narrow", "?path=web/audio/chrome", { width: 400, height: 860 }],
];

export const screenshots = ({ node, browser }) => (process.env.STEMEDB_SCREENSHOTS ? PICTURES : []).map(([name, search, view, act]) =>
  [`the picture ${name} is taken`, async () => {
    mkdirSync(folder, { recursive: true });
    const opened = await open(browser, `${node.url}/${search.replace("REPORT", node.report.id)}`, view);
    await settled(opened.page);
    await act?.(opened.page, node);
    await opened.page.waitForSelector('#cell-status[data-state="good"]');
    await opened.page.screenshot({ path: `${folder}${name}.png` });
    await finish(opened);
  }]);
