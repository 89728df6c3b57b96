#!/usr/bin/env python3
"""The commands of docs/runbooks/restore-from-backup.md, run as printed from a home that needs them."""
import os
import re
import shutil
import subprocess

from harness import TOP, Instance, tap

RUNBOOK = os.path.join(TOP, "docs", "runbooks", "restore-from-backup.md")


def blocks(section):
    """The command blocks of a section."""
    with open(RUNBOOK) as f:
        text = re.search(rf"^## {section} .*?(?=^## |\Z)", f.read(), re.S | re.M).group(0)
    return re.findall(r"```sh\n(.*?)```", text, re.S)


def run(node, text):
    done = subprocess.run(["sh", "-eu", "-c", text], cwd=node.home, env=node.env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    tap.equal(done.returncode, 0, f"exit status of\n{text}\n{done.stdout}\n{node.log()[-2000:]}\n")


def prepared(count=2500):
    node = Instance()
    os.symlink(os.path.join(TOP, "scripts"), node.path("scripts"))
    add(node, count)
    return node


def add(node, count):
    lines = [{"concept_path": f"r/{n % 7}", "predicate": "p", "value": f"{n} " + "x" * 200} for n in range(count)]
    tap.equal(node.import_lines(lines).json["accepted"], count)


def damage(path, offset):
    with open(path, "r+b") as f:
        f.seek(offset)
        byte = f.read(1)
        f.seek(offset)
        f.write(bytes([byte[0] ^ 0x40]))


def newest_log(node):
    return node.path("data", "wal", sorted(n for n in os.listdir(node.path("data", "wal")) if n.startswith("log."))[-1])


def same(node, before):
    after = node.health()
    for name in ("assertion_count", "last_seq", "history_root"):
        tap.equal(after[name], before[name], name)


@tap.case("§1: a copy of data/, and what was acknowledged since from the damaged store's log")
def _():
    with prepared() as node:
        node.stop()
        shutil.copytree(node.path("data"), node.path("copy"))
        node.start()
        add(node, 300)
        before = node.health()
        node.stop()
        damage(node.path("data", "db", "assertions.kv"), 3 * 4096 + 100)
        node.start(status=3)
        tap.contains(node.log(), "assertions.kv")
        restore, newer = blocks("§1")
        lines = restore.replace("/path/to/copy/of/data", "copy").splitlines(keepends=True)
        run(node, "".join(lines[:-1]) + newer + lines[-1])
        same(node, before)


@tap.case("§2: a damaged log beside an intact database")
def _():
    with prepared() as node:
        before = node.health()
        node.stop()
        damage(newest_log(node), 14)
        node.start(status=3)
        tap.contains(node.log(), "WAL magic byte validation failed")
        tap.contains(node.log(), "§2")
        run(node, blocks("§2")[0])
        same(node, before)
        tap.contains(node.log(), "Rebuilding indexes...")


@tap.case("§4: indexes removed and rebuilt")
def _():
    with prepared() as node:
        before = node.health()
        run(node, blocks("§4")[0])
        same(node, before)
        tap.contains(node.log(), "Index rebuild complete in")


tap.run()
