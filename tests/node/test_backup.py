#!/usr/bin/env python3
"""Backups: beside the node and without it, under load, killed, on a full disk, twice at once."""
import os
import re
import shutil
import signal
import stat
import subprocess
import threading
import time

from backups import add, backup, backups, metadata, of_metadata, restore, root_at, run_script, snapshot, wait_failures
from harness import Instance, alive, tap

HOTBACKUP = shutil.which("db5.3_hotbackup")


def tool_wrapper(node, script):
    """Puts a script in the place of db_hotbackup, for the node and the scripts; $REAL is the tool."""
    folder = node.path("bin")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "db5.3_hotbackup")
    with open(path + ".new", "w") as f:
        f.write(f"#!/bin/sh\nREAL={HOTBACKUP}\nHOME_DIR={node.home}\n{script}\n")
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)


def wrapped(**more):
    node = Instance(start=False, **more)
    node.env["PATH"] = node.path("bin") + ":" + node.env["PATH"]
    tool_wrapper(node, 'exec "$REAL" "$@"')
    node.start()
    return node


def verified(folder):
    run = subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "MANIFEST.sha256"], cwd=folder,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tap.equal((run.returncode, run.stdout), (0, ""), folder)


@tap.case("a backup beside the node has the runbook's layout, is read-only, and holds what its metadata tells")
def _():
    with Instance() as node:
        add(node, 3000)
        before = snapshot(node)
        started = time.time()
        folder = backup(node)
        tap.ok(re.fullmatch(r"stemedb-backup-\d{8}-\d{6}", os.path.basename(folder)))
        tap.equal(sorted(os.listdir(folder)), ["MANIFEST.sha256", "db", "metadata.json", "wal"])
        tap.equal(sorted(os.listdir(folder + "/db")), ["acked.mark", "assertions.kv", "indexes"])
        tap.ok("concept.kv" in os.listdir(folder + "/db/indexes"))
        data = metadata(folder)
        tap.equal(list(data)[:5], ["version", "timestamp", "assertion_count", "wal_segment_count", "backup_type"])
        tap.equal((data["version"], data["backup_type"]), ("0.1.0", "full"))
        tap.equal(data["wal_segment_count"], len(os.listdir(folder + "/wal")))
        tap.ok(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", data["timestamp"]))
        tap.equal(of_metadata(folder), before)
        verified(folder)
        for top, folders, files in os.walk(folder):
            tap.equal({stat.S_IMODE(os.stat(os.path.join(top, f)).st_mode) for f in files} - {0o440}, set())
            tap.equal({stat.S_IMODE(os.stat(os.path.join(top, f)).st_mode) for f in folders} - {0o750}, set())
        tap.equal(os.readlink(node.path("backups", "latest")), os.path.basename(folder))
        tap.equal([n for n in os.listdir(node.path("backups")) if n.startswith(".") and n != ".lock"], [])
        tap.wait_for(lambda: started - 2 < node.metric("stemedb_last_backup_timestamp_seconds"), "the metric's time")
        tap.equal(node.metric("stemedb_backup_failures_total"), 0)
        tap.equal(snapshot(node), before)
        listed = node.get("/v1/backups").json
        tap.equal((listed["last_backup"], listed["failures"]), (data["timestamp"], 0))
        tap.equal(listed["backups"], [{"name": os.path.basename(folder), "metadata": data, "verified": True}])
        os.makedirs(node.path("backups", "stemedb-backup-29990101-000000"))
        with open(node.path("backups", "stemedb-backup-29990101-000000", "metadata.json"), "w") as f:
            f.write('{"a": 1, "a": 2}')
        tap.equal(node.get("/v1/backups").json["backups"][0],
                  {"name": "stemedb-backup-29990101-000000", "metadata": None, "verified": False})


@tap.case("of a stopped node the script makes the backup itself, after kill -9 of the node too")
def _():
    with Instance() as node:
        add(node, 2000)
        before = snapshot(node)
        for pid in node.pids("supervisor"):
            os.kill(pid, signal.SIGKILL)
        tap.wait_for(lambda: not any(alive(p) for p in node.pids() if p not in node.pids("nginx")), "end of the node")
        killed = backup(node, "--verify")
        tap.equal(of_metadata(killed), before)
        tap.equal(metadata(killed)["indexes"], True)
        node.start()
        tap.equal(snapshot(node), before)
        node.stop()
        bare = backup(node, "--no-indexes", "--verify")
        tap.equal(of_metadata(bare), before)
        tap.equal((metadata(bare)["indexes"], os.path.exists(bare + "/db/indexes")), (False, False))
        lines, _ = restore(node, bare)
        tap.equal(snapshot(node), before)
        tap.contains(node.log(), "Rebuilding indexes...")


@tap.case("of a damaged history no backup is made, and that counts")
def _():
    with Instance() as node:
        add(node, 500)
        node.stop()
        with open(node.path("data", "db", "assertions.kv"), "r+b") as f:
            f.seek(4096 * 3 + 99)
            f.write(b"\xee\xdd")
        tap.contains(backup(node, status=3), "assertions.kv")
        tap.equal(backups(node), [])
        with open(node.path("data", "backup.status")) as f:
            tap.contains(f.read(), "failures 1\n")


@tap.case("an incremental backup shares files with the one before, and stands alone when that is gone")
def _():
    with Instance() as node:
        add(node, 500)
        full = backup(node)
        same = backup(node, "--incremental")
        tap.equal((metadata(full)["backup_type"], metadata(same)["backup_type"]), ("full", "incremental"))
        shared = [name for name in ("db/assertions.kv", "db/indexes/concept.kv")
                  if os.stat(os.path.join(full, name)).st_ino == os.stat(os.path.join(same, name)).st_ino]
        tap.equal(shared, ["db/assertions.kv", "db/indexes/concept.kv"])
        # One whose file is damaged is not built upon.
        path = os.path.join(same, "db/assertions.kv")
        with open(path, "rb") as f:
            bytes_ = bytearray(f.read())
        bytes_[5000] ^= 1
        os.chmod(path, 0o640)
        with open(path, "wb") as f:
            f.write(bytes_)
        third = backup(node, "--incremental", "--verify")
        tap.ok(os.stat(path).st_ino != os.stat(third + "/db/assertions.kv").st_ino)
        shutil.rmtree(full)
        shutil.rmtree(same)
        verified(third)
        restore(node, third)
        tap.equal(snapshot(node), of_metadata(third))


@tap.case("--retain-days removes what is older, and never the newest")
def _():
    with Instance() as node:
        add(node, 10)
        old = node.path("backups", "stemedb-backup-20200101-020000")
        os.makedirs(old + "/db")
        mine = node.path("backups", "stemedb-backup-before-upgrade")
        os.makedirs(mine)
        first = backup(node)
        tap.ok(os.path.exists(old))
        second = backup(node, "--retain-days", "7")
        tap.equal([os.path.exists(p) for p in (old, mine, first, second)], [False, True, True, True])
        tap.equal(run_script(node, "backup-stemedb.sh", "--retain-days", "0").returncode, 2)


@tap.case("backups while 4 writers write are consistent: each one's root is the history's at its seq")
def _():
    with Instance(options={"wal_file_bytes": "4M", "checkpoint_bytes": "1M", "history_cache_bytes": "1M"}) as node:
        stop = threading.Event()
        failures = []

        def write(me):
            n = 0
            while not stop.is_set():
                lines = [{"concept_path": f"w{me}/{n + i}", "predicate": "p", "value": "y" * 600} for i in range(50)]
                try:
                    if node.import_lines(lines).json["accepted"] != 50:
                        failures.append("refused")
                except Exception as problem:  # noqa: BLE001
                    failures.append(repr(problem))
                    return
                n += 50

        writers = [threading.Thread(target=write, args=(i,)) for i in range(4)]
        for writer in writers:
            writer.start()
        try:
            made = []
            for _ in range(int(os.environ.get("STEMEDB_BACKUPS", "3"))):
                low = node.health()["last_seq"]
                made.append((low, backup(node), node.health()["last_seq"]))
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        tap.equal(failures, [])
        for low, folder, high in made:
            data = metadata(folder)
            tap.ok(low <= data["last_seq"] <= high, f"{low} <= {data['last_seq']} <= {high}")
            tap.equal(data["history_root"], root_at(node, data["last_seq"]))
            verified(folder)
        restore(node, made[-1][1])
        tap.equal(snapshot(node), of_metadata(made[-1][1]))


@tap.case("db_hotbackup killed in mid-file: the node recovers and goes on, the next backup succeeds")
def _():
    with wrapped() as node:
        add(node, 4000)
        before = snapshot(node)
        # While it copies a file, a range of its pages is closed to whoever would write them.
        tool_wrapper(node, 'case $* in *-D*) exec strace -qq -o /dev/null -e trace=write,pwrite64 '
                           '-e inject=write,pwrite64:signal=KILL:when=3 "$REAL" "$@" ;; *) exec "$REAL" "$@" ;; esac')
        tap.contains(backup(node, status=1), "died: signal 9")
        wait_failures(node, 1)
        node.wait_ready()
        tap.equal(snapshot(node), before)
        tap.equal(len(backups(node)), 0)
        tap.ok(node.metric('stemedb_process_restarts_total{role="backup",cause="signal"}') == 1)
        add(node, 500)
        tool_wrapper(node, 'exec "$REAL" "$@"')
        tap.equal(of_metadata(backup(node, "--verify")), snapshot(node))
        wait_failures(node, 0)
        tap.equal([n for n in os.listdir(node.path("backups")) if re.match(r"\.(partial|failed)", n)], [])
        node.stop()


@tap.case("the script killed: the node finishes its copy, the failure counts, the next backup succeeds")
def _():
    with wrapped() as node:
        add(node, 100)
        tool_wrapper(node, f'touch "$HOME_DIR/copying"; until [ -e "$HOME_DIR/go" ]; do sleep 0.05; done; exec "$REAL" "$@"')
        script = subprocess.Popen([os.path.join(os.path.dirname(__file__), "..", "..", "scripts", "backup-stemedb.sh"),
                                   "--home", node.home], env=node.env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        tap.wait_for(lambda: os.path.exists(node.path("copying")), "the copy")
        tap.contains(backup(node, status=1), "another backup is being made")
        tap.equal(node.metric("stemedb_backup_failures_total"), 0)
        script.kill()
        script.wait()
        wait_failures(node, 1)
        with open(node.path("go"), "w"):
            pass
        tap.equal(of_metadata(backup(node)), snapshot(node))
        wait_failures(node, 0)


@tap.case("the node stopped in mid-copy ends in time, and the backup fails")
def _():
    with wrapped() as node:
        add(node, 100)
        tool_wrapper(node, 'touch "$HOME_DIR/copying"; exec sleep 60')
        script = subprocess.Popen([os.path.join(os.path.dirname(__file__), "..", "..", "scripts", "backup-stemedb.sh"),
                                   "--home", node.home], env=node.env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        tap.wait_for(lambda: os.path.exists(node.path("copying")), "the copy")
        pids = node.pids("backup")
        tap.equal(len(pids), 1)
        begun = time.monotonic()
        node.stop()
        tap.ok(time.monotonic() - begun < 45)
        _, said = script.communicate(timeout=20)
        tap.equal(script.returncode, 1, said)
        tap.wait_for(lambda: not alive(pids[0]), "end of the tool")
        tool_wrapper(node, 'exec "$REAL" "$@"')
        node.start()
        tap.equal(of_metadata(backup(node)), snapshot(node))


@tap.case("too little space: refused before it begins; full in mid-copy: it fails, and the next one succeeds")
def _():
    with wrapped(options={"min_free_bytes": "1M", "wal_file_bytes": "4M"}) as node:
        disk = node.path("backups")
        os.makedirs(disk, exist_ok=True)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64M", "none", disk],
                                               stderr=subprocess.DEVNULL).returncode != 0:
            raise tap.Skip("a small disk needs root")
        try:
            add(node, 4000)
            tool_wrapper(node, 'case $* in *-D*) head -c 70000000 /dev/zero >"$HOME_DIR/backups/fill" 2>/dev/null ;; esac\n'
                               'exec "$REAL" "$@"')
            tap.contains(backup(node, status=1), "db_hotbackup ended: status 1")
            wait_failures(node, 1)
            add(node, 200)
            # A range of pages that was left closed would make the checkpoint of a clean stop wait for ever.
            begun = time.monotonic()
            node.stop()
            tap.ok(time.monotonic() - begun < 45)
            node.start()
            with open(os.path.join(disk, "fill"), "ab") as f:
                try:
                    f.write(bytes(64 << 20))
                except OSError:
                    pass
            tap.contains(backup(node, status=1), "bytes free")
            wait_failures(node, 2)
            os.unlink(os.path.join(disk, "fill"))
            tool_wrapper(node, 'exec "$REAL" "$@"')
            tap.equal(of_metadata(backup(node)), snapshot(node))
            wait_failures(node, 0)
            node.stop()
        finally:
            subprocess.run(["umount", "-l", disk])


tap.run()
