#!/usr/bin/env python3
"""stemedb salvage: with each page destroyed in turn, every entry that is whole anywhere is recovered, and exactly the rest is named."""
import json
import os
import random
import shutil
import struct
import subprocess
import tempfile

from harness import TOOL, Instance, tap

PAGE, HEADER, OVERFLOW = 4096, 32, 7
node = Instance()
work = tempfile.mkdtemp(prefix="stemedb-salvage-")
# Single asserts fill leaf pages, arrays and large values pages of their own.
for i in range(60):
    node.assert_one("single", "s" * (i * 17 % 900))
for i in range(8):
    node.post("/v1/assert", [{"concept_path": f"a/{i}", "predicate": "p", "value": "v" * (k * 37 % 700)} for k in range(40)])
node.assert_one("large", "x" * 30000)
node.assert_one("last", 1)
health = node.health()
LAST = health["last_seq"]
node.stop()
with open(node.path("data", "db", "assertions.kv"), "rb") as f:
    pages = f.read()


TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def pages_of_entries():
    """seq -> for each whole copy of its record the pages that it lies on, by the headers of the sound file. A page's free room
    may still hold records that moved to another page."""
    found = {}
    at = pages.find(b"STMe")
    while at >= 0:
        number, offset = divmod(at, PAGE)
        used, record, length = {number}, pages[at:(number + 1) * PAGE], 12
        while len(record) < length or (length == 12 and len(record) >= 12):
            if length == 12 and len(record) >= 12:
                length = struct.unpack(">I", record[8:12])[0]
                if not 68 <= length <= 1 << 20:
                    break
                continue
            number = struct.unpack_from("<I", pages, number * PAGE + 16)[0]
            if number == 0 or number in used or number >= len(pages) // PAGE:
                break
            used.add(number)
            record += pages[number * PAGE + HEADER:(number + 1) * PAGE]
        record = record[:length]
        if len(record) == length >= 68 and crc32c(record[:-4]) == struct.unpack(">I", record[-4:])[0]:
            found.setdefault(struct.unpack(">Q", record[12:20])[0], []).append(used)
        at = pages.find(b"STMe", at + 4)
    return found


def lost_without(*gone):
    return {seq for seq, copies in PLACES.items() if all(on & set(gone) for on in copies)}


def salvage(*sources):
    """(exit status, seqs in the dump, gaps that it names, output)."""
    target = os.path.join(work, "dump")
    run = subprocess.run([TOOL, "salvage", "--output", target, *sources], capture_output=True, text=True, timeout=60)
    if run.returncode not in (0, 1):
        return run.returncode, None, None, run.stdout + run.stderr
    with open(target) as f:
        lines = [json.loads(line) for line in f]
    gaps = [seq for low, high in lines[-1].get("missing", []) for seq in range(low, high + 1)]
    return run.returncode, [line["seq"] for line in lines[1:-1]], gaps, run.stdout + run.stderr


def folder(data, wal=False):
    """A data folder with these pages, and the log or not."""
    home = os.path.join(work, "data")
    shutil.rmtree(home, ignore_errors=True)
    os.makedirs(os.path.join(home, "db"))
    with open(os.path.join(home, "db", "assertions.kv"), "wb") as f:
        f.write(data)
    shutil.copy(node.path("data", "db", "acked.mark"), os.path.join(home, "db"))
    if wal:
        shutil.copytree(node.path("data", "wal"), os.path.join(home, "wal"))
    return home


def expect(data, lost, what):
    status, seqs, gaps, output = salvage(folder(data))
    tap.equal(seqs, [seq for seq in range(1, LAST + 1) if seq not in lost], f"what is recovered with {what}")
    tap.equal((status, gaps), (1 if lost else 0, sorted(lost)), f"what is named with {what}: {output}")


PLACES = pages_of_entries()


