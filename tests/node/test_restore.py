#!/usr/bin/env python3
"""Restores without systemd: the runbook's lines, the proof, nothing lost whatever happens in the middle."""
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess

from backups import LINES, add, backup, metadata, of_metadata, restore, run_script, snapshot
from harness import TOP, Instance, tap


def stamped(lines):
    return [re.sub(r"\d{8}-\d{6}$", "STAMP", line) for line in lines]


def listing(folder):
    """Name, size and digest of every file below."""
    found = {}
    for top, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(top, name)
            with open(path, "rb") as f:
                found[os.path.relpath(path, folder)] = hashlib.sha256(f.read()).hexdigest()
    return found


def make_manifest(folder):
    """As one who changes a backup and covers it up would."""
    path = os.path.join(folder, "MANIFEST.sha256")
    os.unlink(path)
    with open(path, "w") as f:
        for name, digest in sorted(listing(folder).items()):
            if name != "MANIFEST.sha256":
                f.write(f"{digest}  {name}\n")


def copy_of(folder, name):
    target = os.path.join(os.path.dirname(folder), name)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)
    for top, _, files in os.walk(target):
        for file in files:
            os.chmod(os.path.join(top, file), 0o640)
    return target


def processes(node):
    """The node's own, but nginx, which is noticed some time after its start."""
    return [node.pids(role) for role in ("supervisor", "committer", "worker")]


def asides(node):
    return sorted(n for n in os.listdir(node.path("data")) if ".backup." in n or ".restored." in n)


@tap.case("a restore prints the runbook's lines alone, proves what it restored, and opens a timeline")
def _():
    with Instance() as node:
        add(node, 1500)
        folder = backup(node)
        add(node, 700)
        later = node.health()
        lines, said = restore(node, os.path.relpath(folder, node.home))
        tap.equal(stamped(lines), LINES)
        tap.equal(snapshot(node), of_metadata(folder))
        with open(node.path("data", "metadata.json"), "rb") as here, open(folder + "/metadata.json", "rb") as there:
            tap.equal(here.read(), there.read())
        history_id, branch = node.health()["history"].split(".")
        tap.equal((history_id, branch.split("-")[0]), (later["history"].split(".")[0], "2"))
        tap.equal(node.get("/v1/assertions?after_seq=0&history=" + later["history"]).status, 409)
        tap.ok(not os.path.exists(node.path("data", "RESTORE")))
        # What was replaced is all there: put back by hand it is what it was.
        node.stop()
        stamp = re.search(r"\d{8}-\d{6}$", lines[1]).group(0)
        for name in "wal", "db":
            os.rename(node.path("data", name), node.path("data", name + ".elsewhere"))
            os.rename(node.path("data", f"{name}.backup.{stamp}"), node.path("data", name))
        node.start()
        tap.equal(node.health()["history_root"], later["history_root"])
        # The number of the next timeline is above both: the store's is 1 now, the backup's too.
        restore(node, node.path("backups", "latest"))
        tap.equal(node.health()["history"].split(".")[1].split("-")[0], "2")
        mark = len(node.log())
        restore(node, folder)
        tap.equal(node.health()["history"].split(".")[1].split("-")[0], "3")
        tap.ok("Rebuilding" not in node.log()[mark:], "the indexes of the backup are used")
        tap.equal(len(node.get("/v1/query?concept_path=r/1&limit=1000").json["assertions"]), 215)
        add(node, 10)
        with open(node.path("log", "restore.log")) as f:
            tap.contains(f.read(), "Restore complete.")


@tap.case("it works when nothing runs, after exit status 3, and where there is no data folder at all")
def _():
    with Instance() as node:
        add(node, 300)
        folder = backup(node)
        node.stop()
        lines, _ = restore(node, folder)
        tap.equal(stamped(lines), LINES)
        node.stop()
        with open(node.path("data", "db", "assertions.kv"), "r+b") as f:
            f.seek(4096 * 2 + 50)
            f.write(b"\xff\xee\xdd")
        node.start(status=3)
        lines, _ = restore(node, folder)
        tap.equal(stamped(lines), LINES)
        tap.equal(snapshot(node), of_metadata(folder))
        node.stop()
        shutil.rmtree(node.path("data"))
        lines, _ = restore(node, folder)
        tap.equal(lines, [LINES[0]] + LINES[3:])
        tap.equal(snapshot(node), of_metadata(folder))


@tap.case("--dry-run checks, and changes nothing")
def _():
    with Instance() as node:
        add(node, 300)
        folder = backup(node)
        pids = processes(node)
        lines, said = restore(node, "--dry-run", folder)
        tap.equal(lines, [])
        tap.contains(said, "is sound: 300 assertions")
        tap.equal((processes(node), asides(node)), (pids, []))
        tap.equal(run_script(node, "restore-stemedb.sh").returncode, 2)
        tap.equal(run_script(node, "restore-stemedb.sh", node.path("nowhere")).returncode, 3)
        for wrong in (["--to-seq", "3", "--to-time", "2026-01-01T00:00:00Z"], ["--to-seq", "0"], ["--to-seq", "x"],
                      ["--to-time", "yesterday"], ["--to-seq"], ["--timeline", "0"]):
            tap.equal(run_script(node, "restore-stemedb.sh", *wrong, folder).returncode, 2, f"{wrong}")


