#!/usr/bin/env python3
"""archive_mode=sync: nothing is acknowledged that is not archived; while the archive cannot be written, writes are refused and
reads go on; and backup and archive give back everything that was acknowledged."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading

import archives
from backups import backup, restore
from harness import TOOL, Instance, tap

scratch = tempfile.mkdtemp(prefix="stemedb-archive-")
target = os.path.join(scratch, "target")
os.mkdir(target)
small = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", target], stderr=subprocess.DEVNULL).returncode == 0
node = Instance({"archive_target": target, "archive_mode": "sync", "wal_file_bytes": "4M", "checkpoint_bytes": "2M"})


def fill_target():
    if not small:
        raise tap.Skip("a small disk needs root")
    with open(os.path.join(target, ".new-fill"), "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(1 << 16))
        except OSError:
            pass


def write(value, key=None):
    return node.post("/v1/assert", {"concept_path": "full/one", "predicate": "p", "value": value},
                     headers={"Idempotency-Key": key} if key else None)


def until_refused(tag):
    """Writes until the archive's last page is full; returns the first answer that is no 201, and how many were."""
    for i in range(200):
        answer = write("y" * 2000, f"{tag}-{i}")
        if answer.status != 201:
            return answer, i
    raise AssertionError("nothing is refused")


def values():
    return len(node.post("/v1/query", {"concept_path": "full/one", "lens": "timeline", "limit": 1000}).json["assertions"])


@tap.case("what is acknowledged is archived")
def _():
    node.assert_one("a/b", 1)
    folder, = archives.folders(target)
    wal = node.path("data", "wal")
    newest = max(name for name in os.listdir(wal) if name.startswith("log."))
    with open(os.path.join(folder, newest + ".live"), "rb") as f, open(os.path.join(wal, newest), "rb") as log:
        data = f.read()
        tap.ok(data == log.read(len(data)))
        tap.ok(not log.read().strip(b"\0"), "nothing follows that is not archived")


@tap.case("finished log files become objects that prove themselves")
def _():
    lines = [{"concept_path": f"fill/{i}", "predicate": "p", "value": "x" * 1000} for i in range(5000)]
    tap.equal(node.import_lines(lines).status, 200)
    folder, = archives.folders(target)
    tap.wait_for(lambda: len([n for n in os.listdir(folder) if n.endswith(".live")]) == 1, "one live file", 20, 0.05)
    tap.ok(len(archives.proven(folder)) >= 2)


@tap.case("while the archive is full, writes are refused, reads go on, and nothing is lost or doubled")
def _():
    fill_target()
    committer = node.pids("committer")
    last = node.health()["last_seq"]
    first, stored = until_refused("key")
    tap.equal(first.status, 503)
    tap.contains(first.json["detail"], "outcome unknown")
    tap.ok("retry-after" in first.headers)
    second = write("refused")
    tap.equal(second.status, 503)
    tap.contains(second.json["detail"], "the archive cannot be written")
    tap.equal(node.import_lines([{"concept_path": "full/two", "predicate": "p", "value": 1}]).status, 503)
    health = node.health()
    tap.equal((health["writable"], health["last_seq"], node.metric("stemedb_writable")), (False, last + stored, 0))
    tap.equal(values(), stored)
    os.unlink(os.path.join(target, ".new-fill"))
    tap.wait_for(lambda: node.health()["writable"], "writes accepted again", 10, 0.05)
    tap.equal(write("y" * 2000, f"key-{stored}").status, 200)
    tap.equal(write("another").status, 201)
    tap.equal(values(), stored + 2)
    tap.equal(node.pids("committer"), committer)
    tap.equal(node.log().count("Writes are refused: the archive"), 1)


@tap.case("a node that is killed while the archive is full comes back, serves reads, and writes when there is room")
def _():
    fill_target()
    stored = values()
    tap.equal(until_refused("other")[0].status, 503)
    os.kill(node.pids("committer")[0], signal.SIGKILL)
    tap.wait_for(lambda: "are back after" in node.log(), "a restart", 20)
    node.wait_ready()
    tap.ok(values() >= stored)
    tap.equal(write("refused").status, 503)
    os.unlink(os.path.join(target, ".new-fill"))
    tap.wait_for(lambda: node.health()["writable"], "writes accepted again", 10, 0.05)
    tap.equal(write("another").status, 201)


@tap.case("kill -9 of everything and the loss of data/: backup and archive give back all that was acknowledged")
def _():
    base = backup(node, "--no-indexes")
    acked, stop = [], threading.Event()

    def writer(name):
        while not stop.is_set():
            try:
                answer = node.post("/v1/assert", {"concept_path": f"rpo/{name}", "predicate": "p", "value": "v" * 500})
            except OSError:
                return
            if answer.status == 201:
                acked.append(answer.json["id"])

    writers = [threading.Thread(target=writer, args=(i,)) for i in range(4)]
    for thread in writers:
        thread.start()
    tap.wait_for(lambda: len(acked) > 300, "writes", 20)
    archives.kill_all(node)
    stop.set()
    for thread in writers:
        thread.join()
    shutil.rmtree(node.path("data"))
    restore(node, base, "--from-archive", target)
    node.stop()
    dump = subprocess.run([TOOL, "dump", node.home], stdout=subprocess.PIPE, check=True).stdout
    there = {json.loads(line).get("id") for line in dump.splitlines()}
    print(f"# {len(acked)} acknowledged")
    tap.equal([one for one in acked if one not in there], [])


def finish():
    node.close()
    if small:
        subprocess.run(["umount", "-l", target], check=False)
    shutil.rmtree(scratch, ignore_errors=True)


tap.run(finish)
