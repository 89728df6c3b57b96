// Contested topics, sources, retractions.
import assert from "node:assert/strict";
import { finish, open, settled, until } from "./page.mjs";

const valueUnder = async (node, lens) => (await node.call("/v1/query", { concept_path: "web/audio/chrome", lens })).resolved[0].value;

export const lists = ({ node, browser }) => [
  ["the contested topics are listed most contested first, in pages, by prefix", async () => {
    const opened = await open(browser, `${node.url}/?view=contested`);
    const { page } = opened;
    await page.waitForSelector(".conflict");
    const { conflicts } = await node.call("/v1/conflicts?limit=50");
    assert.deepEqual(await page.$$eval(".conflict > p:first-child > a", (links) => links.map((a) => a.textContent)), conflicts.map((c) => c.concept_path));
    await page.click("button.more");
    await until(page, () => document.querySelectorAll(".conflict").length === 100);
    await page.fill("[name=prefix]", "web/audio");
    await page.press("[name=prefix]", "Enter");
    await page.waitForURL(/prefix=web%2Faudio/);
    await until(page, () => document.querySelector(".conflict a")?.textContent.startsWith("web/audio/"));
    await finish(opened);
  }],
  ["the sources are listed with agreement and trust", async () => {
    const opened = await open(browser, `${node.url}/?view=sources`);
    const { page } = opened;
    await page.waitForSelector("tbody tr");
    const { sources } = await node.call("/v1/sources");
    const rows = await page.$$eval("tbody tr", (list) => list.map((row) => row.textContent));
    assert.equal(rows.length, sources.length);
    const mdn = sources.findIndex(({ source }) => source === "source/mdn-bcd");
    assert.ok(rows[mdn].includes("source/mdn-bcd") && rows[mdn].includes(`${(sources[mdn].agreement * 100).toFixed(1)} %`) && rows[mdn].includes("1.00"), rows[mdn]);
    await finish(opened);
  }],
  ["a retraction is looked at, made and undone, and the answers follow", async () => {
    const opened = await open(browser, `${node.url}/?view=sources`);
    const { page } = opened;
    await page.click("tr:has-text('source/caniuse') >> text=retract …");
    await page.waitForURL(/view=retractions.*cascade=1/);
    await settled(page);
    await page.fill(".retract [name=reason]", "an outdated mirror");
    await page.selectOption("[name=lens]", "consensus");
    await page.click("text=Preview");
    await page.waitForSelector(".summary");
    assert.match(await page.textContent(".summary"), /0 would be retracted and 1,5[0-9]+ by cascade.*answers would flip under consensus/);
    assert.match(await page.textContent("[data-part=preview] table"), /web\/background-position\/firefoxsupported_since4913/);
    assert.equal(await valueUnder(node, "recency"), "4", "a preview changes nothing");
    await page.fill(".retract [name=reason]", "an outdated mirror, again");
    assert.equal(await page.locator(".danger").count(), 0, "what was changed has to be looked at again");
    await page.click("text=Preview");
    await page.click(".danger");
    await page.waitForSelector(".done");
    assert.equal(await valueUnder(node, "recency"), "33");
    await page.waitForSelector("[data-retraction] .tag:text('stands')");
    await page.click("[data-retraction] summary");
    await page.fill("[data-retraction] [name=reason]", "it was up to date");
    await page.click("[data-retraction] button");
    await page.waitForSelector("[data-retraction] .tag:text('reinstated')");
    assert.equal(await valueUnder(node, "recency"), "4");
    await finish(opened);
  }],
  ["what was taken back and reinstated is on the time line", async () => {
    const opened = await open(browser, `${node.url}/?path=web/audio/chrome`);
    await opened.page.waitForSelector("svg .event");
    assert.equal(await opened.page.locator("svg .event").count(), 2);
    await finish(opened);
  }],
];
