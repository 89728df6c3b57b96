#!/usr/bin/env python3
"""A disk that answers with EIO, by strace: plain words and a status, nothing lost, and the next attempt works."""
import os
import shutil
import subprocess

from backups import add, backup, backups, of_metadata, snapshot, wait_failures
from harness import TOOL, Instance, tap

STRACE = ["strace", "-f", "-qq", "-o", "/dev/null"]
ERROR = "Input/output error"
node = None
state = {}


def failing(call, when, *command):
    """Runs a command of which the n-th such system call fails with EIO ("3+": and each one after it)."""
    return subprocess.run([*STRACE, "-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when={when}", *command],
                          env=dict(node.env), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


@tap.case("a backup that cannot be read or written fails in plain words and counts, and the next one succeeds")
def _():
    add(node, 1000)
    for failures, (call, when) in enumerate((("fsync", 1), ("fsync", 5), ("pread64", "9+")), 1):
        run = failing(call, when, TOOL, "backup", "--home", node.home)
        tap.ok(run.returncode not in (0, -6, -11), f"{call} {when}: {run.returncode} {run.stderr}")
        tap.equal(backups(node), [])
        tap.contains(run.stderr, ERROR)
        wait_failures(node, failures)
        tap.equal(node.health()["status"], "healthy")
    state["folder"] = backup(node)
    tap.equal(of_metadata(state["folder"]), snapshot(node))
    wait_failures(node, 0)


@tap.case("a committer whose fdatasync fails acknowledges nothing that is not there after its restart")
def _():
    committer = node.pids("committer")[0]
    tracer = subprocess.Popen([*STRACE, "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=1+", "-p", str(committer)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        def traced():
            with open(f"/proc/{committer}/status") as f:
                return "TracerPid:\t0\n" not in f.read()
        tap.wait_for(traced, "strace")
        stored = []
        for n in range(5):
            answer = node.post("/v1/assert", {"concept_path": "eio", "predicate": "p", "value": n})
            tap.ok(answer.status in (201, 503), f"{answer}")
            if answer.status == 201:
                stored.append(answer.json)
    finally:
        tracer.terminate()
        tracer.wait()
    node.wait_ready()
    tap.ok(node.pids("committer") != [committer], "it ended")
    tap.contains(node.log(), ERROR)
    there = node.get("/v1/query?concept_path=eio&limit=100").json["assertions"]
    for one in stored:
        tap.ok(one in there, f"{one} was acknowledged")
    node.assert_one("eio", "after")


@tap.case("verify, and a look into a backup, say that the disk fails, and find nothing wrong when it does not")
def _():
    folder = state["folder"]
    for call, when in (("pread64", "5+"), ("pread64", "30+"), ("read", "38+")):
        run = failing(call, when, TOOL, "verify", folder)
        tap.ok(run.returncode in (1, 3), f"{call} {when}: {run.returncode} {run.stdout} {run.stderr}")
        tap.contains(run.stdout + run.stderr, ERROR)
    tap.equal(subprocess.run([TOOL, "verify", folder], capture_output=True).returncode, 0)


@tap.case("a restore that cannot be written takes everything back, and the next one succeeds")
def _():
    before = snapshot(node)
    node.stop()
    for call, when in (("fsync", "1+"), ("fsync", 6), ("copy_file_range", 1), ("copy_file_range", 3), ("pwrite64", "1+"),
                       ("pread64", "10+")):
        run = failing(call, when, TOOL, "restore", "files", state["folder"], "--home", node.home)
        tap.ok(run.returncode not in (0, -6, -11), f"{call} {when}: {run.returncode} {run.stderr}")
        tap.contains(run.stderr, ERROR)
        if os.path.exists(node.path("data", "RESTORE")):  # not even that could be written
            undo = subprocess.run([TOOL, "restore", "undo", "--home", node.home], capture_output=True, text=True)
            tap.equal(undo.returncode, 0, undo.stderr)
        tap.equal(subprocess.run([TOOL, "verify", node.home], capture_output=True).returncode, 0)
    node.start()
    tap.equal(snapshot(node), before)
    node.stop()
    for step in ("files", "done"):
        more = [state["folder"]] if step == "files" else []
        run = subprocess.run([TOOL, "restore", step, *more, "--home", node.home], capture_output=True, text=True)
        tap.equal(run.returncode, 0, run.stderr)
    node.start()
    tap.equal(snapshot(node), of_metadata(state["folder"]))


def has_sanitizers():
    """They look for leaks by ptrace, which strace has taken."""
    with open(TOOL, "rb") as f:
        return b"__asan_init" in f.read()


if shutil.which("strace") and not has_sanitizers():
    node = Instance()
    tap.run(lambda: node.close(), on_failure=lambda: "\n" + "\n".join(node.log().splitlines()[-20:]))
else:
    print("1..0 # SKIP there is no strace, or the build has sanitizers")