@tap.case("from a whole file everything comes, and loads with the same root")
def _():
    tap.equal(sorted(PLACES), list(range(1, LAST + 1)), "the test's own map")
    tap.ok(len({pages[n * PAGE + 25] for n in range(1, len(pages) // PAGE)}) >= 3, "kinds of pages in the file")
    expect(pages, set(), "nothing destroyed")
    home = os.path.join(work, "loaded")
    os.makedirs(home)
    target = os.path.join(work, "dump")
    tap.equal(subprocess.run([TOOL, "load", "--home", home, target], capture_output=True).returncode, 1)
    run = subprocess.run([TOOL, "load", "--partial", "--home", home, target], capture_output=True, text=True)
    tap.equal(run.returncode, 0, run.stderr)
    tap.contains(run.stdout, health["history_root"])


@tap.case("with any one page destroyed, all entries but those on it come")
def _():
    for number in range(len(pages) // PAGE):
        data = bytearray(pages)
        data[number * PAGE:(number + 1) * PAGE] = b"\xaa" * PAGE
        expect(bytes(data), lost_without(number), f"page {number} destroyed")


@tap.case("with one byte changed at most the entry that it is in is lost")
def _():
    random.seed(3)
    for number in range(0, len(pages) // PAGE, 2):
        data = bytearray(pages)
        at = number * PAGE + random.choice([random.randrange(HEADER), random.randrange(PAGE)])
        data[at] ^= 1 << random.randrange(8)
        status, seqs, gaps, output = salvage(folder(bytes(data)))
        tap.ok(len(gaps) <= 1, f"byte {at}: {gaps} are lost: {output}")
        if at % PAGE < HEADER:
            tap.equal(gaps, [], f"byte {at} of a header")
        tap.equal(sorted(seqs + gaps), list(range(1, LAST + 1)))


@tap.case("what the pages lost comes from the log, from a damaged one, or from one that was set aside")
def _():
    log = os.path.join("wal", "log.0000000001")
    home = folder(b"\0" * len(pages), wal=True)
    status, seqs, gaps, output = salvage(home)
    tap.equal((status, len(seqs), gaps), (0, LAST, []), output)
    os.rename(os.path.join(home, "wal"), os.path.join(home, "wal.corrupted.1"))
    tap.equal(salvage(home)[:3], (0, list(range(1, LAST + 1)), []))
    os.rename(os.path.join(home, "wal.corrupted.1"), os.path.join(home, "wal"))
    with open(os.path.join(home, log), "r+b") as f:
        f.seek(12)
        f.write(b"XXXX")
        f.seek(60000)
        f.write(b"YYYYYYYY")
    status, seqs, gaps, output = salvage(home)
    tap.ok(LAST - len(seqs) < 45 and sorted(seqs + gaps) == list(range(1, LAST + 1)), output)


@tap.case("acknowledged entries that are nowhere are named, and a partial dump loads up to its first gap")
def _():
    gone = set().union(*PLACES[LAST])
    lost = lost_without(*gone)
    data = bytearray(pages)
    for number in gone:
        data[number * PAGE:(number + 1) * PAGE] = b"\0" * PAGE
    expect(bytes(data), lost, "the last page gone")
    home = os.path.join(work, "loaded-partly")
    os.makedirs(home)
    run = subprocess.run([TOOL, "load", "--partial", "--home", home, os.path.join(work, "dump")], capture_output=True, text=True)
    tap.equal(run.returncode, 0, run.stderr)
    report = subprocess.run([TOOL, "verify", "--json", home], capture_output=True, text=True)
    tap.equal((report.returncode, json.loads(report.stdout)["last_seq"]), (0, min(lost) - 1), report.stdout)


@tap.case("different entries for one seq are told, and the first source's are taken")
def _():
    other = Instance()
    try:
        other.assert_one("other", 1)
        other.stop()
        status, seqs, gaps, output = salvage(node.home, other.home)
        tap.equal((status, len(seqs)), (0, LAST), output)
        tap.contains(output, "2 different entries 1 were found")
        with open(os.path.join(work, "dump")) as f:
            tap.equal(json.loads(f.readlines()[-1])["history_root"], health["history_root"])
        tap.equal(salvage(work + "/nothing-here")[0] in (1, 3), True)
    finally:
        other.close()


def finish():
    node.close()
    shutil.rmtree(work, ignore_errors=True)


tap.run(finish)
