// The explorer.
import assert from "node:assert/strict";
import { finish, open, settled, until } from "./page.mjs";

const LENSES = ["recency", "confidence", "authority", "consensus", "skeptic", "layered", "timeline"];
const answerOf = (page, lens) => page.textContent(`.lens[data-lens="${lens}"] .answer`);

export const explore = ({ node, browser }) => [
  ["the tree leads from the roots to a concept", async () => {
    const opened = await open(browser, node.url);
    const { page } = opened;
    await page.click('aside a[data-path="web"]');
    await page.click('aside a[data-path="web/a"]');
    await page.click('aside a[data-path="web/a/firefox"]');
    await page.waitForSelector('.lens[data-lens="timeline"]');
    assert.match(page.url(), /path=web%2Fa%2Ffirefox/);
    await page.goBack();
    await page.waitForSelector('aside a[data-path="web/a"][aria-current="page"]');
    const { children } = await node.call("/v1/concepts?prefix=web/a");
    assert.equal(await page.locator("aside li li li li").count(), children.length);
    await finish(opened);
  }],
  ["a level of many concepts comes in pages", async () => {
    const opened = await open(browser, `${node.url}/?path=web`);
    const { page } = opened;
    await page.waitForSelector("aside button.more");
    assert.equal(await page.locator("aside li li li").count(), 100);
    await page.click("aside button.more");
    await until(page, () => document.querySelectorAll("aside li li li").length === 200);
    await finish(opened);
  }],
  ["a contested concept is shown under all seven lenses side by side, each with the answer of the API", async () => {
    const opened = await open(browser, `${node.url}/?path=web/audio/chrome`);
    const { page } = opened;
    await settled(page);
    const lenses = await page.$$eval(".lens", (cards) => cards.map((card) => [card.dataset.lens, card.getBoundingClientRect().top]));
    assert.deepEqual(lenses.map(([lens]) => lens), LENSES);
    assert.equal(new Set(lenses.map(([, top]) => top)).size, 1, "side by side");
    for (const lens of LENSES.slice(0, 6)) {
      const { resolved } = await node.call("/v1/query", { concept_path: "web/audio/chrome", lens });
      assert.equal(await answerOf(page, lens), resolved[0].value, lens);
    }
    const skeptic = await page.textContent('.lens[data-lens="skeptic"]');
    for (const source of ["source/web-features", "source/mdn-bcd", "source/caniuse"]) assert.ok(skeptic.includes(source), source);
    assert.match(skeptic, /contested/);
    await finish(opened);
  }],
  ["the assertions of each source are listed, and drawn on a time line", async () => {
    const opened = await open(browser, `${node.url}/?path=web/audio/chrome`);
    const { page } = opened;
    await settled(page);
    assert.equal(await page.locator("tbody tr").count(), 3);
    assert.match(await page.textContent("tbody tr:nth-child(1)"), /source\/caniuse.*supported_since.*4.*0\.85.*active/s);
    assert.equal(await page.locator("svg .mark").count(), 3);
    await finish(opened);
  }],
  ["the slider goes to another moment: by keys, by steps, by the address", async () => {
    const opened = await open(browser, `${node.url}/?path=web/audio/chrome`);
    const { page } = opened;
    await settled(page);
    assert.equal(await answerOf(page, "recency"), "4");
    await page.click("text=◂");
    await page.waitForURL(/as_of=932/);
    await page.click("text=◂");
    await page.waitForURL(/as_of=931/);
    await until(page, () => document.querySelector('.lens[data-lens="recency"] .answer').textContent === "33");
    await page.waitForSelector("svg .moment", { state: "attached" });
    assert.equal(await page.locator("tbody tr").count(), 2);
    await page.focus(".as-of-range");
    await page.keyboard.press("ArrowLeft");
    await page.waitForURL(/as_of=930/);
    await until(page, () => document.querySelector('.lens[data-lens="recency"] .answer').textContent === "3");
    assert.ok(await page.evaluate(() => document.activeElement.matches(".as-of-range")), "the slider keeps the focus");
    await page.click("text=Now");
    await until(page, () => document.querySelector('.lens[data-lens="recency"] .answer').textContent === "4");
    assert.doesNotMatch(page.url(), /as_of/);
    await finish(opened);
  }],
  ["why tells what an assertion rests on, and what rests on it, as a tree", async () => {
    const opened = await open(browser, `${node.url}/?path=report/audio&id=${node.report.id}`);
    const { page } = opened;
    await page.waitForSelector("[data-part=why] h4");
    const text = await page.textContent("[data-part=why]");
    assert.match(text, /rests on.*web\/audio\/chrome.*web\/audio\/chrome.*web\/audio\/chrome.*supports.*report\/summary/s);
    await page.click("[data-part=why] a:has-text('report/summary')");
    await until(page, () => document.querySelectorAll("[data-part=why] ul ul a").length === 3);
    await finish(opened);
  }],
  ["an unknown concept says that nobody has said anything", async () => {
    const opened = await open(browser, `${node.url}/?path=test/unknown`);
    await opened.page.waitForSelector("text=Nobody has said anything about exactly this concept.");
    await finish(opened);
  }],
  ["a wrong path shows the problem with its pointer", async () => {
    const opened = await open(browser, `${node.url}/?path=a//b`);
    await opened.page.waitForSelector("#problem:not([hidden])");
    assert.match(await opened.page.textContent("#problem"), /\/(concept_path|prefix)/);
    await finish(opened, /status of 422/); /* the 422 itself is a console message of the browser */
  }],
];
