#!/usr/bin/env python3
"""Restores to a moment by the script, as operators call it: backup and archive, refusals, killed on the way."""
import json
import os
import shutil
import signal
import subprocess
import tempfile

import archives
from backups import LINES, backup, metadata, restore, run_script, snapshot
from harness import TOOL, Instance, tap

scratch = tempfile.mkdtemp(prefix="stemedb-moment-")
target = os.path.join(scratch, "target")
os.mkdir(target)
node = Instance({"archive_target": target, "archive_interval": 1, "wal_file_bytes": "4M"})
roots = {}


def fill(count):
    """One batch; notes the root that is published at some seqs."""
    lines = [{"concept_path": f"m/{n % 5}", "predicate": "p", "value": f"{n} " + "x" * 300} for n in range(count)]
    tap.equal(node.import_lines(lines).json["accepted"], count)
    last = node.health()["last_seq"]
    for seq in last, last - count // 2, last - count + 1:
        answer = node.get(f"/v1/history?seq={seq}").json
        roots[seq] = {"assertion_count": answer["assertion_count"], "last_seq": seq, "history_root": answer["history_root"]}
    return last


def wait_archived():
    last = node.health()["last_seq"]

    def reached():
        for folder in archives.folders(target):
            try:
                with open(os.path.join(folder, "head.json")) as f:
                    if json.load(f)["last_seq"] >= last:
                        return True
            except FileNotFoundError:
                pass
        return False
    tap.wait_for(reached, "everything archived", 20, 0.05)


def restorable(*arguments):
    run = subprocess.run([TOOL, "restorable", "--home", node.home, "--json", *arguments], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, timeout=60)
    return run.returncode, json.loads(run.stdout)


def plain(lines):
    return [line[:-len("20260101-000000")] + "STAMP" if "Renaming" in line else line for line in lines]


first = fill(200)
tap.equal(node.post("/v1/retract", {"concept_path": "m/3", "reason": "r"}).status, 200)
folder = backup(node)
second = fill(300)
last = fill(100)
wait_archived()
history = node.health()["history"]


@tap.case("restorable tells the window, and --dry-run what would be restored")
def _():
    status, told = restorable()
    window = told["windows"][0]
    tap.equal((status, len(told["windows"]), window["history"], window["backup"], window["backup_seq"]),
              (0, 1, history, os.path.basename(folder), metadata(folder)["last_seq"]))
    tap.equal((window["oldest"]["seq"], window["newest"]["seq"], window["broken"]), (1, last, False))
    tap.equal(window["newest"]["timestamp"], node.get(f"/v1/history?seq={last}").json["timestamp"])
    if shutil.which("rclone"):
        window["not_further"] = f"rclone:{target} ends there"
        tap.equal(restorable("--archive", f"rclone:{target}"), (status, told))
        tap.equal([name for name in os.listdir(node.path("run")) if name.startswith("restore-logs")], [])
    status, told = restorable("--archive", scratch)
    tap.equal(status, 4)
    tap.equal(told["windows"][0]["newest"]["seq"], metadata(folder)["last_seq"])
    middle = second - 150
    lines, said = restore(node, "--dry-run", f"--to-seq={middle}", "--from-archive", target, folder)
    tap.equal(lines, [])
    tap.contains(said, f"The last entry to be restored is {middle}")
    tap.contains(said, roots[middle]["history_root"])
    tap.equal(node.health()["last_seq"], last)


