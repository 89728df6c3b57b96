#!/usr/bin/env python3
"""The command-line tool against a running node: what it prints, sends and returns."""
import gzip
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import threading

from harness import TOOL, TOP, Instance, tap

node = Instance()
work = os.path.join(node.home, "work")
os.mkdir(work)


class Run:
    """An ended run of the tool."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def rows(self):
        return [line.split("\t") for line in self.out.splitlines()]

    def __repr__(self):
        return f"{self.status}\n{self.out[:2000]}\n{self.err[:2000]}"


def environment(env=None, home=None):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STEMEDB_")}
    return {**clean, "STEMEDB_HOME": home or node.home, **(env or {})}


def cli(*arguments, status=0, env=None, stdin=None, home=None):
    """Runs the tool in pipes, expecting this exit status."""
    run = subprocess.run([TOOL, *arguments], env=environment(env, home), input=stdin, capture_output=True, timeout=60,
                         **({} if stdin is not None else {"stdin": subprocess.DEVNULL}))
    done = Run(run.returncode, run.stdout.decode(), run.stderr.decode())
    tap.ok(done.status == status, f"stemedb {' '.join(arguments)[:500]}: exit status {done}, expected {status}")
    return done


def on_terminal(*arguments, columns=80, typed=b"", status=0):
    """Runs the tool on a terminal of that width; what it printed, with both outputs mixed."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(TOOL, [TOOL, *arguments], {**environment(), "COLUMNS": str(columns)})
    printed = b""
    try:
        if typed:
            os.write(fd, typed)
        while True:
            if not select.select([fd], [], [], 60)[0]:
                raise AssertionError(f"nothing for a minute after {printed!r}")
            part = os.read(fd, 65536)
            if not part:
                break
            printed += part
    except OSError:  # the other side is closed
        pass
    os.close(fd)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    tap.equal(code, status, f"exit status (it printed {printed!r})")
    return printed.decode().replace("\r\n", "\n")


def write(name, text):
    path = os.path.join(work, name)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return path


def lines_of(*objects):
    return "".join(json.dumps(o) + "\n" for o in objects)


def subcommands():
    return re.findall(r"^  ([a-z][a-z-]*) ", cli("--help").out, re.M)


# --- assert ---


@tap.case("assert stores what is said, and nothing of it is changed on the way")
def _():
    run = cli("assert", "cli/a", "p", '{"x": [1e0, "\\u00e4"]}', "--confidence", "0.5", "--source", "source/s",
              "--observed-at", "2026-01-01T01:00:00+01:00", "--valid-from", "2026-01-01T00:00:00Z",
              "--valid-to=2027-01-01T00:00:00Z")
    [[seq, _, id]] = run.rows
    stored = node.get("/v1/assertions/" + id).json
    tap.equal(stored["seq"], int(seq))
    tap.equal({k: stored[k] for k in ("concept_path", "predicate", "value", "confidence", "source", "observed_at",
                                      "valid_from", "valid_to")},
              {"concept_path": "cli/a", "predicate": "p", "value": {"x": [1, "ä"]}, "confidence": 0.5,
               "source": "source/s", "observed_at": "2026-01-01T00:00:00Z", "valid_from": "2026-01-01T00:00:00Z",
               "valid_to": "2027-01-01T00:00:00Z"})
    child = cli("assert", "cli/child", "p", "null", "--derived-from", id, "--json").json
    tap.equal(child, node.get("/v1/assertions/" + child["id"]).json)
    tap.equal(child["derived_from"], [id])


@tap.case("assert takes text with --string, and JSON alone without")
def _():
    tap.equal(cli("assert", "cli/text", "p", "57", "--json").json["value"], 57)
    tap.equal(cli("assert", "cli/text", "p", "57", "--string", "--json").json["value"], "57")
    tap.equal(cli("assert", "cli/text", "p", 'a "b"\n', "--string", "--json").json["value"], 'a "b"\n')
    before = node.health()["last_seq"]
    for value in ("Chrome", "'a'", "NaN", "1 2", ""):
        tap.contains(cli("assert", "cli/text", "p", value, status=2).err, "VALUE is not JSON")
    tap.equal(node.health()["last_seq"], before)


@tap.case("assert sends a file as it is, also an array, also of standard input")
def _():
    array = [{"concept_path": f"cli/array/{i}", "predicate": "p", "value": i} for i in range(3)]
    tap.equal(len(cli("assert", "--file", write("array.json", json.dumps(array))).rows), 3)
    answer = cli("assert", "--file", "-", "--json", stdin=json.dumps(array).encode()).json
    tap.equal([a["value"] for a in answer["assertions"]], [0, 1, 2])
    cli("assert", "--file", "/nonexistent", status=1)
    cli("assert", "--file", "-", "a", "p", "1", status=2)


@tap.case("a key makes an assert the same one")
def _():
    first = cli("assert", "cli/key", "p", "1", "--key", "cli-key", "--json")
    tap.equal(cli("assert", "cli/key", "p", "1", "--key", "cli-key", "--json").out, first.out)
    tap.contains(cli("assert", "cli/key", "p", "2", "--key", "cli-key", status=1).err, "409")
    tap.ok(cli("assert", "cli/key", "p", "1").out != cli("assert", "cli/key", "p", "1").out)


@tap.case("a refusal names all wrong fields in plain words, and stores nothing")
def _():
    before = node.health()["last_seq"]
    run = cli("assert", "cli//x", "p/q", "1", "--confidence", "7", "--observed-at", "yesterday", status=1)
    tap.contains(run.err, "stemedb assert: 4 fields are wrong (422 Unprocessable Content)\n")
    for field in ("/concept_path has an empty segment", "/predicate ", "/confidence must be in [0, 1]", "/observed_at "):
        tap.contains(run.err, "  " + field)
    tap.equal(run.out, "")
    problem = cli("assert", "cli//x", "p", "1", "--json", status=1).json
    tap.equal((problem["status"], problem["errors"][0]["pointer"]), (422, "/concept_path"))
    tap.equal(node.health()["last_seq"], before)


# --- query ---


def history_of_query():
    if node.get("/v1/query?concept_path=cli/q").json["assertions"]:
        return
    for value, confidence, source in (("57", 0.9, "source/mdn"), ("29", 0.4, "source/caniuse"), ("57", 0.8, None)):
        more = {"source": source} if source else {}
        node.assert_one("cli/q", value, confidence=confidence, **more)
    node.assert_one("cli/q/below", 1)


