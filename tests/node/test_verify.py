#!/usr/bin/env python3
"""stemedb verify: a running node is left alone, a stopped or killed one is proved, copies are compared with each other and with a node."""
import json
import os
import shutil
import signal
import subprocess

from harness import TOOL, Instance, alive, tap

node = Instance()
other = Instance()
copy = node.home + "-copy"


def verify(*arguments):
    run = subprocess.run([TOOL, "verify", "--json", *arguments], capture_output=True, text=True, timeout=60)
    return run.returncode, json.loads(run.stdout) if run.stdout else None, run.stderr


def url(instance):
    return f"http://127.0.0.1:{instance.api_port}"


@tap.case("a home whose node runs is refused, and the node is not disturbed")
def _():
    node.import_lines([{"concept_path": f"a/{i}", "predicate": "p", "value": "v" * (i % 200)} for i in range(3000)])
    for i in range(20):
        node.assert_one("single", i)
    status, _, errors = verify(node.home)
    tap.equal(status, 3)
    tap.contains(errors, f"process {node.pids('supervisor')[0]} uses this home")
    tap.equal(verify(node.path("data"))[0], 3)
    tap.equal(node.health()["status"], "healthy")


@tap.case("what a killed node leaves is proved to be all that it had acknowledged")
def _():
    health = node.health()
    pids = node.pids("supervisor") + node.pids("committer") + node.pids("worker")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    tap.wait_for(lambda: not any(alive(pid) for pid in pids), "end of the node")
    status, report, errors = verify(node.home)
    tap.equal((status, report and report["history_root"]), (0, health["history_root"]), errors)
    tap.equal((report["last_seq"], report["history"]), (health["last_seq"], health["history"]))
    tap.ok(report["only_in_log"] > 0, f"nothing was in the log alone: {report}")


@tap.case("what a stopped node leaves is proved, from its pages alone")
def _():
    node.start()
    health = node.health()
    node.stop()
    status, report, errors = verify(node.home)
    tap.equal((status, report["history_root"], report["only_in_log"]), (0, health["history_root"], 0), errors)
    shutil.copytree(node.home, copy)
    node.start()


@tap.case("a node proves that a copy is the beginning of its history")
def _():
    status, report, errors = verify("--against", url(node), copy)
    tap.equal((status, report["against"]["relation"]), (0, "equal"), errors)
    for i in range(700):
        node.assert_one("later", i)
    status, report, errors = verify("--against", url(node), copy)
    tap.ok(report, errors)
    tap.equal((status, report["against"]["relation"], report["against"]["last_seq"]),
              (0, "prefix", node.health()["last_seq"]), errors)


@tap.case("another history is told from this one")
def _():
    for i in range(5):
        other.assert_one("elsewhere", i)
    status, report, errors = verify("--against", url(other), copy)
    tap.equal((status, report["against"]["relation"]), (1, "diverged"), errors)
    tap.equal(verify("--against", "http://127.0.0.1:1", copy)[0], 3)


@tap.case("two copies are compared by their roots")
def _():
    node.stop()
    other.stop()
    for ours, theirs, status, relation in ((copy, node.home, 0, "prefix"), (node.home, copy, 0, "longer"),
                                           (copy, copy, 0, "equal"), (other.home, copy, 1, "diverged")):
        got, report, errors = verify("--against", theirs, ours)
        tap.equal((got, report and report["against"]["relation"]), (status, relation), errors)


@tap.case("damage is named with its page, and the status is 1")
def _():
    path = os.path.join(copy, "data", "db", "assertions.kv")
    with open(path, "r+b") as f:
        f.seek(3 * 4096 + 100)
        byte = f.read(1)[0]
        f.seek(3 * 4096 + 100)
        f.write(bytes([byte ^ 1]))
    run = subprocess.run([TOOL, "verify", copy], capture_output=True, text=True)
    tap.equal(run.returncode, 1)
    tap.contains(run.stdout, f"damage: {path}, page 3 (offset 12288): checksum mismatch")
    tap.equal(subprocess.run([TOOL, "verify", "--no-such-option"], capture_output=True).returncode, 2)


def finish():
    node.close()
    other.close()
    shutil.rmtree(copy, ignore_errors=True)


tap.run(finish, on_failure=lambda: "\n" + "\n".join(node.log().splitlines()[-20:]))
