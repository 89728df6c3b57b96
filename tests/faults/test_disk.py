#!/usr/bin/env python3
"""Disks that fail the node: full, and read-only. The data lies on small file systems in memory, so these cases need root."""
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "node"))
from harness import BUILD, Instance, alive, tap  # noqa: E402

MIB = 1 << 20
SMALL = {"history_cache_bytes": "1M", "projection_cache_bytes": "8M", "wal_file_bytes": "4M", "checkpoint_bytes": "4M",
         "min_free_bytes": "32M", "ballast_bytes": "32M"}


class Small:
    """An instance whose data are on a file system of `size` MiB of their own."""

    def __init__(self, size):
        if os.geteuid() != 0:
            raise tap.Skip("only root can mount")
        self.node = Instance(options=SMALL)
        self.data = self.node.path("data")
        self.node.stop()
        os.rename(self.data, self.data + ".copy")
        os.mkdir(self.data)
        owner = os.stat(self.data + ".copy")
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=750,uid={owner.st_uid},gid={owner.st_gid}", "stemedb-test",
                           self.data]).returncode != 0:
            self.node.close()
            raise tap.Skip("mounting is not allowed here")
        subprocess.run(["cp", "-a", self.data + ".copy/.", self.data], check=True)

    def remount(self, option):
        subprocess.run(["mount", "-o", f"remount,{option}", self.data], check=True)

    def free(self):
        st = os.statvfs(self.data)
        return st.f_bavail * st.f_frsize

    def fill(self):
        """As somebody else would: to the last byte, as fast as can be."""
        with open(os.path.join(self.data, "fill"), "ab", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 65536)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print("\n".join("# " + line[:300] for line in self.node.log().splitlines()[-40:]))
        self.node.script("stop")
        subprocess.run(["umount", "-l", self.data])
        self.node.close()


def post(node, value):
    """Status of an assert, of which nothing but these is allowed."""
    answer = node.post("/v1/assert", {"concept_path": "a", "predicate": "p", "value": value})
    tap.ok(answer.status in (201, 503, 507), f"{answer}")
    tap.ok(answer.status != 503 or "retry-after" in answer.headers, f"{answer}")
    return answer.status


def asked(node):
    answer = node.get("/v1/query?concept_path=load&match=subtree&limit=1000")
    return answer.json["assertions"] if answer.status == 200 else None


@tap.case("a disk that somebody fills in a moment: 507, reads go on, kill -9 too, and writes resume by themselves")
def _():
    with Small(224) as small:
        node = small.node
        node.start()
        ballast = os.path.join(small.data, "ballast")
        tap.wait_for(lambda: os.path.exists(ballast), "ballast")
        tap.equal(os.stat(ballast).st_blocks * 512, 32 * MIB, "reserved bytes")
        for part in range(8):
            lines = [{"concept_path": f"load/{part}/{n}", "predicate": "p", "value": "x" * 500} for n in range(500)]
            tap.equal(node.import_lines(lines).json["accepted"], 500)
        before = asked(node)
        small.fill()
        stored = 4000
        def refused():
            nonlocal stored
            status = post(node, 1)
            stored += status == 201
            return status == 507
        tap.wait_for(refused, "507", step=0.1)
        tap.wait_for(lambda: "the ballast of 33554432 bytes is given back" in node.log(), "ballast given back")
        tap.contains(node.log(), "writes are refused")
        tap.ok(not os.path.exists(ballast))
        tap.wait_for(lambda: asked(node) == before, "what was stored", step=0.1)
        tap.wait_for(lambda: node.get("/v1/health").status == 200, "health")
        tap.equal(node.health()["writable"], False)
        tap.equal(node.metric("stemedb_writable"), 0)

        # Whoever dies now, too, comes back.
        committer = node.pids("committer")[0]
        os.kill(committer, signal.SIGKILL)
        tap.wait_for(lambda: node.pids("committer") not in ([committer], []), "new committer")
        tap.wait_for(lambda: asked(node) == before, "what was stored, after kill -9", step=0.1)
        tap.wait_for(lambda: post(node, 2) == 507, "507 after kill -9", step=0.1)

        # Nothing is left at all: what runs needs nothing.
        small.fill()
        tap.equal(small.free(), 0, "free bytes")
        pids = node.pids()
        until = time.monotonic() + 2.5  # two looks at the disk
        while time.monotonic() < until:
            tap.equal(asked(node), before)
            tap.equal(post(node, 3), 507)
        tap.equal((node.pids(), [pid for pid in pids if not alive(pid)]), (pids, []), "processes")

        os.unlink(os.path.join(small.data, "fill"))
        tap.wait_for(lambda: post(node, 4) == 201, "writes", step=0.1)
        stored += 1
        tap.contains(node.log(), "writes are accepted again")
        tap.wait_for(lambda: os.path.exists(ballast), "new ballast")
        tap.ok("signal 7" not in node.log(), "a SIGBUS")
        health = node.health()
        # An assert whose outcome was unknown may have been stored.
        tap.ok(health["assertion_count"] >= stored, f"{health['assertion_count']} of {stored} assertions")
        node.stop()
        node.start()
        tap.equal(node.health()["history_root"], health["history_root"])