@tap.case("query has an option for all that the API takes")
def _():
    history_of_query()
    tap.equal(cli("query", "cli/q", "--lens", "skeptic", "--json").out,
              node.post("/v1/query", {"concept_path": "cli/q", "lens": "skeptic"}).body.decode())
    seq = node.get("/v1/query?concept_path=cli/q").json["assertions"][-1]["seq"]
    for arguments, body in (
        (["--subtree"], {"match": "subtree"}), (["--predicate", "p"], {"predicate": "p"}),
        (["--source", "source/mdn"], {"source": "source/mdn"}), (["--anonymous"], {"source": None}),
        (["--as-of", str(seq)], {"as_of": seq}), (["--as-of", "2020-01-01T00:00:00Z"], {"as_of": "2020-01-01T00:00:00Z"}),
        (["--min-confidence", "0.5"], {"min_confidence": 0.5}), (["--limit", "2"], {"limit": 2}),
        (["--valid-at", "2026-01-01T00:00:00Z"], {"valid_at": "2026-01-01T00:00:00Z"}),
        (["--decay", "--as-of", str(seq)], {"decay": True, "as_of": seq}),
        (["--include-retracted"], {"include_retracted": True}),
        (["--exclude-source", "source/mdn", "--exclude-source=x"], {"exclude_sources": ["source/mdn", "x"]}),
        (["--lens", "authority", "--trust", "source/mdn=0.1", "--trust", "a=b=1e-1"],
         {"lens": "authority", "trust_override": {"source/mdn": 0.1, "a=b": 0.1}}),
        (["--aliases"], {"aliases": True}), (["--explain"], {"explain": True}),
        (["--lens", "layered"], {"lens": "layered"}), (["--lens", "timeline"], {"lens": "timeline"}),
    ):
        tap.equal(cli("query", "cli/q", "--json", *arguments).out,
                  node.post("/v1/query", {"concept_path": "cli/q", **body}).body.decode(), f"answer with {arguments}")


@tap.case("query prints a row a line into a pipe, with all that there is")
def _():
    history_of_query()
    answer = node.post("/v1/query", {"concept_path": "cli/q", "lens": "skeptic"}).json
    rows = cli("query", "cli/q", "--lens", "skeptic").rows
    [topic] = answer["resolved"]
    tap.equal(rows[0], ["resolved", "cli/q", "p", '"57"', json.dumps(topic["confidence"]), json.dumps(topic["conflict"]),
                        topic["status"], topic["winner"]])
    tap.equal([row[3:] for row in rows if row[0] == "candidate"],
              [[json.dumps(c["value"]), json.dumps(c["share"]), ", ".join(s or "(anonymous)" for s in c["sources"])]
               for c in topic["candidates"]])
    tap.equal([row for row in rows if row[0] == "assertion"],
              [["assertion", str(a["seq"]), "cli/q", "p", json.dumps(a["value"]), json.dumps(a["confidence"]),
                a.get("source", ""), "active", a["timestamp"], a["id"]] for a in answer["assertions"]])


@tap.case("query shows layers, values that add up, and what an explanation says")
def _():
    history_of_query()
    node.assert_one("source/caniuse", 1, predicate="stemedb.tier")
    body = {"concept_path": "cli/q", "lens": "layered", "explain": True}
    [topic] = node.post("/v1/query", body).json["resolved"]
    rows = cli("query", "cli/q", "--lens", "layered", "--explain").rows
    tap.equal([row[3:] for row in rows if row[0] == "layer"],
              [[str(l["tier"]), json.dumps(l["value"]), json.dumps(l["confidence"]), json.dumps(l["conflict"]), l["status"],
                l["winner"]] for l in topic["layers"]])
    tap.equal(len(topic["layers"]), 2)
    tap.equal([(row[3], row[4], row[8], row[10]) for row in rows if row[0] == "considered"],
              [(str(c["seq"]), c["source"] or "", str(c["tier"]), str(c["group"])) for c in topic["explain"]["considered"]])
    left_out = cli("query", "cli/q", "--explain", "--exclude-source", "source/mdn").rows
    tap.equal([row[4:6] for row in left_out if row[0] == "left_out"], [["source/mdn", "exclude_sources"]])
    for part in ("\nLayers\n", "\nConsidered\n"):
        tap.contains(on_terminal("query", "cli/q", "--lens", "layered", "--explain"), part)
    node.assert_one("predicate/cli-many", "many", predicate="stemedb.cardinality")
    node.assert_one("cli/many", "a", predicate="cli-many", source="source/a")
    node.assert_one("cli/many", "b", predicate="cli-many", source="source/b")
    tap.equal(sorted(row[3:] for row in cli("query", "cli/many").rows if row[0] == "value"),
              [['"a"', "1", "source/a"], ['"b"', "1", "source/b"]])


@tap.case("query shows columns on a terminal, cut to its width")
def _():
    history_of_query()
    wide = on_terminal("query", "cli/q", "--lens", "skeptic")
    for part in ("cli/q, lens skeptic, as of seq ", "\nResolved\n", "\nCandidates\n", "\nAssertions\n", "source/caniuse",
                 "(anonymous)", " 0.9  source/mdn "):
        tap.contains(wide, part)
    node.assert_one("cli/wide", "東京" * 100)
    narrow = on_terminal("query", "cli/wide", columns=60)
    tap.contains(narrow, '"東京')
    tap.contains(narrow, "…")
    for line in narrow.splitlines():
        columns = sum(2 if ord(c) > 0x2fff else 1 for c in line)
        tap.ok(columns <= 60 or "lens" in line, f"{columns} columns: {line}")
    tap.contains(on_terminal("query", "cli/nothing"), "Nothing is asserted.")


@tap.case("--plain and --json print on a terminal as into a pipe")
def _():
    history_of_query()
    for how in ("--plain", "--json"):
        tap.equal(on_terminal("query", "cli/q", how), cli("query", "cli/q", how).out)
    cli("query", "cli/q", "--plain", "--json", status=2)


@tap.case("what stands in a value cannot act on a terminal")
def _():
    evil = "\x1b]0;owned\x07\x1b[2J\u202egnp\u009b31m\x7f\n\tnext"
    node.assert_one("cli/evil", evil, predicate="evil\u202e", source="source/e\u200bvil")
    for printed in (on_terminal("query", "cli/evil", columns=200), cli("query", "cli/evil").out):
        tap.ok(not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e]", printed), f"it printed {printed!r}")
        tap.contains(printed, "evil\\u202e")
        tap.contains(printed, "source/e\\u200bvil")
    tap.equal(cli("query", "cli/evil", "--json").json["assertions"][0]["value"], evil)


