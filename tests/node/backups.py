"""Backups and restores of a running Instance, for the tests of them."""
import json
import os
import subprocess

from harness import TOP, tap

LINES = ["Stopping StemeDB API service...",
         "Renaming existing data/wal to data/wal.backup.STAMP",
         "Renaming existing data/db to data/db.backup.STAMP",
         "Copying WAL from backup...",
         "Copying DB from backup...",
         "Copying metadata...",
         "Restore complete. Starting StemeDB API service...",
         "StemeDB API service started successfully."]


def run_script(node, name, *arguments, env=None, timeout=120):
    return subprocess.run([os.path.join(TOP, "scripts", name), "--home", node.home, *arguments],
                          env=dict(node.env, **(env or {})), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=timeout, cwd=node.home)


def backup(node, *options, status=0, **more):
    """Makes a backup; returns its folder, or, if it fails as expected, what it said."""
    run = run_script(node, "backup-stemedb.sh", *options, **more)
    tap.equal(run.returncode, status, f"exit status of the backup ({run.stderr}\n{node.log()[-2000:]})")
    if status:
        return run.stderr
    return run.stdout.split(": ")[1].split(" (")[0]


def restore(node, *arguments, status=0, **more):
    """Restores; returns standard output's lines and standard error."""
    run = run_script(node, "restore-stemedb.sh", *arguments, **more)
    tap.equal(run.returncode, status, f"exit status of the restore ({run.stdout}\n{run.stderr}\n{node.log()[-2000:]})")
    return run.stdout.splitlines(), run.stderr


def metadata(folder):
    with open(os.path.join(folder, "metadata.json")) as f:
        return json.load(f)


def backups(node):
    folder = node.path("backups")
    return sorted(n for n in os.listdir(folder) if n.startswith("stemedb-backup-")) if os.path.isdir(folder) else []


def add(node, count, tag="r"):
    lines = [{"concept_path": f"{tag}/{n % 7}", "predicate": "p", "value": f"{n} " + "x" * 200} for n in range(count)]
    tap.equal(node.import_lines(lines).json["accepted"], count)


def snapshot(node):
    """What must be the same after a restore."""
    health = node.health()
    return {name: health[name] for name in ("assertion_count", "last_seq", "history_root")}


def of_metadata(folder):
    data = metadata(folder)
    return {name: data[name] for name in ("assertion_count", "last_seq", "history_root")}


def root_at(node, seq):
    return node.get(f"/v1/history?seq={seq}").json["history_root"]


def wait_failures(node, count):
    def told():  # a request that is under way while the node restarts is answered 503
        answer = node.get("/metrics")
        tap.ok(answer.status in (200, 503), f"{answer}")
        return f"\nstemedb_backup_failures_total {count}\n".encode() in answer.body
    tap.wait_for(told, f"{count} failed backups in the metrics")
