#!/usr/bin/env python3
"""Continuous archiving: the log arrives in the archive while it is written, whatever becomes of the target, the archiver or
the node; and backup and archive together give back what was acknowledged."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading

import archives
from backups import backup, metadata, restore
from harness import TOOL, Instance, tap

INTERVAL = 2
scratch = tempfile.mkdtemp(prefix="stemedb-archive-")
target = os.path.join(scratch, "target")
os.mkdir(target)
node = Instance({"archive_target": target, "archive_interval": INTERVAL, "wal_file_bytes": "4M",
                 "checkpoint_bytes": "2M"})


def fill(count, concept="fill"):
    lines = [{"concept_path": f"{concept}/{i}", "predicate": "p", "value": "x" * 1000} for i in range(count)]
    answer = node.import_lines(lines)
    tap.equal(answer.status, 200, f"status of {answer}")
    return answer.json["last_seq"]


def head_seq():
    folder = archives.folders(target)[-1]
    with open(os.path.join(folder, "head.json")) as f:
        return json.load(f)["last_seq"]


def wait_archived(seconds=20):
    last = node.health()["last_seq"]
    tap.wait_for(lambda: archives.folders(target) and head_seq() >= last, "everything archived", seconds, 0.05)
    tap.wait_for(lambda: node.metric("stemedb_wal_archive_lag_seconds") == 0, "no lag", 5, 0.05)


def verify(path):
    run = subprocess.run([TOOL, "verify", "--json", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return run.returncode, run.stdout


@tap.case("the log arrives while it is written")
def _():
    fill(6000)
    wait_archived()
    folder, = archives.folders(target)
    objects = archives.proven(folder)
    tap.ok(len(objects) >= 2, f"several log files: {objects}")
    health = node.health()
    with open(os.path.join(folder, "head.json")) as f:
        head = json.load(f)
    tap.equal(head["last_seq"], health["last_seq"])
    tap.ok(folder.split("/")[-2] == health["history"].split(".")[0], f"the history's folder: {folder}")
    for number, path in objects.items():
        with open(path, "rb") as f, open(node.path("data", "wal", f"log.{number:010d}"), "rb") as log:
            data = f.read()
            tap.ok(log.read(len(data)) == data, f"{path} is a beginning of the log file")
    tap.ok(node.metric("stemedb_wal_archived_bytes_total") > 0, "bytes are counted")


@tap.case("an archive is proven by the tool, and a flipped byte is found with its file")
def _():
    folder, = archives.folders(target)
    wait_archived()
    for command in (["archive", "verify", target], ["archive", "verify", "--home", node.home], ["verify", target]):
        done = subprocess.run([TOOL, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        tap.equal(done.returncode, 0, f"exit status of {command} ({done.stdout})")
        tap.contains(done.stdout, f"history_root: {node.health()['history_root']}\nwhole\n")
    done = subprocess.run([TOOL, "archive", "status", "--home", node.home], stdout=subprocess.PIPE, text=True)
    tap.equal(done.returncode, 0)
    tap.contains(done.stdout, f"up to seq {node.health()['last_seq']} of ")
    path = archives.proven(folder)[1]
    copy = os.path.join(scratch, "copy")
    shutil.copytree(target, copy)
    path = path.replace(target, copy)
    os.chmod(path, 0o640)
    with open(path, "r+b") as f:
        f.seek(5000)
        byte = f.read(1)
        f.seek(5000)
        f.write(bytes([byte[0] ^ 1]))
    done = subprocess.run([TOOL, "archive", "verify", "--json", copy], stdout=subprocess.PIPE, text=True)
    tap.equal(done.returncode, 1)
    tap.ok(all(finding["file"] == path for finding in json.loads(done.stdout)["findings"]), done.stdout)
    tap.equal(subprocess.run([TOOL, "archive", "verify", scratch + "/none"], stderr=subprocess.DEVNULL).returncode, 3)
    shutil.rmtree(copy)


@tap.case("an archiver that dies is started again, and nobody else")
def _():
    committer, workers, archiver = node.pids("committer"), node.pids("worker"), node.pids("archiver")
    tap.equal(len(archiver), 1)
    os.kill(archiver[0], signal.SIGKILL)
    tap.wait_for(lambda: node.pids("archiver") not in ([], archiver), "another archiver", 20)
    node.assert_one("after/death", 1)
    wait_archived()
    tap.equal(node.pids("committer"), committer)
    tap.equal(node.pids("worker"), workers)


@tap.case("a target that is gone holds up no write, and is caught up with")
def _():
    before = node.metric("stemedb_wal_archive_failures_total")
    os.rename(target, target + ".gone")
    for i in range(20):
        node.assert_one("gone/write", i)
    tap.wait_for(lambda: node.metric("stemedb_wal_archive_failures_total") >= before + 2, "two failures", 20)
    tap.ok(node.metric("stemedb_wal_archive_lag_seconds") > 0, "there is a lag")
    tap.ok(not os.path.exists(target), "no target is made in the place of one that is gone")
    node.assert_one("gone/write", "still")
    os.rename(target + ".gone", target)
    wait_archived()
    tap.equal(node.log().count("Archiving fails"), 1)
    tap.equal(node.log().count("Archiving works again"), 1)


@tap.case("after a stop everything is archived, and a start goes on there")
def _():
    node.assert_one("before/stop", 1)
    last = node.health()["last_seq"]
    node.stop()
    folder, = archives.folders(target)
    with open(os.path.join(folder, "head.json")) as f:
        tap.equal(json.load(f)["last_seq"], last)
    names = set(os.listdir(folder))
    node.start()
    node.assert_one("after/start", 1)
    wait_archived()
    tap.ok(len(names & set(os.listdir(folder))) >= len(names) - 2, "finished files are not archived again")
    archives.proven(folder)


@tap.case("log files that nothing needs are removed, and all goes on without them")
def _():
    def prune(*options):
        done = subprocess.run([TOOL, "wal", "prune", "--home", node.home, *options], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        tap.equal(done.returncode, 0, f"exit status of prune ({done.stdout})")
        return done.stdout

    def files():
        return sorted(name for name in os.listdir(node.path("data", "wal")) if name.startswith("log."))

    for i in range(3):
        fill(4000, f"prune/{i}")
    wait_archived()
    before = files()
    tap.contains(prune("--dry-run"), "would be removed: log files 1 to ")
    tap.equal(files(), before)
    committer = node.pids("committer")
    tap.contains(prune(), "removed: log files 1 to ")
    after = files()
    tap.ok(2 <= len(after) < len(before) and after == before[-len(after):], f"{before} became {after}")
    tap.contains(prune(), "nothing to remove")
    node.assert_one("after/prune", 1)
    tap.equal(node.pids("committer"), committer)
    health = node.health()
    os.kill(committer[0], signal.SIGKILL)
    tap.wait_for(lambda: node.pids("committer") not in ([], committer), "a restart", 20)
    node.wait_ready()
    base = backup(node)
    tap.equal(metadata(base)["history_root"], health["history_root"])
    tap.equal(verify(base)[0], 0)
    node.stop()
    tap.equal(verify(node.home)[0], 0)
    tap.equal(subprocess.run([TOOL, "doctor", node.home], stdout=subprocess.DEVNULL).returncode, 0)
    node.start()
    tap.equal(node.health()["history_root"], health["history_root"])
    wait_archived()
    done = subprocess.run([TOOL, "archive", "verify", target], stdout=subprocess.PIPE, text=True)
    tap.equal(done.returncode, 0, f"exit status of archive verify ({done.stdout})")
    restore(node, base)
    tap.equal(node.health()["history_root"], health["history_root"])
    node.assert_one("after/restore", 1)
    wait_archived()
    tap.equal(len(archives.folders(target)), 2)


@tap.case("kill -9 of everything and the loss of data/: backup and archive give back all but the last seconds")
def _():
    base = backup(node, "--no-indexes")
    acked, stop = [], threading.Event()

    def write(name):
        while not stop.is_set():
            try:
                answer = node.post("/v1/assert", {"concept_path": f"rpo/{name}", "predicate": "p", "value": "v" * 500})
            except OSError:
                return
            if answer.status == 201:
                acked.append((answer.json["seq"], answer.json["timestamp"]))

    writers = [threading.Thread(target=write, args=(i,)) for i in range(3)]
    for writer in writers:
        writer.start()
    first = node.health()["last_seq"]
    tap.wait_for(lambda: head_seq() > first and len(acked) > 50, "some of it archived", 20)
    archives.kill_all(node)
    stop.set()
    for writer in writers:
        writer.join()
    shutil.rmtree(node.path("data"))
    restore(node, base, "--from-archive", target)
    last = node.health()["last_seq"]
    tap.ok(last >= first, "what was written after the backup is there")
    lost = [time for seq, time in sorted(acked) if seq > last]
    newest = max(time for _, time in acked)
    age = seconds(newest) - seconds(min(lost)) if lost else 0
    print(f"# {len(acked)} acknowledged, the youngest {len(lost)} lost, {age:.2f} s")
    tap.ok(age <= INTERVAL, f"{age} s are lost")


def seconds(timestamp):
    hours, minutes, rest = timestamp[11:-1].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def finish():
    node.close()
    shutil.rmtree(scratch, ignore_errors=True)


tap.run(finish)