@tap.case("query reads page by page, or all pages")
def _():
    node.import_lines([{"concept_path": f"cli/pages/{i:03}", "predicate": "p", "value": i} for i in range(250)])
    first = cli("query", "cli/pages", "--subtree")
    tap.equal(len([row for row in first.rows if row[0] == "assertion"]), 100)
    cursor = re.search(r"--cursor (\S+)", first.err)[1]
    second = cli("query", "cli/pages", "--subtree", "--cursor", cursor)
    every = cli("query", "cli/pages", "--subtree", "--all")
    tap.equal([row[4] for row in every.rows if row[0] == "assertion"], [str(i) for i in range(250)])
    tap.ok(every.out.startswith(first.out + second.out))
    tap.equal(every.err, "")
    pages = cli("query", "cli/pages", "--subtree", "--all", "--json").out.splitlines()
    tap.equal([len(json.loads(page)["assertions"]) for page in pages], [100, 100, 50])


@tap.case("query refuses what is wrong, here or there")
def _():
    cli("query", status=2)
    cli("query", "a", "b", status=2)
    cli("query", "a", "--limit", "x", status=2)
    cli("query", "a", "--min-confidence", "high", status=2)
    cli("query", "a", "--trust", "0.5", status=2)
    cli("query", "a", "--trust", "source/a=much", status=2)
    cli("query", "a", "--source", "b", "--anonymous", status=2)
    tap.contains(cli("query", "a", "--limit", "5000", status=1).err, "  /limit must be between 1 and 1000\n")
    tap.contains(cli("query", "a", "--lens", "telescope", status=1).err, "/lens ")
    tap.contains(cli("query", "a", "--cursor", "x\x1b[2J", status=1).err, "/cursor ")
    tap.contains(cli("query", "a\udcff", status=1).err, "400")


# --- retract, reinstate, retractions, why ---


def believed(path):
    return [(r["predicate"], r["value"]) for r in node.get("/v1/query?lens=confidence&concept_path=" + path).json["resolved"]]


@tap.case("retract takes back what is selected, a dry run first, and reinstate undoes it")
def _():
    node.assert_one("cli/r", "good", source="source/good", confidence=0.5)
    bad = node.assert_one("cli/r", "bad", source="source/bad", confidence=0.9)
    child = node.assert_one("cli/r/child", "bad too", derived_from=[bad["id"]])
    before = node.health()["last_seq"]
    dry = cli("retract", "--source", "source/bad", "--cascade", "--reason", "it lied", "--dry-run", "--lens", "confidence")
    tap.equal([row for row in dry.rows if row[0] == "flip"],
              [["flip", "cli/r", "p", '"bad"', '"good"'], ["flip", "cli/r/child", "p", '"bad too"', ""]])
    tap.equal(dict(row for row in dry.rows if len(row) == 2)["cascaded_count"], "1")
    tap.equal((node.health()["last_seq"], believed("cli/r")), (before, [("p", "bad")]))
    answer = node.post("/v1/retract?lens=confidence", {"source": "source/bad", "cascade": True, "reason": "it lied", "dry_run": True})
    tap.equal(cli("retract", "--source", "source/bad", "--cascade", "--reason", "it lied", "--dry-run", "--lens", "confidence",
                  "--json").out, answer.body.decode())

    done = dict(cli("retract", "--source", "source/bad", "--cascade", "--reason", "it lied", "--key", "retract-1").rows)
    tap.equal((done["seq"], done["retracted_count"], done["cascaded_count"]), (str(before + 1), "1", "1"))
    again = cli("retract", "--source", "source/bad", "--cascade", "--reason", "it lied", "--key", "retract-1", "--json").json
    tap.equal((again["retraction_id"], again["seq"]), (done["retraction_id"], before + 1))
    tap.equal((believed("cli/r"), believed("cli/r/child")), ([("p", "good")], []))

    [row] = [row for row in cli("retractions").rows if row[0] == done["seq"]]
    tap.equal((row[2:6], row[8:]), (["standing", "1", "1", "it lied"], [done["retraction_id"], "", ""]))
    shown = cli("query", "cli/r", "--include-retracted")
    tap.equal([row[7] for row in shown.rows if row[0] == "assertion"], ["retracted", "active"])
    timeline = cli("query", "cli/r", "--lens", "timeline").rows
    tap.equal([row[7] for row in timeline], ["active", "retracted", "retraction"])
    tap.equal(timeline[-1][4], '"it lied"')
    tap.contains(on_terminal("why", bad["id"], columns=120), "Retracted: it lied")

    undone = dict(cli("reinstate", done["seq"], "--reason", "it did not").rows)
    tap.equal((undone["retraction_id"], undone["reinstated_count"]), (done["retraction_id"], "2"))
    tap.equal((believed("cli/r"), believed("cli/r/child")), ([("p", "bad")], [("p", "bad too")]))
    [row] = [row for row in cli("retractions").rows if row[0] == done["seq"]]
    tap.equal((row[2], row[9:]), ("reinstated", [undone["seq"], "it did not"]))
    tap.equal(cli("retractions", "--json").out, node.get("/v1/retractions").body.decode())
    tap.contains(cli("reinstate", done["retraction_id"], "--reason", "again", status=1).err, "(409 ")
    tap.equal(len(cli("retractions", "--limit", "1", "--all").rows), len(cli("retractions").rows))
    tap.equal(child["status"], "active")


@tap.case("retract asks on a terminal, having shown what would change")
def _():
    node.assert_one("cli/ask", 1, source="source/ask")
    before = node.health()["last_seq"]
    arguments = ["retract", "--concept", "cli/ask", "--reason", "r"]
    printed = on_terminal(*arguments, typed=b"n\n", status=1)
    for part in ("retracted_count", "What is believed would change:", "cli/ask", "Retract them? [y/N]", "Nothing was changed."):
        tap.contains(printed, part)
    tap.equal(node.health()["last_seq"], before)
    on_terminal(*arguments, typed=b"\x04", status=1)
    tap.contains(on_terminal(*arguments, typed=b"y\n"), f"stemedb reinstate {before + 1} --reason")
    tap.equal((node.health()["last_seq"], believed("cli/ask")), (before + 1, []))
    node.assert_one("cli/ask", 2)
    tap.ok("?" not in on_terminal(*arguments, "--yes"))
    tap.equal(believed("cli/ask"), [])


