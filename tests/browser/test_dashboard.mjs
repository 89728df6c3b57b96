#!/usr/bin/env node
// The dashboard as a person meets it: in Chromium, against a running node with the browser-support data.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { start } from "./instance.mjs";
import { run } from "./tap.mjs";

const HOSTILE = { concept_path: "test/<img src=x onerror=alert(1)>", predicate: "says", value: "<script>document.title='owned'</script>" };

const node = start();
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
let failed = 1;

async function post(path, type, body) {
  const response = await fetch(node.api + path, { method: "POST", headers: { "Content-Type": type }, body });
  assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
  return response.json();
}

/** A page that fails the case on any console error, page error or failed request. */
async function open(url, width = 1200) {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => complaints.push(`${request.url()} failed`));
  await page.goto(url);
  return { page, complaints };
}

async function finish({ page, complaints }) {
  assert.deepEqual(complaints, []);
  await page.close();
}

const cases = [
  ["health, count and last entry are shown and follow the node", async () => {
    const opened = await open(node.dashboard);
    const { page } = opened;
    await page.waitForSelector('#verdict[data-state="healthy"]');
    const health = await (await fetch(`${node.api}/v1/health`)).json();
    const shown = () => page.textContent("#count").then((text) => Number(text.replaceAll(",", "")));
    assert.equal(await shown(), health.assertion_count);
    assert.equal(await page.textContent("#root"), health.history_root);
    await post("/v1/assert", "application/json", JSON.stringify({ concept_path: "test/count", predicate: "p", value: 1 }));
    const next = new Intl.NumberFormat("en").format(health.assertion_count + 1);
    await page.waitForSelector(`#count:text-is("${next}")`, { timeout: 10000 });
    await finish(opened);
  }],
  ["a contested concept is shown under two lenses side by side", async () => {
    const opened = await open(node.dashboard);
    const { page } = opened;
    await page.fill("#path", "web/audio/chrome");
    await page.selectOption("#left", "consensus");
    await page.selectOption("#right", "skeptic");
    await page.click("button[type=submit]");
    await page.waitForSelector('.answer[data-lens="skeptic"] .resolved');
    const texts = await page.$$eval(".answer", (cards) => cards.map((card) => card.textContent));
    assert.equal(texts.length, 2);
    for (const source of ["source/web-features", "source/mdn-bcd", "source/caniuse"]) assert.ok(texts.every((t) => t.includes(source)), source);
    assert.match(texts[1], /contested/);
    const boxes = await page.$$eval(".answer", (cards) => cards.map((card) => card.getBoundingClientRect().top));
    assert.equal(boxes[0], boxes[1], "side by side");
    assert.match(page.url(), /path=web%2Faudio%2Fchrome/);
    await finish(opened);
  }],
  ["what the address asks is answered at once", async () => {
    const opened = await open(`${node.dashboard}?path=web/audio/chrome&left=recency&right=authority`);
    await opened.page.waitForSelector('.answer[data-lens="authority"] li');
    await finish(opened);
  }],
  ["an unknown concept says that nobody has said anything", async () => {
    const opened = await open(`${node.dashboard}?path=test/unknown`);
    await opened.page.waitForSelector(".answer");
    assert.match(await opened.page.textContent("#answers"), /Nobody has said anything about it/);
    await finish(opened);
  }],
  ["a wrong path shows the problem with its pointer", async () => {
    const { page } = await open(`${node.dashboard}?path=a//b`);
    await page.waitForSelector("#problem:not([hidden])");
    assert.match(await page.textContent("#problem"), /\/concept_path/);
    await page.close(); /* the 422 itself is a console message of the browser */
  }],
  ["hostile values stay text", async () => {
    await post("/v1/assert", "application/json", JSON.stringify(HOSTILE));
    const opened = await open(`${node.dashboard}?path=${encodeURIComponent(HOSTILE.concept_path)}`);
    await opened.page.waitForSelector(".answer li");
    assert.ok((await opened.page.textContent("#answers")).includes(HOSTILE.value));
    assert.equal(await opened.page.title(), "StemeDB");
    assert.equal(await opened.page.$("#answers img, #answers script"), null);
    await finish(opened);
  }],
  ["nothing overflows at 400 px", async () => {
    const opened = await open(`${node.dashboard}?path=web/audio&subtree=1`, 400);
    await opened.page.waitForSelector(".answer li");
    const [content, view] = await opened.page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(content <= view, `${content} > ${view}`);
    await finish(opened);
  }],
  ["a node that stops is said to be silent", async () => {
    const { page } = await open(node.dashboard);
    await page.waitForSelector('#verdict[data-state="healthy"]');
    await page.route("**/v1/health", (route) => route.abort());
    await page.waitForSelector('#verdict[data-state="stale"]', { timeout: 10000 });
    await page.close();
  }],
];

try {
  const data = gunzipSync(readFileSync(new URL("../../examples/browser-support.ndjson.gz", import.meta.url)));
  await post("/v1/import", "application/x-ndjson", data);
  failed = await run(cases);
} catch (error) {
  console.log(`Bail out! ${error.stack}`);
} finally {
  await browser.close();
  node.stop();
}
process.exitCode = failed ? 1 : 0;
