// A node that is gone, one that wants a token, and a page without its chart file. Last: they change the node.
import assert from "node:assert/strict";
import { finish, open, settled, until } from "./page.mjs";

export const adversity = ({ node, browser }) => [
  ["without the chart file all else works, and the page says so", async () => {
    const opened = await open(browser, `${node.url}/?view=activity`, { prepare: (page) => page.route("**/vendor/*", (route) => route.fulfill({ status: 404, body: "" })) });
    const { page } = opened;
    await page.waitForSelector("text=The chart file is not there");
    await until(page, () => document.querySelector('[data-column="probes"]').textContent !== "–");
    assert.equal(await page.locator("canvas").count(), 0);
    await page.click("#nav a[data-view=sources]");
    await page.waitForSelector("tbody tr");
    await finish(opened, /status of 404/);
  }],
  ["a node that is gone makes the figures old, by the second, and the page goes on when it is back", async () => {
    const opened = await open(browser, `${node.url}/?view=recovery`);
    const { page } = opened;
    await page.waitForSelector('#verdict[data-state="good"], #verdict[data-state="warn"]');
    node.stopNode();
    await page.waitForSelector('#verdict[data-state="stale"]');
    await until(page, () => /last answer [2-9] s ago: the figures are old/.test(document.querySelector("#age").textContent));
    assert.ok(await page.evaluate(() => document.querySelector("#strip").hasAttribute("data-stale")));
    await page.click("#nav a[data-view=sources]");
    await page.waitForSelector("#problem:not([hidden])");
    node.startNode();
    await page.waitForSelector('#verdict:not([data-state="stale"])');
    await page.waitForSelector("tbody tr");
    assert.equal(await page.textContent("#age"), "");
    assert.ok(await page.locator("#problem").isHidden());
    await page.click("#nav a[data-view=recovery]");
    await page.waitForSelector(".events li:has-text('the node answers again')");
    await finish(opened, /ERR_CONNECTION|status of 503|ERR_EMPTY_RESPONSE/);
  }],
  ["a node that wants a token gets it by header, kept by the tab alone and never in the address", async () => {
    const secret = node.addToken("browser", "reader").split(/\s+/).at(-1);
    const opened = await open(browser, `${node.url}/?view=sources`);
    const { page } = opened;
    for (let i = 0; i < 40 && await page.locator("#token-box[open]").count() === 0; i++) {
      await page.reload();
      await settled(page);
    }
    assert.match(await page.textContent("#token-text"), /wants a token/);
    await page.waitForSelector('#cell-status[data-state="good"]');
    await page.fill("#token", "nonsense");
    await page.press("#token", "Enter");
    await page.waitForSelector("text=does not take that token");
    await page.fill("#token", secret);
    await page.press("#token", "Enter");
    await page.waitForSelector("tbody tr");
    await page.reload();
    await page.waitForSelector("tbody tr");
    await page.click("#nav a[data-view=retractions]");
    await settled(page);
    await page.fill(".retract [name=concept_path]", "web/audio/chrome");
    await page.fill(".retract [name=reason]", "may I?");
    await page.click("text=Preview");
    await page.waitForSelector(".retract .problem:not([hidden])");
    assert.ok(!page.url().includes(secret));
    assert.deepEqual(await page.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage), document.cookie]), [[], ["stemedb.token"], ""]);
    await page.click("#token-box summary");
    await page.click("#token-forget");
    await page.click("#nav a[data-view=sources]");
    await page.waitForSelector("text=This node wants a token");
    await finish(opened, /status of 40[13]/);
  }],
];