@tap.case("retract selects by every option")
def _():
    batch = node.post("/v1/assert", [{"concept_path": f"cli/s/{i}", "predicate": f"p{i % 2}", "value": i} for i in range(6)]).json
    seqs = [a["seq"] for a in batch["assertions"]]
    for arguments, count in (
        (["--batch", batch["batch"]], 6), (["--batch", batch["batch"], "--predicate", "p1"], 3),
        (["--id", batch["assertions"][0]["id"], "--id", str(seqs[1])], 2),
        (["--from-seq", str(seqs[1]), "--to-seq", str(seqs[3])], 3), (["--concept", "cli/s/5"], 1),
    ):
        run = cli("retract", "--reason", "r", "--dry-run", "--json", *arguments)
        tap.equal(run.json["retracted_count"], count, f"with {arguments}")


@tap.case("retract and reinstate refuse what is wrong")
def _():
    before = node.health()["last_seq"]
    cli("retract", "--concept", "cli/r", status=2)
    cli("retract", "--reason", "r", "operand", status=2)
    cli("retract", "--reason", "r", "--from-seq", "x", status=2)
    tap.contains(cli("retract", "--reason", "r", status=1).err, "(422 ")
    tap.contains(cli("retract", "--reason", "r", "--concept", "cli/none", status=1).err, "(404 ")
    tap.contains(cli("retract", "--reason", "r", "--id", "f" * 64, status=1).err, "(404 ")
    cli("retract", "--reason", "r", "--id", "nonsense", status=2)
    tap.contains(cli("retract", "--reason", "r", "--id", "999999999", status=1).err, "no entry with seq 999999999")
    cli("retract", "--reason", "r", "--id", "x" * 100, status=2)
    cli("reinstate", status=2)
    cli("reinstate", "1", status=2)
    tap.contains(cli("reinstate", "0" * 64, "--reason", "r", status=1).err, "(404 ")
    tap.contains(cli("reinstate", "1", "--reason", "r", status=1).err, "(404 ")
    tap.equal(node.health()["last_seq"], before)


@tap.case("why tells what an assertion rests on and what rests on it, by id or seq")
def _():
    a = node.assert_one("cli/w/a", 1, source="source/w")
    b = node.assert_one("cli/w/b", 2, derived_from=[a["id"]])
    c = node.assert_one("cli/w/c", 3, derived_from=[b["id"]])
    for named in (b["id"], str(b["seq"])):
        tap.equal([[row[0], row[1], row[2], row[8], row[9]] for row in cli("why", named).rows],
                  [["assertion", "0", str(b["seq"]), b["id"], ""], ["rests_on", "1", str(a["seq"]), a["id"], b["id"]],
                   ["supports", "1", str(c["seq"]), c["id"], b["id"]]])
    tap.equal(cli("why", c["id"], "--json").out, node.get("/v1/why/" + c["id"]).body.decode())
    tap.equal([row[0] for row in cli("why", b["id"], "--direction", "supports").rows], ["assertion", "supports"])
    tap.equal(len(cli("why", b["id"], "--as-of", str(b["seq"])).rows), 2)
    tap.contains(cli("why", c["id"], "--limit", "1").err, "There is more: --all, or --cursor ")
    tap.equal([row[0] for row in cli("why", c["id"], "--limit", "1", "--all").rows if row[0] != "assertion"], ["rests_on"] * 2)
    tap.contains(cli("why", "f" * 64, status=1).err, "(404 ")
    for named in ("../health", "", "F" * 64, "f" * 63, "1x", "18446744073709551616", "\x1b[2J"):
        tap.contains(cli("why", named, status=2).err, "is neither an id nor a seq")
    cli("why", status=2)


# --- concepts, sources, conflicts ---


@tap.case("concepts shows the tree a level at a time, with counts")
def _():
    for path in ("cli/tree", "cli/tree/b", "cli/tree/b/c", "cli/tree/b/d", "cli/tree/e"):
        node.assert_one(path, 1)
    tap.equal(cli("concepts", "cli/tree").rows, [["concept", "cli/tree", "1", "4"], ["child", "cli/tree/b", "1", "2"],
                                                 ["child", "cli/tree/e", "1", "0"]])
    tap.contains([row[:2] for row in cli("concepts").rows], ["child", "cli"])
    tap.equal(cli("concepts", "cli/tree", "--json").out, node.get("/v1/concepts?prefix=cli/tree").body.decode())
    tap.equal([row[1] for row in cli("concepts", "cli/tree", "--limit", "1", "--all").rows if row[0] == "child"],
              ["cli/tree/b", "cli/tree/e"])
    tap.contains(on_terminal("concepts", "cli/tree"), "CONCEPT")
    tap.contains(cli("concepts", "a//b", status=1).err, "  /prefix ")


@tap.case("sources tells how much each says and how often others agree")
def _():
    answer = node.get("/v1/sources?limit=1000").json
    rows = cli("sources", "--limit", "1000").rows
    tap.equal([row[:8] for row in rows],
              [[(s["source"] or "(anonymous)").replace("\u200b", "\\u200b"),
                *(str(s[n]) for n in ("assertions", "active")), json.dumps(s["trust"]),
                *(str(s[n]) for n in ("tier", "topics", "agreeing")), "" if s["agreement"] is None else json.dumps(s["agreement"])]
               for s in answer["sources"]])
    tap.equal(cli("sources", "source/mdn", "--json").json["sources"],
              node.get("/v1/sources?prefix=source/mdn").json["sources"])
    tap.equal(cli("sources", "--limit", "2", "--all").rows, rows)
    tap.equal(cli("sources", "--as-of", "0").rows, [])
    tap.contains(on_terminal("sources", columns=120), "AGREEMENT")
    tap.contains(cli("sources", "--as-of", "x", status=1).err, "  /as_of ")


@tap.case("conflicts lists what is contested, most contested first")
def _():
    for source, value in (("a", 1), ("b", 2), ("c", 2)):
        node.assert_one("cli/conflict/x", value, source="source/" + source)
    node.assert_one("cli/conflict/y", 1, source="source/a")
    node.assert_one("cli/conflict/y", 2, source="source/b")
    [y, x] = cli("conflicts", "cli/conflict").rows
    tap.equal([y[:4], x[:2]], [["cli/conflict/y", "p", "1", "contested"], ["cli/conflict/x", "p"]])
    tap.contains(x[4], "2 0.6666666666666666, 1 0.3333333333333333")
    tap.equal(cli("conflicts", "cli/conflict", "--min-conflict", "0.95").rows, [y])
    tap.equal(cli("conflicts", "cli/conflict", "--predicate", "q").rows, [])
    tap.equal(cli("conflicts", "cli/conflict", "--limit", "1", "--all").rows, [y, x])
    tap.equal(cli("conflicts", "cli", "--json").out, node.get("/v1/conflicts?prefix=cli").body.decode())
    tap.contains(on_terminal("conflicts", "cli/conflict"), "CONFLICT")
    tap.contains(on_terminal("conflicts", "cli/tree"), "No conflicts.")
    cli("conflicts", "--min-conflict", "much", status=2)
    tap.contains(cli("conflicts", "--min-conflict", "2", status=1).err, "  /min_conflict ")


