#!/usr/bin/env python3
"""Drills: the latest backup restored into a scratch home, proven and measured, while the node goes on; and what becomes of a drill
that fails, is killed, interrupted or late."""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess

from backups import add, backup, metadata, of_metadata, snapshot
from harness import TOOL, Instance, tap

node = Instance()


def start_drill(*options, faults=None):
    env = dict(node.env, **({"STEMEDB_FAULTS": faults} if faults else {}))
    return subprocess.Popen([TOOL, "drill", "--home", node.home, *options], env=env, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def drill(*options, status=0):
    """Runs one; returns its report as JSON, what it printed, and what it said on standard error."""
    process = start_drill(*options)
    out, said = process.communicate(timeout=120)
    tap.equal(process.returncode, status, f"exit status of the drill ({out}\n{said})")
    report = re.search(r"^report: (.*)\.txt$", out, re.M)
    return json.load(open(report.group(1) + ".json")) if report else None, out, said


def wait_metrics(success, begun):
    """The metrics tell of this drill."""
    def told():
        return (node.metric("stemedb_last_drill_success"), int(node.metric("stemedb_last_drill_timestamp_seconds"))) \
            == (success, begun)
    tap.wait_for(told, f"metrics with success {success}")


def unix(timestamp):
    return int(subprocess.run(["date", "-ud", timestamp, "+%s"], stdout=subprocess.PIPE, text=True).stdout)


def processes():
    """Processes that work in a scratch home."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline") as f:
                if node.path("drills", "") in f.read():
                    found.append(int(pid))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def scratch_homes():
    return [n for n in os.listdir(node.path("drills")) if n.startswith(".scratch-")]


def digest_of(folder):
    sums = {}
    for top, _, files in os.walk(folder):
        for name in files:
            with open(os.path.join(top, name), "rb") as f:
                sums[os.path.join(top, name)] = hashlib.sha256(f.read()).hexdigest()
    return sums


@tap.case("a home without a backup fails a drill, in words and with status 3")
def _():
    report, out, said = drill(status=3)
    tap.equal((report["passed"], report["backup"]), (False, None))
    tap.contains(said, "there is no backup in " + node.path("backups"))
    tap.contains(out, "FAILED")
    wait_metrics(0, unix(report["begun"]))


@tap.case("a drill proves the latest backup and measures RTO and RPO, while the node goes on untouched")
def _():
    add(node, 800)
    backup(node)
    add(node, 300)
    folder = backup(node)
    before, there, pids = snapshot(node), digest_of(node.path("backups")), node.pids()
    report, out, _ = drill()
    expected = of_metadata(folder)
    tap.equal({name: report[name] for name in expected}, expected)
    tap.equal((report["passed"], report["backup"], report["failure"]), (True, folder, None))
    # Nothing was written since: nothing would be lost.
    tap.equal(report["rpo_seconds"], 0)
    phases = report["phases"]
    tap.equal(list(phases), [name + "_seconds" for name in ("check", "restore", "start", "prove", "use")])
    tap.ok(abs(sum(phases.values()) - phases["use_seconds"] - report["rto_seconds"]) < 0.01, f"{report}")
    tap.contains(out, f"proven: 1100 assertions, seq 1100, root {expected['history_root']}")
    tap.equal((snapshot(node), digest_of(node.path("backups")), node.pids()), (before, there, pids))
    tap.equal((scratch_homes(), processes()), ([], []))
    wait_metrics(1, unix(report["begun"]))
    tap.equal(round(node.metric("stemedb_last_drill_rto_seconds"), 3), report["rto_seconds"])
    # What was written after the backup would be lost.
    at = node.assert_one("later/entry", 1)["timestamp"]
    report, _, _ = drill("--backups", node.path("backups"))
    tap.equal((report["newest_of_node"], report["newest_restored"]), (at, node.get("/v1/history?seq=1100").json["timestamp"]))
    tap.ok(report["rpo_seconds"] > 0, f"{report}")
    wait_metrics(1, unix(report["begun"]))
    tap.equal(round(node.metric("stemedb_last_drill_rpo_seconds"), 3), report["rpo_seconds"])


@tap.case("what was archived after the backup is restored too, and nothing is lost")
def _():
    node.stop()
    os.mkdir(node.path("archive"))
    node.options.update(archive_target="archive", archive_interval=1)
    node.write_options()
    node.start()
    seq = node.assert_one("later/entry", 2)["seq"]

    def archived():
        for top, _, names in os.walk(node.path("archive")):
            if "head.json" in names:
                with open(os.path.join(top, "head.json")) as f:
                    return json.load(f)["last_seq"] >= seq
    tap.wait_for(archived, f"entry {seq} in the archive")
    report, _, _ = drill()
    tap.equal((report["last_seq"], report["history_root"], report["rpo_seconds"]), (seq, snapshot(node)["history_root"], 0))
    tap.equal(report["archive"], node.path("archive"))
    tap.ok(report["last_seq"] > metadata(report["backup"])["last_seq"])
    shutil.rmtree(node.path("archive"))
    os.mkdir(node.path("archive"))
    node.stop()
    node.options.pop("archive_target")
    node.write_options()
    node.start()


@tap.case("a backup that is damaged fails the drill, also when its manifest was made to fit")
def _():
    shutil.copytree(node.path("backups", "latest"), node.path("elsewhere", "stemedb-backup-20300101-000000"))
    folder = node.path("elsewhere", "stemedb-backup-20300101-000000")
    file = os.path.join(folder, "db", "assertions.kv")
    os.chmod(file, 0o640)
    with open(file, "r+b") as f:
        f.seek(4096 * 3 + 60)
        f.write(b"\xff\x00\xee")
    report, _, said = drill("--backups", node.path("elsewhere"), status=3)
    tap.equal((report["passed"], report["failed_in"], report["rto_seconds"]), (False, "check", None))
    tap.contains(said, "db/assertions.kv is not what was written")
    wait_metrics(0, unix(report["begun"]))
    manifest = os.path.join(folder, "MANIFEST.sha256")
    os.chmod(manifest, 0o640)
    with open(manifest) as f:
        lines = f.read().splitlines()
    with open(manifest, "w") as f:
        for line in lines:
            name = line.split("  ")[1]
            f.write(f"{digest_of(folder)[os.path.join(folder, name)]}  {name}\n")
    report, _, said = drill("--backups", node.path("elsewhere"), status=3)
    tap.equal((report["passed"], report["failed_in"]), (False, "restore"))
    tap.contains(report["failure"], "assertions.kv")
    tap.equal((scratch_homes(), processes()), ([], []))


@tap.case("a drill that is killed leaves nothing running and counts as failed; the next one cleans up, and passes")
def _():
    process = start_drill(faults="ops.drill.started=stop")
    tap.wait_for(lambda: len(processes()) >= 3, "node of the drill")
    begun = scratch_homes()[0].removeprefix(".scratch-")
    other = start_drill()
    _, said = other.communicate(timeout=60)
    tap.equal(other.returncode, 1, said)
    tap.contains(said, "another drill is under way")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    tap.wait_for(lambda: not processes(), "end of all its processes")
    tap.equal(len(scratch_homes()), 1)
    wait_metrics(0, unix(f"{begun[:8]} {begun[9:11]}:{begun[11:13]}:{begun[13:]}"))
    report, _, _ = drill("--keep")
    tap.equal(scratch_homes(), [])
    kept = node.path("drills", re.sub(r"[-:Z]", "", report["begun"]).replace("T", "-"))
    done = subprocess.run([TOOL, "verify", kept], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tap.equal(done.returncode, 0, done.stdout)
    # The drill's own assertion is in it, and not in the home.
    tap.contains(done.stdout, f"entries: 1 to {metadata(report['backup'])['last_seq'] + 1}")
    tap.equal(node.get("/v1/query?concept_path=drill&match=subtree").json["assertions"], [])


@tap.case("a drill that is interrupted or late ends all it began, cleans up and reports")
def _():
    process = start_drill(faults="ops.drill.started=stop")
    tap.wait_for(lambda: len(processes()) >= 3, "node of the drill")
    process.terminate()
    out, said = process.communicate(timeout=30)
    tap.equal(process.returncode, 1, said)
    tap.contains(said, "it was interrupted by a signal")
    tap.contains(out, "FAILED")
    tap.equal((scratch_homes(), processes()), ([], []))
    process = start_drill("--deadline", "1", faults="ops.drill.started=stop")
    out, said = process.communicate(timeout=30)
    tap.equal(process.returncode, 1, said)
    tap.contains(said, "it was not over by its deadline")
    tap.equal((scratch_homes(), processes()), ([], []))


@tap.case("a drill of a stopped home passes; its RPO is measured against the clock")
def _():
    node.stop()
    report, out, _ = drill()
    tap.equal((report["passed"], report["newest_of_node"]), (True, None))
    tap.ok(report["rpo_seconds"] > 0, f"{report}")
    tap.contains(out, "no node runs")


tap.run(finish=node.close)
