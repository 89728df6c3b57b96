#!/usr/bin/env python3
"""Archiving to S3: a real S3 server on loopback (s3rver), reached by rclone. The log arrives there, the server's death holds
up no write, and what is there is proven and gives back what was acknowledged."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "node"))
from backups import backup, restore  # noqa: E402
from harness import TOOL, Instance, tap  # noqa: E402

SERVER = os.path.join(HERE, "node_modules", "s3rver", "bin", "s3rver.js")
# Debian's rclone cannot reach S3 at all where this is set.
os.environ.pop("AWS_CA_BUNDLE", None)
scratch = tempfile.mkdtemp(prefix="stemedb-s3-")
server = node = None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


port = free_port()


def start_server():
    global server
    server = subprocess.Popen(["node", SERVER, "--silent", "-d", os.path.join(scratch, "s3"), "-a", "127.0.0.1", "-p",
                               str(port), "--configure-bucket", "logs"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)

    def listens():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    tap.wait_for(listens, "S3 server", 20, 0.05)


def stop_server():
    server.kill()
    server.wait()


def verify():
    return subprocess.run([TOOL, "archive", "verify", "--home", node.home], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)


def wait_archived():
    node.metric("stemedb_wal_archive_lag_seconds")
    last = node.health()["last_seq"]
    tap.wait_for(lambda: f"entries: 1 to {last}\n" in verify().stdout, "everything archived", 40, 0.5)


@tap.case("the log arrives in S3 and is proven from there")
def _():
    global node
    if not os.path.exists(SERVER) or not shutil.which("rclone"):
        raise tap.Skip("s3rver or rclone is not installed")
    start_server()
    node = Instance({"archive_target": "rclone:remote:logs/of/stemedb", "archive_interval": 2, "wal_file_bytes": "4M"},
                    start=False)
    with open(node.path("rclone.conf"), "w") as f:
        f.write("[remote]\ntype = s3\nprovider = Other\naccess_key_id = S3RVER\nsecret_access_key = S3RVER\n"
                f"endpoint = http://127.0.0.1:{port}\nforce_path_style = true\n")
    os.chmod(node.path("rclone.conf"), 0o644)
    node.start()
    lines = [{"concept_path": f"fill/{i}", "predicate": "p", "value": "x" * 1000} for i in range(5000)]
    tap.equal(node.import_lines(lines).status, 200)
    wait_archived()
    done = verify()
    tap.equal(done.returncode, 0, f"exit status of verify ({done.stdout})")
    tap.contains(done.stdout, f"history_root: {node.health()['history_root']}\nwhole\n")


@tap.case("a server that is gone holds up no write, and is caught up with")
def _():
    if not node:
        raise tap.Skip("there is no S3 server")
    stop_server()
    before = node.metric("stemedb_wal_archive_failures_total")
    node.assert_one("gone/write", 1)
    tap.wait_for(lambda: node.metric("stemedb_wal_archive_failures_total") > before, "a failure", 40, 0.1)
    tap.equal(verify().returncode, 3)
    node.assert_one("gone/write", 2)
    start_server()
    wait_archived()


@tap.case("backup and S3 give back what was acknowledged after the backup")
def _():
    if not node:
        raise tap.Skip("there is no S3 server")
    base = backup(node, "--no-indexes")
    node.assert_one("after/backup", 1)
    root = node.health()["history_root"]
    wait_archived()
    restore(node, "--from-archive", "rclone:remote:logs/of/stemedb", base)
    tap.equal(node.health()["history_root"], root)


def finish():
    if node:
        node.close()
    if server:
        stop_server()
    shutil.rmtree(scratch, ignore_errors=True)


tap.run(finish)
