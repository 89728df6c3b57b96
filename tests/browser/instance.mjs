// A private instance of the built tree, started and stopped by scripts/instance.sh.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const script = join(root, "scripts", "instance.sh");

export function start() {
  const folder = mkdtempSync(join(tmpdir(), "stemedb-browser-"));
  chmodSync(folder, 0o755);
  const home = join(folder, "home");
  execFileSync(script, ["start", home], { stdio: ["ignore", "ignore", "inherit"] });
  const env = Object.fromEntries(readFileSync(join(home, "instance.env"), "utf8").trim().split("\n").map((line) => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1).replace(/^"|"$/g, "")];
  }));
  return {
    api: env.API_URL,
    dashboard: env.DASHBOARD_URL,
    home,
    stop() {
      execFileSync(script, ["stop", home], { stdio: ["ignore", "ignore", "inherit"] });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
