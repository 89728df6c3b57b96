#!/usr/bin/env python3
"""Looking into a backup or a stopped home: stemedb query --backup and stemedb serve --read-only change nothing of it."""
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile

from backups import add, backup
from harness import TOOL, Instance, alive, read_answer, tap

node = Instance()
scratch = tempfile.mkdtemp(prefix="stemedb-scratch-")
state = {}


def tool(*arguments, **more):
    return subprocess.run([TOOL, *arguments], env=dict(os.environ, TMPDIR=scratch, STEMEDB_HOME=scratch),
                          capture_output=True, text=True, timeout=60, **more)


def digest(folder):
    """Names, contents, modes and times of all that is in it."""
    total = hashlib.sha256()
    for top, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(top, name)
            with open(path, "rb") as f:
                content = hashlib.sha256(f.read()).hexdigest()
            status = os.stat(path)
            total.update(repr((path, content, status.st_mode, status.st_mtime_ns, status.st_nlink)).encode())
        total.update(repr((top, os.stat(top).st_mtime_ns)).encode())
    return total.hexdigest()


class Served:
    """stemedb serve --read-only, ready."""

    def __init__(self, source, *options):
        self.process = subprocess.Popen([TOOL, "serve", "--read-only", source, *options], stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, TMPDIR=scratch, STEMEDB_HOME=scratch))
        lines = [self.process.stdout.readline().strip() for _ in range(2)]
        tap.equal([line.split("=")[0] for line in lines], ["API_URL", "DASHBOARD_URL"])
        self.port, self.dashboard_port = (int(line.rsplit(":", 1)[1]) for line in lines)

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json", **headers})
            return read_answer(connection.getresponse())
        finally:
            connection.close()

    def end(self):
        self.process.terminate()
        tap.equal(self.process.wait(20), 0)


def is_clean():
    tap.equal(os.listdir(scratch), [])


@tap.case("query --backup answers from a backup, and changes nothing of it")
def _():
    add(node, 2000)
    state["first"] = node.assert_one("old/one", "then")
    state["backup"] = backup(node)
    state["health"] = node.health()
    node.assert_one("old/one", "now")
    before = digest(state["backup"])
    run = tool("query", "--backup", state["backup"], "--json", "old/one")
    tap.equal(run.returncode, 0, run.stderr)
    tap.equal(run.stderr, "")
    tap.equal(json.loads(run.stdout)["assertions"], [state["first"]])
    tap.equal(digest(state["backup"]), before)
    is_clean()


@tap.case("serve --read-only: all that reads works, all that writes is refused, also where several look at once")
def _():
    before = digest(state["backup"])
    first = Served(state["backup"])
    second = Served(os.path.join(node.path("backups"), "latest"), "--workers", "1")
    for served in (first, second):
        health = served.ask("GET", "/v1/health").json
        for name in ("assertion_count", "last_seq", "history", "history_root"):
            tap.equal(health[name], state["health"][name])
        tap.equal((health["status"], health["writable"], health["read_only"]), ("healthy", False, True))
    one = state["first"]["id"]
    for path in (f"/v1/assertions/{one}", f"/v1/why/{one}", "/v1/query?concept_path=old/one&lens=skeptic", "/v1/concepts",
                 "/v1/sources", "/v1/conflicts", "/v1/retractions", "/v1/diff?from=1&to=5", "/v1/history", "/v1/backups",
                 "/v1/history/proof?from=3&to=90", "/v1/assertions?limit=2", "/metrics", "/v1/openapi.json"):
        tap.equal(first.ask("GET", path).status, 200, path)
    retraction = {"concept_path": "old/one", "reason": "a try"}
    tap.equal(first.ask("POST", "/v1/retract", {**retraction, "dry_run": True}).json["retracted_count"], 1)
    for path, body in (("/v1/assert", {"concept_path": "a", "predicate": "p", "value": 1}), ("/v1/retract", retraction),
                       ("/v1/reinstate", {"retraction_id": one, "reason": "x"}), ("/v1/assert", {})):
        answer = first.ask("POST", path, body)
        tap.equal((answer.status, answer.headers["content-type"]), (403, "application/problem+json"), f"{path} {answer}")
        tap.contains(answer.json["detail"], "read only")
    answer = second.ask("POST", "/v1/import", {}, **{"Content-Type": "application/x-ndjson"})
    tap.equal(answer.status, 403, f"{answer}")
    tap.equal(first.ask("GET", "/v1/health").json["history_root"], state["health"]["history_root"])
    first.end()
    second.end()
    tap.equal(digest(state["backup"]), before)
    is_clean()


@tap.case("a backup that one byte differs in is refused, and the file is named")
def _():
    copy = os.path.join(node.home, "copy")
    shutil.copytree(state["backup"], copy)
    path = os.path.join(copy, "db", "assertions.kv")
    os.chmod(path, 0o640)
    with open(path, "r+b") as f:
        f.seek(70000)
        byte = f.read(1)[0]
        f.seek(70000)
        f.write(bytes([byte ^ 4]))
    run = tool("query", "--backup", copy, "old/one")
    tap.equal((run.returncode, run.stdout), (3, ""), run.stderr)
    tap.contains(run.stderr, "db/assertions.kv")
    tap.equal(tool("serve", copy).returncode, 2)  # not without --read-only
    is_clean()


@tap.case("a home is refused while its node runs; a killed one's is recovered in the copy alone; its tokens hold")
def _():
    run = tool("query", "--backup", node.home, "old/one")
    tap.equal(run.returncode, 3, run.stderr)
    tap.contains(run.stderr, "uses this home")
    pids = node.pids("supervisor") + node.pids("committer") + node.pids("worker")
    health = node.health()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    tap.wait_for(lambda: not any(alive(pid) for pid in pids), "end of the node")
    made = subprocess.run([TOOL, "token", "--home", node.home, "add", "me", "--role", "reader"], capture_output=True, text=True)
    tap.equal(made.returncode, 0, made.stderr)
    before = digest(node.path("data"))
    run = tool("query", "--backup", node.home, "--json", "old/one")
    tap.equal([a["value"] for a in json.loads(run.stdout)["assertions"]], ["now", "then"], run.stderr)
    served = Served(node.home)
    tap.equal(served.ask("GET", "/v1/history").status, 401)
    token = made.stdout.split()[-1]
    tap.equal(served.ask("GET", "/v1/history", Authorization=f"Bearer {token}").json["history_root"], health["history_root"])
    served.end()
    tap.equal(digest(node.path("data")), before)
    is_clean()


@tap.case("kill -9 of the tool ends the node, and removes the copy")
def _():
    served = Served(state["backup"])
    served.process.kill()
    served.process.wait()
    tap.wait_for(lambda: os.listdir(scratch) == [], "removal of the copy")


def finish():
    node.close()
    shutil.rmtree(scratch, ignore_errors=True)


tap.run(finish, on_failure=lambda: "\n" + "\n".join(node.log().splitlines()[-20:]))
