#!/usr/bin/env python3
"""stemedb dump and load: a history goes through text and comes out the same; what does not add up is refused whole."""
import gzip
import json
import os
import random
import shutil
import subprocess
import tempfile

from harness import TOOL, Instance, tap

node = Instance()
work = tempfile.mkdtemp(prefix="stemedb-dump-")
loaded = None
facts = {}


def tool(*arguments, env=None, **more):
    return subprocess.run([TOOL, *arguments], capture_output=True, timeout=120, env={**os.environ, **(env or {})}, **more)


def load(data, *arguments, name="new", env=None):
    """Loads these bytes through standard input into a fresh home; (run, home)."""
    home = os.path.join(work, name)
    shutil.rmtree(home, ignore_errors=True)
    os.makedirs(home)
    return tool("load", "--home", home, *arguments, "-", input=data, env=env), home


def no_history(home):
    return not os.path.exists(os.path.join(home, "data", "db")) and not os.path.exists(os.path.join(home, "data", "wal"))


QUERIES = [f"/v1/query?concept_path=web&match=subtree&lens={lens}&limit=50" for lens in ("recency", "skeptic", "timeline")]


def answers(of):
    return [of.get(path).json for path in QUERIES] + [
        of.get("/v1/retractions").json, of.get("/v1/history?seq=100").json,
        of.get("/v1/assertions?after_seq=0", headers={"Accept": "application/x-ndjson"}).body]


@tap.case("a stopped home is dumped, with retractions and all that is computed")
def _():
    node.import_lines([{"concept_path": f"web/{i % 97}", "predicate": "p", "value": {"n": i, "t": "é\"\\\n\u0001"},
                        "source": f"source/{i % 5}"} for i in range(2500)], key="the-import")
    for i in range(30):
        node.assert_one("web/one", i, source="source/x", confidence=0.25)
    parent = node.assert_one("web/parent", 1)["id"]
    node.assert_one("web/child", 2, derived_from=[parent])
    big = node.assert_one("web/big", "x" * 60000)
    retraction = {"concept_path": "source/1", "source": "source/1", "cascade": True, "reason": "wrong"}
    gone = node.post("/v1/retract", retraction)
    tap.equal(gone.status, 200, f"{gone}")
    back = node.post("/v1/retract", {"ids": [big["id"]], "reason": "also"}).json["retraction_id"]
    tap.equal(node.post("/v1/reinstate", {"retraction_id": back, "reason": "not"}).status, 200)
    facts.update(health=node.health(), answers=answers(node))
    node.stop()
    run = tool("dump", "--output", os.path.join(work, "dump"), node.home)
    tap.equal(run.returncode, 0, run.stderr)
    with open(os.path.join(work, "dump"), "rb") as f:
        facts["dump"] = f.read()
    lines = facts["dump"].splitlines()
    head, end = json.loads(lines[0]), json.loads(lines[-1])
    health = facts["health"]
    tap.equal((head["history"], head["entries"], len(lines) - 2), (health["history"], health["last_seq"], health["last_seq"]))
    tap.equal((end["history_root"], end["last_seq"], end["assertion_count"]),
              (health["history_root"], health["last_seq"], health["assertion_count"]))
    tap.equal(b"".join(line + b"\n" for line in lines[1:-1]), facts["answers"][-1], "the entries, as the feed has them")
    tap.equal(tool("dump", node.home).stdout, facts["dump"])
    run = tool("verify", "--json", "--against", os.path.join(work, "dump"), node.home)
    tap.equal((run.returncode, json.loads(run.stdout)["against"]["relation"]), (0, "equal"), run.stderr)
    with open(os.path.join(work, "changed"), "wb") as f:
        f.write(facts["dump"].replace(b'"n":77', b'"n":78'))
    run = tool("verify", "--against", os.path.join(work, "changed"), node.home)
    tap.equal(run.returncode, 3)
    tap.contains(run.stderr.decode(), "add up")


@tap.case("a loaded history has the same ids, root and answers, and goes on")
def _():
    global loaded
    loaded = Instance(start=False)
    run = tool("load", "--home", loaded.home, os.path.join(work, "dump"))
    tap.equal(run.returncode, 0, run.stderr)
    tap.contains(run.stdout.decode(), facts["health"]["history_root"])
    loaded.start()
    health = loaded.health()
    for name in ("history", "last_seq", "assertion_count", "history_root", "timestamp"):
        tap.equal(health[name], facts["health"][name], name)
    for got, wanted in zip(answers(loaded), facts["answers"]):
        tap.equal(got, wanted)
    again = loaded.import_lines([{"concept_path": f"web/{i % 97}", "predicate": "p", "value": {"n": i, "t": "é\"\\\n\u0001"},
                                  "source": f"source/{i % 5}"} for i in range(2500)], key="the-import").json
    tap.equal((again["accepted"], again["duplicates"]), (0, 2500))
    tap.equal(loaded.assert_one("web/next", 1)["seq"], health["last_seq"] + 1)
    loaded.stop()
    verified = tool("verify", "--against", node.home, loaded.home)
    tap.equal(verified.returncode, 0, verified.stdout)
    tap.contains(verified.stdout.decode(), "the other is the beginning of this")


