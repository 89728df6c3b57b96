#!/usr/bin/env python3
"""What another StemeDB wrote: a later one's history, backup or dump is refused in plain words, with exit status 3 and nothing touched;
indexes of another format are made anew. Each is a copy in which the number of the format was changed."""
import hashlib
import json
import os
import struct
import subprocess

from backups import add, backup, run_script, snapshot
from harness import TOOL, Instance, tap

node = Instance({"workers": 1})
add(node, 200)
node_snapshot = snapshot(node)
copy = backup(node)
node.stop()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def change(path, magic, put):
    """Lets put(page, at) change the page of 4 KiB in which `magic` stands at `at`, and corrects the page's checksum; returns what
    undoes that."""
    with open(path, "rb") as f:
        data = f.read()
    start = data.index(magic) // 4096 * 4096
    page = bytearray(data[start:start + 4096])
    put(page, page.index(magic))
    page[28:32] = bytes(4)
    checksum = 0
    for byte in page:
        checksum = (checksum * 33 + byte) & 0xffffffff
    page[28:32] = struct.pack("<I", checksum)

    def write(content):
        with open(path, "r+b") as f:
            f.seek(start)
            f.write(content)
    write(page)
    return lambda: write(data[start:start + 4096])


def contents():
    """Of everything that a start reads."""
    found = {}
    for top, _, names in os.walk(node.path("data")):
        for name in names:
            if name != "LOCK":
                with open(os.path.join(top, name), "rb") as f:
                    found[os.path.join(top, name)] = hashlib.sha256(f.read()).hexdigest()
    return found


def refused(words):
    before, mark = contents(), len(node.log())
    node.start(status=3)
    for word in words:
        tap.contains(node.log()[mark:], word)
    tap.ok("Failed to recover WAL" not in node.log()[mark:], node.log()[mark:])
    tap.equal(contents(), before)


@tap.case("a mark that a later version wrote stops the start before anything is touched")
def _():
    path = node.path("data", "db", "acked.mark")
    with open(path, "rb") as f:
        block = f.read()
    later = block[:4] + struct.pack(">I", 2) + block[8:508]
    with open(path, "r+b") as f:
        f.write(later + struct.pack(">I", crc32c(later)))
    refused(["acked.mark is of format 2", "a later StemeDB than this"])
    with open(path, "r+b") as f:
        f.write(block)


@tap.case("a history that a later version wrote stops the start before anything is touched")
def _():
    def put(page, at):
        length = struct.unpack("<H", page[at - 3:at - 1])[0]
        page[at + 4] = 2
        page[at + length - 4:at + length] = struct.pack(">I", crc32c(page[at:at + length - 4]))
    undo = change(node.path("data", "db", "assertions.kv"), b"STMh", put)
    refused(["history record: format 2", "a later StemeDB than this"])
    undo()


@tap.case("indexes of another format, older or newer, are made anew")
def _():
    for difference in -1, 1:
        def put(page, at):
            number = struct.unpack(">I", page[at + 4:at + 8])[0]
            page[at + 4:at + 8] = struct.pack(">I", number + difference)
        change(node.path("data", "db", "indexes", "meta.kv"), b"STMp", put)
        mark = len(node.log())
        node.start()
        tap.contains(node.log()[mark:], "Rebuilding indexes... (they are of another format")
        tap.equal(snapshot(node), node_snapshot)
        node.stop()


@tap.case("a backup of a later version is refused, and nothing is touched")
def _():
    path = os.path.join(copy, "metadata.json")
    os.chmod(path, 0o640)
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace('"version": "0.1.0"', '"version": "0.2.0"'))
    before = contents()
    run = run_script(node, "restore-stemedb.sh", copy)
    tap.equal((run.returncode, run.stdout), (3, ""), run.stderr)
    tap.contains(run.stderr, "StemeDB 0.2.0 made it")
    tap.contains(run.stderr, "Nothing was changed")
    tap.equal(contents(), before)


@tap.case("a dump of a later format is refused, and leaves nothing")
def _():
    dump = subprocess.run([TOOL, "dump", node.home], stdout=subprocess.PIPE).stdout
    tap.equal(json.loads(dump.splitlines()[0])["stemedb_dump"], 1)
    home = node.path("other")
    run = subprocess.run([TOOL, "load", "--home", home, "-"], input=dump.replace(b'"stemedb_dump":1', b'"stemedb_dump":2', 1),
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    tap.equal(run.returncode, 1, run.stderr.decode())
    tap.contains(run.stderr.decode(), "a dump of format 2, which this StemeDB does not read")
    tap.ok(not os.path.exists(os.path.join(home, "data", "db")))


tap.run(finish=node.close)
