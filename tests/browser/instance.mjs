// A private instance of the built tree with the browser-support data, and a report that rests on some of it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const script = (name, ...words) => execFileSync(join(root, "scripts", name), words, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });

/** The API of an instance: call(path, body) of JSON, text(path). */
function clientOf(url) {
  async function call(path, body, type = "application/json") {
    const response = await fetch(url + path, body === undefined ? {} : { method: "POST", headers: { "Content-Type": type }, body: type === "application/json" ? JSON.stringify(body) : body });
    const text = await response.text();
    assert.ok(response.ok, `${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }
  return { call, text: async (path) => (await fetch(url + path)).text() };
}

async function fill({ call }) {
  await call("/v1/import", gunzipSync(readFileSync(join(root, "examples", "browser-support.ndjson.gz"))), "application/x-ndjson");
  const { assertions } = await call("/v1/query", { concept_path: "web/audio/chrome" });
  const report = await call("/v1/assert", { concept_path: "report/audio", predicate: "usable_since", value: "2014", source: "source/my-report", derived_from: assertions.map(({ id }) => id) });
  await call("/v1/assert", { concept_path: "report/summary", predicate: "says", value: { audio: 2014 }, source: "source/editor", derived_from: [report.id] });
  return { report };
}

export async function start() {
  const folder = mkdtempSync(join(tmpdir(), "stemedb-browser-"));
  chmodSync(folder, 0o755);
  const home = join(folder, "home");
  script("instance.sh", "start", home, "--workers", "1");
  const env = Object.fromEntries(readFileSync(join(home, "instance.env"), "utf8").trim().split("\n").map((line) => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1).replace(/^"|"$/g, "")];
  }));
  const client = clientOf(env.API_URL);
  const { report } = await fill(client);
  return {
    ...client, home, report,
    url: env.DASHBOARD_URL,
    stopNode: () => script("instance.sh", "stop", home),
    startNode: () => script("instance.sh", "start", home),
    backUp: () => script("backup-stemedb.sh", "--home", home),
    addToken: (name, role) => execFileSync(join(process.env.BUILD ?? join(root, "build", "release"), "src", "stemedb"), ["token", "add", name, "--role", role, "--home", home], { encoding: "utf8" }).trim(),
    stop() {
      script("instance.sh", "stop", home);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
