// A page in Debian's Chromium that fails its case on any console error, page error or failed request.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const axe = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

export const launch = () => chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

/** Opens an address: { page, complaints }. Pages without wishes of their own share the first context, and its cache. */
export async function open(browser, url, { width = 1280, height = 900, prepare = async () => {}, ...wishes } = {}) {
  const shared = Object.keys(wishes).length === 0 ? browser.contexts()[0] ?? await browser.newContext() : await browser.newContext(wishes);
  const page = await shared.newPage();
  await page.setViewportSize({ width, height });
  page.setDefaultTimeout(10000);
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => request.failure()?.errorText !== "net::ERR_ABORTED" && complaints.push(`${request.url()} ${request.failure()?.errorText}`));
  await prepare(page);
  await page.goto(url);
  return { page, complaints };
}

/** Closes the page; what the browser complained of must be what was expected. */
export async function finish({ page, complaints }, expected = null) {
  await page.close();
  assert.deepEqual(complaints.filter((text) => !expected?.test(text)), []);
}

/** Waits until a condition holds in the page (waitForFunction would have the page evaluate text, which its policy forbids). */
export async function until(page, condition) {
  for (const end = Date.now() + 10000; !(await page.evaluate(condition)); await page.waitForTimeout(50)) {
    assert.ok(Date.now() < end, `never came true: ${condition}`);
  }
}

/** Waits until a view is filled. */
export const settled = (page) => page.waitForSelector('#stage[aria-busy="false"]');

/** Goes to another address within the page, as its links do. */
export async function visit(page, search) {
  await page.evaluate((address) => {
    history.pushState(null, "", address);
    dispatchEvent(new PopStateEvent("popstate"));
  }, search);
  await settled(page);
}

/** The serious findings of axe-core, each in a line. The policy of the page forbids its script, so it runs beside it. */
export async function seriousFindings(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 120)} ${node.failureSummary?.replaceAll("\n", " ").slice(0, 200)}`));
}

/** How much wider than the window the page is; 0 if it fits. */
export const overflow = (page) => page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth));