@tap.case("a moment that is not there, an archive of another history or with a gap: refused, nothing touched")
def _():
    other, gap = os.path.join(scratch, "other"), os.path.join(scratch, "gap")
    shutil.copytree(target, other)
    os.rename(os.path.join(other, history.split(".")[0]), os.path.join(other, "0" * 32))
    shutil.copytree(target, gap)
    newest = sorted(archives.proven(archives.folders(gap)[-1]).items())[-1][1]
    with open(newest, "r+b") as f:
        f.seek(-200, os.SEEK_END)
        f.write(b"\x01")
    pids = node.pids("committer")
    for arguments, words in ((["--to-seq", str(last + 1), "--from-archive", target], f"reach to entry {last}"),
                             (["--to-seq", str(first + 10)], "no archive is named"),
                             (["--to-time", "2001-01-01T00:00:00Z"], "no entry as old as that"),
                             (["--from-archive", other], "nothing of the backup's history"),
                             (["--from-archive", gap], "not what its name says"),
                             (["--timeline", "9", "--from-archive", target], "timeline 9 is not known here"),
                             (["--from-archive", os.path.join(scratch, "nowhere")], "nowhere")):
        run = run_script(node, "restore-stemedb.sh", *arguments, folder)
        tap.equal((run.returncode, run.stdout), (3, ""), f"{arguments}: {run.stderr}")
        tap.contains(run.stderr, words)
        tap.contains(run.stderr, "Nothing was changed")
    tap.equal((node.pids("committer"), [n for n in os.listdir(node.path("data")) if ".backup." in n]), (pids, []))
    tap.equal(restorable("--archive", gap)[0], 4)


@tap.case("killed in the middle, what was there before is there again")
def _():
    before = snapshot(node)
    for point, to_seq in (("ops.restore.before_append=kill", second), ("store.history.truncating=kill", 50),
                          ("ops.restore.before_timeline=kill", second), ("ops.restore.before_move=kill@3", 50)):
        node.stop()
        run = subprocess.run([TOOL, "restore", "files", "--to-seq", str(to_seq), "--from-archive", target, folder, "--home",
                              node.home], stdin=subprocess.DEVNULL, env=dict(node.env, STEMEDB_FAULTS=point),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        tap.equal(run.returncode, -signal.SIGKILL, f"{point}: {run.stderr}")
        run = run_script(node, "restore-stemedb.sh", "--undo")
        tap.equal((run.returncode, run.stdout), (0, ""), run.stderr)
        node.start()
        tap.equal(snapshot(node), before, point)


@tap.case("--to-seq inside of a batch, beyond the backup: exactly that, its root the one that was published")
def _():
    middle = second - 150
    lines, said = restore(node, "--to-seq", str(middle), "--from-archive", target, folder)
    tap.equal(plain(lines), LINES)
    tap.equal(snapshot(node), roots[middle])
    tap.equal(node.health()["history"].split(".")[1].split("-")[0], "2")
    answer = node.get(f"/v1/assertions?after_seq={last}&history={history}")
    tap.equal((answer.status, answer.json["branched_at_seq"]), (409, middle))
    tap.equal(len(node.get("/v1/query?concept_path=m/3").json["assertions"]) > 0, True)
    fill(20)
    wait_archived()
    # The end that was left behind is still in the archive.
    restore(node, "--from-archive", target, "--timeline", "1", folder)
    tap.equal(snapshot(node), roots[last])
    tap.equal(node.health()["history"].split(".")[1].split("-")[0], "3")


@tap.case("--to-time below the backup's own end says which entry it took")
def _():
    time = node.get(f"/v1/history?seq={first - 100}").json["timestamp"]
    lines, said = restore(node, "--to-time", time, folder)
    tap.contains(said, f"The last entry to be restored is {first - 100}, of {time}")
    tap.equal(snapshot(node), roots[first - 100])
    tap.equal(node.import_lines([{"concept_path": "m/1", "predicate": "p", "value": 1}]).json["accepted"], 1)
    run = subprocess.run([TOOL, "verify", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tap.equal(run.returncode, 0, run.stdout)
    node.stop()
    run = subprocess.run([TOOL, "verify", node.home], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tap.equal(run.returncode, 0, run.stdout)
    node.start()


@tap.case("new-timeline gives a copy a timeline of its own, and refuses while its node runs")
def _():
    def call():
        return subprocess.run([TOOL, "new-timeline", node.home], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60)
    before = node.health()
    run = call()
    tap.equal(run.returncode, 1, run.stderr)
    node.stop()
    run = call()
    tap.equal(run.returncode, 0, run.stderr)
    node.start()
    now = node.health()
    tap.contains(run.stderr, now["history"])
    tap.equal((now["last_seq"], now["history_root"]), (before["last_seq"], before["history_root"]))
    number = int(before["history"].split(".")[1].split("-")[0])
    tap.equal(int(now["history"].split(".")[1].split("-")[0]), number + 1)


def finish():
    node.close()
    shutil.rmtree(scratch, ignore_errors=True)


tap.run(finish)