@tap.case("a read-only file system is told by name, harms nothing, and the node starts when it can be written again")
def _():
    with Small(160) as small:
        node = small.node
        node.start()
        stored = node.assert_one("a", 1)
        root = node.health()["history_root"]
        node.stop()
        small.remount("ro")
        tap.contains(node.start(status=1), f"{small.data}/LOCK: Read-only file system")
        small.remount("rw")
        node.start()
        tap.equal(node.get("/v1/assertions/" + stored["id"]).json, stored)
        tap.equal(node.health()["history_root"], root)


@tap.case("a disk that becomes read-only under the node ends every write, and none is acknowledged that is lost")
def _():
    with Small(160) as small:
        node, image = small.node, small.node.path("disk")
        with open(image, "wb") as f:
            f.truncate(160 * MIB)
        subprocess.run(["umount", small.data], check=True)
        made = subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "^has_journal", image], stderr=subprocess.DEVNULL) if os.path.exists("/sbin/mkfs.ext4") else None
        mounted = made and made.returncode == 0 and subprocess.run(
            ["mount", "-o", "loop,errors=remount-ro", image, small.data], stderr=subprocess.DEVNULL).returncode == 0
        if not mounted:
            raise tap.Skip("no loop device to mount here")
        subprocess.run(["cp", "-a", small.data + ".copy/.", small.data], check=True)
        source = subprocess.run(["findmnt", "-n", "-o", "SOURCE", small.data], capture_output=True, text=True).stdout.strip()
        trigger = f"/sys/fs/ext4/{os.path.basename(source)}/trigger_fs_error"
        if not os.access(trigger, os.W_OK):
            raise tap.Skip("the kernel cannot be told to find an error")
        node.options["ballast_bytes"] = "0"
        node.options["min_free_bytes"] = "1M"
        node.write_options()
        node.start()
        stored = [node.assert_one("a", n) for n in range(20)]
        with open(trigger, "w") as f:
            f.write("the test's\n")
        tap.wait_for(lambda: post(node, 99) != 201, "refusal", step=0.05)
        tap.wait_for(lambda: "Read-only file system" in node.log(), "its name in the log")
        node.stop()
        subprocess.run(["umount", small.data], check=True)
        subprocess.run(["/sbin/fsck.ext4", "-p", "-f", image], stdout=subprocess.DEVNULL)
        subprocess.run(["mount", "-o", "loop", image, small.data], check=True)
        node.start()
        for one in stored:
            tap.equal(node.get("/v1/assertions/" + one["id"]).json, one)


tap.run()