@tap.case("diff tells what is believed otherwise, and what brought it about")
def _():
    if node.get("/v1/diff?from=0").status == 501:
        raise tap.Skip("this node has no diff yet")
    first = node.assert_one("cli/diff/a", 1, confidence=0.9, source="source/a")
    second = node.assert_one("cli/diff/a", 2, confidence=0.5, source="source/b")
    node.assert_one("cli/diff/b", "new")
    arguments = ["diff", str(first["seq"]), "--concept", "cli/diff"]
    tap.equal([row[:6] for row in cli(*arguments, status=4).rows],
              [["cli/diff/a", "p", "1", "0.9", "2", "0.5"], ["cli/diff/b", "p", "", "", '"new"', "1"]])
    tap.contains(cli(*arguments, status=4).rows[0][6], f"assertion {second['seq']}")
    tap.equal([row[0] for row in cli(*arguments, "--limit", "1", "--all", status=4).rows], ["cli/diff/a", "cli/diff/b"])
    tap.equal(cli("diff", str(second["seq"]), str(second["seq"])).out, "")
    tap.equal(cli(*arguments, "--json", status=4).json["changes"],
              node.get(f"/v1/diff?from={first['seq']}&prefix=cli/diff").json["changes"])
    tap.contains(on_terminal(*arguments, status=4), "BEFORE")
    tap.contains(on_terminal("diff", str(second["seq"]), str(second["seq"])), "Nothing is believed otherwise.")
    tap.contains(cli("diff", "2", "1", status=1).err, "  /from is after")
    tap.contains(cli("diff", "x", status=1).err, "  /from ")


# --- import ---

IMPORTED = [{"concept_path": f"cli/import/{i}", "predicate": "p", "value": i} for i in range(3000)]


def counts(run):
    return {row[0]: int(row[1]) for row in run.rows if row[0] != "error"}


@tap.case("import stores a file once, packed or not, and says what it counted")
def _():
    before = node.health()["last_seq"]
    path = write("once.ndjson", lines_of(*IMPORTED))
    tap.equal(counts(cli("import", path)), {"accepted": 3000, "duplicates": 0, "rejected": 0, "left_out": 0,
                                            "last_seq": before + 3000})
    packed = write("once.ndjson.gz", gzip.compress(lines_of(*IMPORTED).encode()))
    for again in (path, packed):
        tap.equal(counts(cli("import", again))["duplicates"], 3000)
    tap.equal(counts(cli("import", "--no-key", packed))["accepted"], 3000)
    tap.equal(counts(cli("import", "--key", "another", path))["accepted"], 3000)
    tap.equal(cli("import", "--key", "another", path, "--json").json["duplicates"], 3000)


@tap.case("import reads standard input, also packed")
def _():
    text = lines_of(*IMPORTED[:5]).encode()
    tap.equal(counts(cli("import", stdin=text))["accepted"], 5)
    tap.equal(counts(cli("import", "-", stdin=gzip.compress(text)))["accepted"], 5)
    tap.equal(counts(cli("import", "--key", "stdin", stdin=text + text))["accepted"], 5)
    tap.equal(counts(cli("import", stdin=b""))["accepted"], 0)
    tap.contains(on_terminal("import", status=2), "FILE is missing")


@tap.case("import names bad lines, stores the good ones, and ends with 4")
def _():
    bad = lines_of(IMPORTED[0]) + "nonsense \x1b[2J\n\n" + lines_of({**IMPORTED[1], "confidence": 2}) + "[]\n"
    bad += lines_of({**IMPORTED[2], "value": "x" * 300000}) + lines_of(IMPORTED[3]).strip()
    run = cli("import", write("bad.ndjson", bad), status=4)
    tap.equal({k: counts(run)[k] for k in ("accepted", "rejected")}, {"accepted": 2, "rejected": 4})
    tap.equal([row[1] for row in run.rows if row[0] == "error"], ["2", "4", "5", "6"])
    tap.contains(run.out, "error\t4\t/confidence: must be in [0, 1]\n")
    tap.equal(cli("import", "--json", "--no-key", write("bad.ndjson", bad), status=4).json["rejected"], 4)