@tap.case("a dump of what was loaded is the same dump, compressed or not")
def _():
    run, home = load(gzip.compress(facts["dump"], 1))
    tap.equal(run.returncode, 0, run.stderr)
    tap.equal(tool("dump", home).stdout, facts["dump"])
    run, _ = load(gzip.compress(facts["dump"], 1)[:-20000])
    tap.equal(run.returncode, 1)


@tap.case("what does not add up is refused, and leaves nothing")
def _():
    lines = facts["dump"].splitlines(keepends=True)
    end = json.loads(lines[-1])

    def ended(**change):
        return b"".join(lines[:-1]) + json.dumps({**end, **change}).encode() + b"\n"

    swapped = lines[:10] + [lines[11], lines[10]] + lines[12:]
    bad = {"its end is cut": b"".join(lines[:-1]), "cut in a line": facts["dump"][:-5], "empty": b"", "no dump": b"{}\n",
           "a line less": b"".join(lines[:50] + lines[51:]), "the last entry less": b"".join(lines[:-2] + lines[-1:]),
           "two lines exchanged": b"".join(swapped), "a line twice": b"".join(lines[:9] + lines[8:]),
           "more after its end": facts["dump"] + lines[5], "another count": ended(entries=end["entries"] + 1),
           "another number of assertions": ended(assertion_count=end["assertion_count"] - 1),
           "another root": ended(history_root="0" * 64), "no root": ended(history_root=None),
           "another format": b'{"stemedb_dump":2' + facts["dump"][17:], "an empty line": b"".join(lines[:3] + [b"\n"] + lines[3:])}
    for what, data in bad.items():
        run, home = load(data)
        tap.equal(run.returncode, 1, f"status for a dump with {what}: {run.stderr}")
        tap.ok(no_history(home), f"a dump with {what} left something")


@tap.case("a byte changed anywhere is found")
def _():
    random.seed(7)
    for _ in range(30):
        data = bytearray(facts["dump"])
        at = random.randrange(len(data))
        data[at] ^= 1 << random.randrange(5)
        run, home = load(bytes(data))
        if run.returncode == 0:  # a name that nothing is computed from: the head's "history" repeats what follows it
            tap.ok(at < data.index(b"history_id"), f"byte {at} is not seen")
            continue
        tap.equal(run.returncode, 1, f"byte {at}: {run.stderr}")
        tap.ok(no_history(home), f"byte {at} left something")


@tap.case("a home that has a history is not loaded into")
def _():
    before = tool("dump", node.home).stdout
    run = tool("load", "--home", node.home, os.path.join(work, "dump"))
    tap.equal(run.returncode, 1)
    tap.contains(run.stderr.decode(), "there is a history")
    tap.equal(tool("dump", node.home).stdout, before)


@tap.case("a load that is killed leaves nothing that starts, and can be done again")
def _():
    for fault in ("ops.load.before_append=kill@2", "store.init.filled=kill@1", "store.init.before_move=kill@1"):
        run, home = load(facts["dump"], env={"STEMEDB_FAULTS": fault})
        tap.equal(run.returncode, -9, fault)
        tap.ok(not os.path.exists(os.path.join(home, "data", "db")), f"{fault} leaves a database")
        run = tool("load", "--home", home, os.path.join(work, "dump"))
        tap.equal(run.returncode, 0, run.stderr)
        tap.equal(tool("verify", home).returncode, 0)


@tap.case("no dump is made of what is damaged, and none is left half done")
def _():
    home = os.path.join(work, "damaged")
    shutil.copytree(node.home, home)
    with open(os.path.join(home, "data", "db", "assertions.kv"), "r+b") as f:
        f.seek(20 * 4096 + 50)
        byte = f.read(1)[0]
        f.seek(20 * 4096 + 50)
        f.write(bytes([byte ^ 8]))
    run = tool("dump", "--output", os.path.join(work, "bad"), home)
    tap.equal(run.returncode, 3)
    tap.contains(run.stderr.decode(), "page 20")
    tap.equal([name for name in os.listdir(work) if name.startswith("bad")], [])


def finish():
    node.close()
    if loaded:
        loaded.close()
    shutil.rmtree(work, ignore_errors=True)


tap.run(finish)
