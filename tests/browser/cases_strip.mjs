// The verdict strip and the charts.
import assert from "node:assert/strict";
import { finish, open, until } from "./page.mjs";

const figure = (page, id) => page.textContent(`#cell-${id} .figure`);
const state = (page, id) => page.getAttribute(`#cell-${id}`, "data-state");
const sampled = (page) => page.waitForSelector('#verdict:not([data-state="unknown"])');

const changeAnswer = (page, url, change) => page.route(url, async (route) => {
  const response = await route.fetch().catch(() => null);
  if (response) await route.fulfill({ response, body: change(await response.text()) }).catch(() => {});
});

/** Answers /metrics with the node's own, changed, of a node that archives. */
const tamper = (change) => async (page) => {
  await changeAnswer(page, "**/metrics", change);
  await changeAnswer(page, "**/v1/health", (text) => text.replace('"archived":false', '"archived":true'));
};

export const strip = ({ node, browser }) => [
  ["the strip shows status, version, count, disk and workers as the node has them, and follows it", async () => {
    const opened = await open(browser, node.url);
    const { page } = opened;
    await sampled(page);
    const health = await node.call("/v1/health");
    assert.equal(await figure(page, "status"), "healthy");
    assert.equal(await figure(page, "version"), health.version);
    assert.equal(await figure(page, "workers"), "1 ready");
    assert.match(await figure(page, "disk"), /^[0-9.]+ [GT]iB$/);
    assert.match(await page.textContent("#cell-disk .limit"), /at least 256 MiB/);
    assert.equal(await figure(page, "archive"), "not configured");
    const count = (n) => new Intl.NumberFormat("en").format(n);
    assert.equal(await figure(page, "count"), count(health.assertion_count));
    await node.call("/v1/assert", { concept_path: "test/count", predicate: "p", value: 1 });
    await page.waitForSelector(`#cell-count .figure:text-is("${count(health.assertion_count + 1)}")`);
    await finish(opened);
  }],
  ["without a backup the strip is red and says so; a backup turns it green, and the page lists it", async () => {
    const opened = await open(browser, `${node.url}/?view=recovery`);
    const { page } = opened;
    await page.waitForSelector('#verdict[data-state="bad"]');
    assert.match(await page.textContent("#verdict"), /verified backup/);
    assert.equal(await figure(page, "backup"), "none yet");
    node.backUp();
    await page.waitForSelector('#cell-backup[data-state="good"]');
    await page.waitForSelector(".events li:has-text('a backup was made')");
    await page.waitForSelector(".tag:text-is('verified')");
    const { backups } = await node.call("/v1/backups");
    assert.ok((await page.textContent("[data-part=list]")).includes(backups[0].name));
    assert.match(await page.textContent("[data-part=facts]"), /1 moment.*not configured/s);
    await finish(opened);
  }],
  ["each figure that is past its limit is red", async () => {
    const opened = await open(browser, node.url, { prepare: tamper((text) => text
      .replace(/^stemedb_last_backup_timestamp_seconds .*$/m, `stemedb_last_backup_timestamp_seconds ${Date.now() / 1000 - 90000}`)
      .replace(/^stemedb_data_free_bytes .*$/m, "stemedb_data_free_bytes 1000000")
      .replace(/^stemedb_workers\{state="ready"\} .*$/m, 'stemedb_workers{state="ready"} 0')
      .replace(/^stemedb_wal_archive_lag_seconds.*\n/gm, "") + "stemedb_wal_archive_lag_seconds 4000\n") });
    const { page } = opened;
    await page.waitForSelector('#verdict[data-state="bad"]');
    for (const id of ["backup", "disk", "workers", "archive"]) assert.equal(await state(page, id), "bad", id);
    assert.equal(await figure(page, "archive"), "1 h 6 min");
    assert.equal(await figure(page, "backup"), "1 d 1 h ago");
    await finish(opened);
  }],
  ["drills and the archive are shown as the metrics tell them", async () => {
    const opened = await open(browser, `${node.url}/?view=recovery`, { prepare: tamper((text) => text
      .replace(/^stemedb_(wal_archive_lag|last_drill).*\n/gm, "")
      + `stemedb_wal_archive_lag_seconds 2\nstemedb_last_drill_timestamp_seconds ${Date.now() / 1000 - 7200}\nstemedb_last_drill_success 0\n`) });
    const { page } = opened;
    await page.waitForSelector('#cell-archive[data-state="good"]');
    await page.waitForSelector("[data-part=facts] .cell[data-state=bad]:has-text('it failed')");
    assert.match(await page.textContent("[data-part=facts]"), /to 2 s ago, any moment.*2 h 0 min ago/);
    await finish(opened);
  }],
  ["the charts are drawn on one axis of time, and the range is in the address", async () => {
    const opened = await open(browser, `${node.url}/?view=activity&range=15m`);
    const { page } = opened;
    await until(page, () => document.querySelectorAll(".plot canvas").length === 5);
    assert.equal(await page.inputValue("select[name=range]"), "15m");
    await page.selectOption("select[name=range]", "1h");
    assert.match(page.url(), /range=1h/);
    await until(page, () => document.querySelector('[data-column="probes"]').textContent !== "–");
    assert.match(await page.textContent('[data-column="probes"]'), /^[0-9.]+\/s$/);
    await until(page, () => document.querySelector('[data-column="fsync99"]').textContent.match(/s$/));
    await finish(opened);
  }],
];