def refuse(node, folder, pids, what):
    run = run_script(node, "restore-stemedb.sh", folder)
    tap.equal((run.returncode, run.stdout), (3, ""), f"{what}: {run.stderr}")
    tap.contains(run.stderr, "Nothing was changed")
    tap.equal((processes(node), asides(node)), (pids, []), what)


@tap.case("a changed backup is refused before anything is touched")  # tests/ops/test_restore.c changes every file
def _():
    with Instance(options={"wal_file_bytes": "4M"}) as node:
        add(node, 200)
        folder = backup(node)
        pids = processes(node)
        copy = copy_of(folder, "copy")
        path = os.path.join(copy, "db", "indexes", "concept.kv")
        with open(path, "r+b") as f:
            f.seek(5000)
            byte = f.read(1)[0]
            f.seek(5000)
            f.write(bytes([byte ^ 16]))
        refuse(node, copy, pids, "a bit of an index flipped")
        # Two backups mixed, each file sound by itself.
        add(node, 50)
        other = backup(node)
        mixed = copy_of(folder, "mixed")
        shutil.copy(other + "/db/assertions.kv", mixed + "/db/assertions.kv")
        refuse(node, mixed, pids, "files of two backups")
        # A metadata of another form, covered up by a manifest that fits.
        strange = copy_of(folder, "strange")
        data = metadata(strange)
        data["version"] = "9.9.9"
        with open(strange + "/metadata.json", "w") as f:
            json.dump(data, f)
        make_manifest(strange)
        refuse(node, strange, pids, "another version")


@tap.case("what cannot be proven equal to its metadata is not served: all is renamed back, and the node serves again")
def _():
    with Instance() as node:
        add(node, 400)
        folder = backup(node)
        add(node, 100)
        before = snapshot(node)
        files = sorted(os.listdir(node.path("data")))
        forged = copy_of(folder, "forged")
        data = metadata(forged)
        data["history_root"] = "0" * 64
        with open(forged + "/metadata.json", "w") as f:
            json.dump(data, f)
        make_manifest(forged)
        lines, said = restore(node, forged, status=1)
        tap.equal(stamped(lines), LINES[:6])
        tap.contains(said, "what was there before is there again")
        tap.equal(snapshot(node), before)
        tap.equal(sorted(os.listdir(node.path("data"))), files)


@tap.case("killed, a restore is repeated or undone by the script; a start tells of it")  # tests/ops/test_restore.c: everywhere
def _():
    with Instance() as node:
        add(node, 200)
        folder = backup(node)
        add(node, 100)
        before = snapshot(node)
        tool = os.path.join(os.environ.get("BUILD", "."), "src", "stemedb")
        node.stop()

        def kill(point):
            run = subprocess.run([tool, "restore", "files", folder, "--home", node.home], stdin=subprocess.DEVNULL,
                                 env=dict(node.env, STEMEDB_FAULTS=point), capture_output=True, text=True, timeout=60)
            tap.equal(run.returncode, -signal.SIGKILL, f"{point}: {run.stderr}")
            with open(node.path("data", "RESTORE")) as f:
                tap.contains(f.read(), "restore-stemedb.sh")

        kill("ops.restore.before_proof=kill")
        tap.contains(node.start(status=3), "a restore was interrupted")
        run = run_script(node, "restore-stemedb.sh", "--undo")
        tap.equal((run.returncode, run.stdout), (0, ""), run.stderr)
        node.start()
        tap.equal(snapshot(node), before)
        node.stop()
        kill("ops.restore.before_move=kill@3")
        lines, said = restore(node, folder)
        tap.equal([line for line in stamped(lines) if "Renaming" not in line], [LINES[0]] + LINES[3:])
        tap.equal(snapshot(node), of_metadata(folder))
        tap.ok(not os.path.exists(node.path("data", "RESTORE")))


@tap.case("a node that does not start with what was restored gets back what it had")
def _():
    with Instance() as node:
        add(node, 200)
        folder = backup(node)
        add(node, 100)
        before = snapshot(node)
        node.stop()
        files = sorted(os.listdir(node.path("data")))
        with socket.create_server(("127.0.0.1", node.api_port)):  # nginx cannot listen
            lines, said = restore(node, folder, status=1)
            tap.equal(stamped(lines), LINES[:7])
            tap.contains(said, "All is as it was before")
        left = [n for n in sorted(os.listdir(node.path("data"))) if ".restored." not in n]
        tap.equal(left, files)
        node.start()
        tap.equal(snapshot(node), before)


tap.run()