@tap.case("import refuses what it cannot read")
def _():
    before = node.health()["last_seq"]
    tap.contains(cli("import", "/nonexistent", status=1).err, "/nonexistent")
    cli("import", work, status=1)
    cut = gzip.compress(lines_of(*IMPORTED).encode())
    tap.contains(cli("import", write("cut.gz", cut[:len(cut) // 2]), status=1).err, "damaged gzip data")
    tap.equal(node.health()["last_seq"], before)
    cli("import", "a", "b", status=2)
    cli("import", "--key", "k", "--no-key", "a", status=2)
    tap.contains(cli("import", "--key", "two words", write("one", lines_of(IMPORTED[0])), status=1).err, "400")


@tap.case("import shows on a terminal how far it is")
def _():
    path = write("bar.ndjson", lines_of(*({**line, "source": "source/bar"} for line in IMPORTED)))
    printed = on_terminal("import", path)
    tap.ok(re.search(r"\[[=> ]{20}\] +\d+%  [\d,]+ lines, [\d,]+/s  [\d.]+ \w+ of [\d.]+ KB", printed), printed)
    tap.ok(re.search(r"\naccepted +3000\n", printed), printed)


def start(*arguments, env=None):
    return subprocess.Popen([TOOL, *arguments], env=environment(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def finished(process, status=0):
    out, err = process.communicate(timeout=120)
    tap.ok(process.returncode == status, f"exit status {process.returncode}: {out!r} {err!r}")
    return Run(process.returncode, out.decode(), err.decode())


def many(name, count):
    """A file of lines about concepts of that name, and how many of them the node has."""
    path = write(name + ".ndjson", lines_of(*({"concept_path": f"{name}/{i}", "predicate": "p", "value": i}
                                              for i in range(count))))

    def stored():
        answer = node.get("/v1/assertions?after_seq=0", headers={"Accept": "application/x-ndjson"})
        return [json.loads(line)["value"] for line in answer.body.splitlines() if f'"{name}/'.encode() in line]
    return path, stored


@tap.case("an import that was interrupted says so, and goes on when it is started again")
def _():
    path, stored = many("interrupted", 20000)
    before = node.health()["last_seq"]
    process = start("import", path)
    tap.wait_for(lambda: node.health()["last_seq"] > before, "first lines of an import")
    process.send_signal(signal.SIGINT)
    run = finished(process, status=1)
    tap.contains(run.err, "stopped by a signal")
    tap.contains(run.err, "the same command goes on from there (--key file-")
    tap.ok(node.health()["last_seq"] < before + 20000, "it was interrupted too late")
    counted = counts(cli("import", path))
    tap.equal(counted["accepted"] + counted["duplicates"], 20000)
    tap.ok(counted["duplicates"] > 0)
    tap.equal(sorted(stored()), list(range(20000)))


@tap.case("an import goes on by itself when the committer dies under it")
def _():
    path, stored = many("killed", 20000)
    before = node.health()["last_seq"]
    process = start("import", path)
    tap.wait_for(lambda: node.health()["last_seq"] > before + 2000, "first lines of an import")
    os.kill(node.pids("committer")[0], signal.SIGKILL)
    counted = counts(finished(process))
    node.wait_ready()
    tap.equal(counted["accepted"] + counted["duplicates"], 20000)
    tap.equal(sorted(stored()), list(range(20000)))


@tap.case("an import takes no more memory for a larger file")
def _():
    line = lines_of({"concept_path": "memory", "predicate": "p", "value": "x" * 60000}).encode()
    usages = []
    for count in (10, 300):
        process = start("import", "--no-key", write("memory.ndjson", line * count))
        process.stdout.read()
        usages.append(os.wait4(process.pid, 0)[2].ru_maxrss)
        process.stdout.close()
        process.stderr.close()
        process.returncode = 0
    tap.ok(usages[1] < usages[0] + 4096, f"{usages} KiB for 0.6 and 18 MB")
    process = start("export", "--output", os.path.join(work, "memory.export"))
    process.stdout.read()
    tap.ok(os.wait4(process.pid, 0)[2].ru_maxrss < usages[0] + 8192)
    process.returncode = 0


# --- export ---


@tap.case("export is the feed, whole")
def _():
    feed = node.get("/v1/assertions?after_seq=0", headers={"Accept": "application/x-ndjson"}).body.decode()
    tap.equal(cli("export").out, feed)
    lines = feed.splitlines(keepends=True)
    tap.equal(cli("export", "--after-seq", "100").out, "".join(lines[100:]))
    tap.equal(cli("export", "--after-seq", "100", "--limit", "7").out, "".join(lines[100:107]))
    tap.equal(cli("export", "--after-seq", str(len(lines))).out, "")
    cli("export", "--limit", "0", status=2)
    cli("export", "--after-seq", "-1", status=2)


@tap.case("export into a file goes on where it was cut off, and knows another history")
def _():
    feed = cli("export").out
    path = os.path.join(work, "export.ndjson")
    cli("export", "--output", path)
    with open(path) as f:
        tap.equal(f.read(), feed)
    tap.contains(cli("export", "--output", path, status=1).err, "is there already")
    for size in (0, 10, len(feed) // 2, len(feed) - 1, len(feed)):
        os.truncate(path, size)
        cli("export", "--output", path, "--append")
        with open(path) as f:
            tap.equal(f.read(), feed, f"export after a cut at {size}")
    node.assert_one("cli/more", 1)
    cli("export", "--output", path, "--append")
    with open(path) as f:
        tap.equal(f.read(), cli("export").out)
    write("export.ndjson", feed.replace("cli/a", "cli/b", 1).splitlines(keepends=True)[0])
    tap.contains(cli("export", "--output", path, "--append", status=1).err, "is not the one at the end of the file")
    write("export.ndjson", "something else\n")
    tap.contains(cli("export", "--output", path, "--append", status=1).err, "no entry of an export")
    with open(path) as f:
        tap.equal(f.read(), "something else\n")
    cli("export", "--append", status=2)


@tap.case("export tells a consumer that its history branched off")
def _():
    history = node.health()["history"]
    tap.ok(cli("export", "--after-seq", "3", "--history", history).out)
    run = cli("export", "--after-seq", "3", "--history", history[:-16] + "5ca1ab1e0ddba115", status=1)
    tap.equal(run.out, "")
    tap.contains(run.err, "409")
    tap.contains(run.err, "branched_at_seq: 0")


@tap.case("an export that cannot be written ends with a failure")
def _():
    with open("/dev/full", "wb") as full:
        run = subprocess.run([TOOL, "export"], env=environment(), stdout=full, stderr=subprocess.PIPE, timeout=60)
    tap.equal(run.returncode, 1)
    tap.contains(run.stderr.decode(), "No space left")
    with open("/dev/full", "wb") as full:
        run = subprocess.run([TOOL, "query", "cli/q"], env=environment(), stdout=full, stderr=subprocess.PIPE, timeout=60)
    tap.equal(run.returncode, 1)


@tap.case("an export imported into a new node gives the same answers")
def _():
    with Instance() as other:
        path = os.path.join(work, "whole.ndjson")
        cli("export", "--output", path)
        run = cli("import", path, "--no-key", home=other.home, status=4)  # a child's parent has another id there
        tap.equal({row[2] for row in run.rows if row[0] == "error"}, {"/derived_from/0: there is no assertion with this id"})
        tap.equal(counts(run)["left_out"], sum(json.loads(line)["kind"] != "assertion" for line in open(path)))
        tap.contains(run.err, "retractions and reinstatements of the export were left out")

        def strip(answer):
            for assertion in answer["assertions"]:
                for name in ("id", "seq", "timestamp", "batch"):
                    assertion.pop(name, None)
            for topic in answer["resolved"]:
                topic.pop("winner")
            return answer["assertions"], answer["resolved"]

        for lens in ("recency", "confidence", "authority", "consensus", "skeptic"):
            for concept in ("cli/q", "cli/text", "cli/evil", "cli/array", "cli/import/7"):
                body = {"concept_path": concept, "lens": lens, "match": "subtree"}
                tap.equal(strip(other.post("/v1/query", body).json), strip(node.post("/v1/query", body).json))


# --- status, node and token ---


@tap.case("status tells all that health does")
def _():
    health = node.health()
    rows = dict(cli("status").rows)
    tap.equal(list(rows), list(health))
    tap.equal((rows["status"], rows["last_seq"], rows["history_root"]),
              ("healthy", str(health["last_seq"]), health["history_root"]))
    tap.equal(cli("status", "--json").json["history_root"], health["history_root"])
    tap.contains(on_terminal("status"), "history_root")


@tap.case("the node is that of --url, of the environment or of the home")
def _():
    url = f"http://127.0.0.1:{node.api_port}"
    for arguments, env in ((["--url", url], {"STEMEDB_HOME": "/nonexistent", "STEMEDB_URL": "http://127.0.0.1:1"}),
                           (["--url=" + url + "/"], {"STEMEDB_HOME": "/nonexistent"}),
                           ([], {"STEMEDB_HOME": "/nonexistent", "STEMEDB_URL": url}),
                           (["--home", node.home], {"STEMEDB_HOME": "/nonexistent"}),
                           ([], {"http_proxy": "http://127.0.0.1:1", "STEMEDB_URL": url})):
        cli("status", *arguments, env=env)


@tap.case("a node that cannot be reached is status 3, an address that is none is 2")
def _():
    for subcommand in (["status"], ["query", "a"], ["assert", "a", "p", "1"], ["import", write("one", lines_of(IMPORTED[0]))],
                       ["export"]):
        tap.contains(cli(*subcommand, "--url", "http://127.0.0.1:1", status=3).err, "cannot reach http://127.0.0.1:1")
        cli(*subcommand, "--url", "ftp://127.0.0.1", status=2)
    cli("status", "--url", "http://user:secret@127.0.0.1", status=2)
    tap.contains(cli("query", "a", "--url", f"http://127.0.0.1:{node.dashboard_port}/nothing", status=1).err, "(40")


@tap.case("a token comes of a file or of the environment, never of the command line")
def _():
    for arguments, env in ((["--token-file", write("token", "sesame\n")], {"STEMEDB_TOKEN": "other"}),
                           ([], {"STEMEDB_TOKEN": "sesame"})):
        with FakeNode(FakeNode.answer(200, {})) as fake:
            cli("status", "--url", fake.url, *arguments, env=env)
            tap.contains(fake.seen[0], b"\r\nAuthorization: Bearer sesame\r\n")
    cli("status", "--token-file", "/nonexistent", status=2)
    cli("status", "--token-file", write("empty", ""), status=2)
    cli("status", "--token-file", write("two", "a b"), status=2)
    cli("status", env={"STEMEDB_TOKEN": "a\nHost: b"}, status=2)


class FakeNode:
    """Answers each request with the next of some responses (bytes; None: closes the connection), the last one again and
    again; `seen` has the requests."""

    def __init__(self, *responses):
        self.responses, self.seen = list(responses), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(30)
                request = b""
                while not self.whole(request):
                    part = connection.recv(65536)
                    if not part:
                        break
                    if b"Expect: 100-continue" in part:
                        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                    request += part
                if not request:
                    continue
                self.seen.append(request)
                response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
                if response:
                    connection.sendall(response)

    @staticmethod
    def whole(request):
        head, end, body = request.partition(b"\r\n\r\n")
        if not end:
            return False
        if b"chunked" in head:
            return body.endswith(b"0\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        return not length or len(body) >= int(length[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(30)

    @staticmethod
    def answer(status, body, *headers, kind="application/json"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    @classmethod
    def busy(cls, seconds=1, **members):
        problem = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": "recovering", **members}
        return cls.answer(503, problem, f"Retry-After: {seconds}", kind="application/problem+json")


@tap.case("a call is repeated while the node is unavailable, always with the same key, and not for ever")
def _():
    stored = FakeNode.answer(201, {"id": "0" * 64, "seq": 1, "timestamp": "t"})
    with FakeNode(FakeNode.busy(), None, stored) as fake:
        cli("assert", "a", "p", "1", "--url", fake.url)
        keys = [re.search(rb"Idempotency-Key: (\S+)", request)[1] for request in fake.seen]
        tap.equal((len(keys), len(set(keys))), (3, 1))
    with FakeNode(FakeNode.busy(seconds=20)) as fake:
        tap.contains(cli("assert", "a", "p", "1", "--url", fake.url, "--wait", "5", status=3).err, "recovering (503")
        cli("query", "a", "--url", fake.url, "--wait", "0", status=3)
        cli("status", "--url", fake.url, status=3)
        tap.equal(len(fake.seen), 3)


@tap.case("an import goes on behind the last line that is settled, and adds up what was counted")
def _():
    path = write("resume.ndjson", "one\ntwo\nthree\nfour\n")
    first = FakeNode.busy(accepted=1, duplicates=0, rejected=1, last_seq=7, last_line=2,
                          errors=[{"line": 1, "detail": "wrong"}])
    last = FakeNode.answer(200, {"accepted": 1, "duplicates": 1, "rejected": 0, "last_seq": 9, "errors": []})
    with FakeNode(first, last) as fake:
        run = cli("import", path, "--url", fake.url, status=4)
        tap.equal(counts(run), {"accepted": 2, "duplicates": 1, "rejected": 1, "left_out": 0, "last_seq": 9})
        tap.contains(run.out, "error\t1\twrong\n")
        bodies = [request.partition(b"\r\n\r\n")[2] for request in fake.seen]
        tap.contains(bodies[0], b"one\ntwo\nthree\nfour\n")
        tap.contains(bodies[1], b"\n\nthree\nfour\n")
    with FakeNode(first) as fake:
        run = cli("import", "--url", fake.url, stdin=b"one\ntwo\nthree\n", status=3)
        tap.equal(len(fake.seen), 1)
        tap.contains(run.err, "lines up to 2 are settled")


@tap.case("an export that is cut off goes on behind its last whole line, and ends only when it is whole")
def _():
    def entry(seq):
        return b'{"kind":"assertion","seq":%d,"value":"%s"}\n' % (seq, b"x" * 50)

    def stream(body, length):
        return (b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nStemedb-Last-Seq: 4\r\nStemedb-History: h.1-2\r\n"
                b"Connection: close\r\nContent-Length: %d\r\n\r\n" % length) + body

    whole = b"".join(entry(seq) for seq in range(1, 5))
    cut = whole[:len(entry(1)) * 2 + 20]
    rest = whole[len(entry(1)) * 2:]
    with FakeNode(stream(cut, len(whole)), stream(rest, len(rest))) as fake:
        tap.equal(cli("export", "--url", fake.url).out, whole.decode())
        tap.contains(fake.seen[1], b"GET /v1/assertions?after_seq=2&history=h.1-2 ")
    with FakeNode(stream(cut, len(whole))) as fake:
        run = cli("export", "--url", fake.url, "--wait", "0", status=3)
        tap.equal(run.out, (entry(1) + entry(2)).decode())
        tap.contains(run.err, "not complete: go on with --after-seq 2")
    gap = entry(1) + entry(3)
    with FakeNode(stream(gap, len(gap))) as fake:
        tap.contains(cli("export", "--url", fake.url, status=1).err, "what follows entry 1 is not entry 2")
    short = entry(1) + entry(2)
    with FakeNode(stream(short, len(short))) as fake:
        tap.contains(cli("export", "--url", fake.url, "--wait", "0", status=3).err, "the stream ended after entry")


@tap.case("whatever answers, a hostile node included, is told in harmless words")
def _():
    evil = {"type": "about:blank", "title": "T\x1b[2J", "status": 400, "detail": "D\u202e\x07",
            "errors": [{"pointer": "/\x9b", "detail": "\r"}], "more\x1b": ["\x1b"]}
    for response, status in (
        (FakeNode.answer(400, evil, kind="application/problem+json"), 1),
        (FakeNode.answer(400, b"\x1b[2J", kind="text/plain"), 1), (FakeNode.answer(200, b"\x1b[2J<html>"), 1),
        (FakeNode.answer(200, b""), 1), (FakeNode.answer(500, b"", kind="application/problem+json"), 3),
        (FakeNode.answer(200, b"[" * 100000 + b"]" * 100000), 1), (FakeNode.answer(302, b"", "Location: http://127.0.0.1:1/"), 1),
        (b"\x1b[2J nonsense\r\n\r\n", 3),
    ):
        with FakeNode(response) as fake:
            run = cli("query", "a", "--url", fake.url, "--wait", "0", status=status)
            tap.ok(not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", run.out + run.err), f"it printed {run}")
            tap.ok(run.err)
    for odd in ({}, [], 1, {"assertions": 1, "resolved": {}}, {"assertions": [1, None], "resolved": [[], {"candidates": [1]}],
                                                               "as_of": [], "next_cursor": 5}):
        with FakeNode(FakeNode.answer(200, odd)) as fake:
            cli("query", "a", "--url", fake.url)


@tap.case("diff reads on over a page without changes, and ends with 4 if there is one on any")
def _():
    def page(changes, cursor):
        return FakeNode.answer(200, {"changes": changes, "next_cursor": cursor})

    change = {"concept_path": "a", "predicate": "p", "before": {"value": 1, "confidence": 0.5}, "after": None,
              "causes": [{"kind": "retraction", "seq": 7}, {"kind": "setting", "concept_path": "s", "predicate": "stemedb.trust"}]}
    row = ["a", "p", "1", "0.5", "", "", "retraction 7, setting s stemedb.trust"]
    with FakeNode(page([], "c1"), page([change], "c2"), page([], None)) as fake:
        tap.equal(cli("diff", "5", "9", "--all", "--concept", "a", "--lens", "consensus", "--url", fake.url, status=4).rows, [row])
        tap.contains(fake.seen[0], b"GET /v1/diff?from=5&to=9&prefix=a&lens=consensus ")
        tap.contains(fake.seen[2], b"&cursor=c2 ")
    with FakeNode(page([change], None)) as fake:
        tap.equal(cli("diff", "5", "--json", "--url", fake.url, status=4).json["changes"], [change])
    with FakeNode(page([], None)) as fake:
        tap.equal(cli("diff", "5", "--url", fake.url).out, "")
    cli("diff", status=2)
    cli("diff", "1", "2", "3", status=2)


# --- all subcommands ---


@tap.case("every subcommand has a help, and refuses what it does not know")
def _():
    tap.ok(len(subcommands()) >= 8)
    for name in subcommands():
        run = cli(name, "--help")
        tap.contains(run.out, f"Usage: stemedb {name}")
        tap.equal(run.err, "")
        tap.ok(cli(name, "--no-such-option", status=2).err)
    cli(status=2)
    cli("no-such-subcommand", status=2)


def options_of(text):
    """The options that a help or a part of a manual page names at the beginning of a line or behind a bracket."""
    return set(re.findall(r"(?:^|[^a-z-])--([a-z][a-z-]*)", text))


@tap.case("completion offers what --help lists")
def _():
    def complete(*words):
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _stemedb; printf "%s\\n" "${COMPREPLY[@]}"'
        run = subprocess.run(["bash", "-euc", script, "bash", os.path.join(TOP, "conf", "stemedb.bash"), TOOL, *words],
                             env=environment(), capture_output=True, text=True, timeout=60)
        tap.equal((run.returncode, run.stderr), (0, ""))
        return set(run.stdout.split())

    tap.equal(complete(""), {*subcommands(), "--home", "--help", "--version"})
    tap.equal(complete("--home", "/x", "que"), {"query"})
    for name in subcommands():
        tap.equal(complete(name, "--"), {"--" + option for option in options_of(cli(name, "--help").out)}, f"of {name}")
    tap.equal(complete("query", "web", "--min"), {"--min-confidence"})
    tap.equal(complete("query", "--lens", "co"), {"confidence", "consensus"})
    tap.equal(complete("no-such-subcommand", "--"), set())


@tap.case("the manual has every subcommand with each of its options, and every option of the configuration")
def _():
    def page(name):
        with open(os.path.join(TOP, "docs", "man", name)) as f:
            return f.read()

    manual = page("stemedb.1")
    sections = dict(re.findall(r"^\.S[sh] ([a-z-]+|CALLS TO A NODE)(?: .*)?\n((?:(?!\.S[sh] ).*\n)*)", manual, re.M))
    sections.update(re.findall(r"^\.It Cm ([a-z-]+)((?:.*\n)(?:(?!\.It |\.S[sh] ).*\n)*)", manual, re.M))
    common = set(re.findall(r"Fl -([a-z][a-z-]*)", sections["CALLS TO A NODE"])) | {"help", "home"}
    for name in subcommands():
        tap.ok(name in sections, f"stemedb.1 has no {name}")
        described = set(re.findall(r"Fl -([a-z][a-z-]*)", "".join(re.findall(
            rf"^\.(?:Ss|It Cm) {name}\b.*\n(?:(?!\.S[sh] |\.It Cm ).*\n)*", manual, re.M))))
        missing = options_of(cli(name, "--help").out) - described - common
        tap.equal(missing, set(), f"options of {name} that stemedb.1 has not")
    configuration = page("stemedb.conf.5")
    for option, default in re.findall(r"^#([a-z_]+) = (.*)$", cli("config").out, re.M):
        tap.contains(configuration, f".It Li {option} Pq default{' ' + default if default else ': empty'}\n")
    run = subprocess.run([os.path.join(os.path.dirname(TOOL), "stemedb-api"), "--help"], capture_output=True, text=True)
    for option in options_of(run.stdout):
        tap.contains(page("stemedb-api.8"), f".It Fl -{option}")


def finish():
    node.close()


tap.run(finish=finish, on_failure=lambda: "\n" + "\n".join(node.log().splitlines()[-20:]))
