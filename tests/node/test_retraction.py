#!/usr/bin/env python3
"""Retraction and provenance, as a client sees them: each way to select, cascades, overlaps, reinstatement, moments; nobody
ever sees half of it, whoever reads, writes or dies meanwhile."""
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

from harness import Instance, tap

node = Instance()
CHAIN = 1000

# Paragraph 3 of the runbook, as it prints it.
RUNBOOK_RETRACT = """curl -X POST http://localhost:18180/v1/retract \\
  -H "Content-Type: application/json" \\
  -d '{
    "concept_path": "source/bad_source",
    "reason": "data_quality_issue",
    "cascade": true
  }'"""
RUNBOOK_VERIFY = """curl -X POST http://localhost:18180/v1/query \\
  -H "Content-Type: application/json" \\
  -d '{"concept_path": "bad/data/path", "lens": "recency"}'"""


def run(command):
    """The JSON that a command of the runbook prints."""
    command = command.replace("localhost:18180", f"127.0.0.1:{node.api_port}")
    return json.loads(subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def assert_all(*items):
    """Stores an array; returns its answer."""
    answer = node.post("/v1/assert", list(items))
    tap.equal(answer.status, 201, f"status of {answer}")
    return answer.json


def fact(path, value=1, source=None, predicate="p", **more):
    item = {"concept_path": path, "predicate": predicate, "value": value, **more}
    if source:
        item["source"] = source
    return item


def retract(status=200, **body):
    body.setdefault("reason", "test")
    answer = node.post("/v1/retract", body)
    tap.equal(answer.status, status, f"status of {answer} to {body}")
    return answer.json


def counts(answer):
    return answer["retracted_count"], answer["cascaded_count"]


def reinstate(retraction, status=200):
    answer = node.post("/v1/reinstate", {"retraction_id": retraction["retraction_id"], "reason": "undone"})
    tap.equal(answer.status, status, f"status of {answer}")
    return answer.json


def values(path, match="subtree", **more):
    """The values of what is active, sorted."""
    answer = node.post("/v1/query", {"concept_path": path, "match": match, "limit": 1000, **more})
    tap.equal(answer.status, 200, f"status of {answer}")
    return sorted(a["value"] for a in answer.json["assertions"])


def status_of(identifier):
    answer = node.get("/v1/assertions/" + identifier)
    tap.equal(answer.status, 200, f"status of {answer}")
    return answer.json["status"]


def why(identifier, **parameters):
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    answer = node.get(f"/v1/why/{identifier}?{query}")
    tap.equal(answer.status, 200, f"status of {answer}")
    return answer.json


@tap.case("the runbook's call retracts a source and all that depends on it, as printed")
def _():
    bad = assert_all(fact("bad/data/path", 1, "source/bad_source"), fact("bad/data/path", 2, "source/bad_source"))
    identifier = bad["assertions"][0]["id"]
    assert_all(fact("bad/conclusion", 3, "source/good", derived_from=[identifier]), fact("bad/good", 4, "source/good"))
    answer = run(RUNBOOK_RETRACT)
    tap.equal(counts(answer), (0, 3))
    tap.equal(values("bad"), [4])
    shown = node.get("/v1/assertions/" + identifier).json
    tap.equal(shown["status"], "retracted")
    tap.equal(shown["retraction"], {"id": answer["retraction_id"], "reason": "data_quality_issue",
                                    "timestamp": answer["timestamp"]})
    found = run(RUNBOOK_VERIFY)
    tap.equal((found["assertions"], found["resolved"]), ([], []))


@tap.case("each way to select covers what it says, and what comes later is judged anew")
def _():
    batch = assert_all(fact("s/a", 1, "source/x"), fact("s/a", 2, "source/y"), fact("s/a", 3, "source/x", "q"),
                       fact("s/b", 4, "source/x"), fact("s/b", 5))
    first = batch["assertions"][0]["seq"]
    ids = [a["id"] for a in batch["assertions"]]
    for selection, gone in [
        ({"concept_path": "s/a"}, [1, 2, 3]),
        ({"concept_path": "s/a", "predicate": "q"}, [3]),
        ({"concept_path": "s/a", "source": "source/x"}, [1, 3]),
        ({"concept_path": "s/a", "from_seq": first + 1}, [2, 3]),
        ({"concept_path": "s/a", "to_seq": first}, [1]),
        ({"ids": [ids[0], ids[4], ids[0]]}, [1, 5]),
        ({"ids": [ids[1]], "concept_path": "s/b"}, [2, 4, 5]),
        ({"ids": ids, "source": "source/y"}, [2]),
        ({"batch": batch["batch"]}, [1, 2, 3, 4, 5]),
        ({"batch": batch["batch"], "predicate": "q"}, [3]),
        ({"source": "source/x", "from_seq": first}, [1, 3, 4]),
        ({"source": None, "from_seq": first}, [5]),
        ({"from_seq": first, "to_seq": first + 2}, [1, 2, 3]),
    ]:
        answer = retract(**selection)
        tap.equal(counts(answer), (len(gone), 0), f"counts of {selection}")
        tap.equal(values("s"), sorted({1, 2, 3, 4, 5} - set(gone)), f"what is left by {selection}")
        tap.equal(reinstate(answer)["reinstated_count"], len(gone))
        tap.equal(values("s"), [1, 2, 3, 4, 5])
    retract(concept_path="s/a")
    assert_all(fact("s/a", 6, "source/x"))
    tap.equal(values("s/a"), [6])


@tap.case("settings are covered only if they are named")
def _():
    stored = assert_all(fact("source/set", 0.5, "source/admin", "stemedb.trust"), fact("source/set", 2, "source/set"),
                        fact("x/set", 3, "source/set"))
    tap.equal(counts(retract(concept_path="source/set", cascade=True)), (1, 1))
    tap.equal(status_of(stored["assertions"][0]["id"]), "active")
    retract(source="source/admin", status=404)
    tap.equal(counts(retract(concept_path="source/set", predicate="stemedb.trust")), (1, 0))
    tap.equal(status_of(stored["assertions"][0]["id"]), "retracted")


@tap.case("a cascade follows derivations over a diamond, each assertion counted once")
def _():
    top = node.assert_one("d/top", 1)
    left, right = (node.assert_one(f"d/{side}", 2, derived_from=[top["id"]]) for side in ("left", "right"))
    bottom = node.assert_one("d/bottom", 3, derived_from=[left["id"], right["id"]])
    apart = node.assert_one("d/apart", 4)
    both = node.assert_one("d/both", 5, derived_from=[apart["id"], bottom["id"]])
    down = why(top["id"])
    tap.equal((down["rests_on"], down["truncated"], down["next_cursor"]), ([], False, None))
    tap.equal([(s["depth"], s["assertion"]["id"], s["via"]) for s in down["supports"]],
              [(1, left["id"], top["id"]), (1, right["id"], top["id"]), (2, bottom["id"], left["id"]),
               (3, both["id"], bottom["id"])])
    up = why(both["id"], direction="rests_on")
    tap.equal([(s["depth"], s["assertion"]["id"], s["via"]) for s in up["rests_on"]],
              [(1, bottom["id"], both["id"]), (1, apart["id"], both["id"]), (2, left["id"], bottom["id"]),
               (2, right["id"], bottom["id"]), (3, top["id"], left["id"])] if bottom["seq"] < apart["seq"] else [])
    tap.ok("supports" not in up)
    before = node.health()["last_seq"]
    answer = retract(ids=[top["id"]], cascade=True)
    tap.equal(counts(answer), (1, 4))
    tap.equal([status_of(a["id"]) for a in (top, left, right, bottom, both, apart)], ["retracted"] * 5 + ["active"])
    tap.equal({s["assertion"]["status"] for s in why(top["id"])["supports"]}, {"retracted"})
    tap.equal({s["assertion"]["status"] for s in why(top["id"], as_of=before)["supports"]}, {"active"})
    tap.equal(why(top["id"], as_of=bottom["seq"])["supports"][-1]["assertion"]["id"], bottom["id"])
    tap.equal(node.get(f"/v1/why/{both['id']}?as_of={bottom['seq']}").status, 404)
    reinstate(answer)
    tap.equal(counts(retract(ids=[left["id"]])), (1, 0))
    tap.equal([status_of(a["id"]) for a in (left, bottom)], ["retracted", "active"])


@tap.case(f"a cascade and a listing follow a chain of {CHAIN:,} to its end")
def _():
    connection = http.client.HTTPConnection("127.0.0.1", node.api_port, timeout=30)
    ids = []
    for i in range(CHAIN):
        item = fact("chain", i, "source/chain", **({"derived_from": [ids[-1]]} if ids else {}))
        connection.request("POST", "/v1/assert", json.dumps(item), {"Content-Type": "application/json"})
        ids.append(json.loads(connection.getresponse().read())["id"])
    connection.close()
    for begin, direction, wanted in ((0, "supports", ids[1:]), (CHAIN - 1, "rests_on", ids[-2::-1])):
        got, cursor = [], None
        while cursor or not got:
            page = why(ids[begin], limit=300, direction="both", **({"cursor": cursor} if cursor else {}))
            got += page[direction]
            cursor = page["next_cursor"]
        tap.equal([s["assertion"]["id"] for s in got], wanted, direction)
        tap.equal([s["depth"] for s in got], list(range(1, CHAIN)), "depths")
        tap.equal([s["via"] for s in got], [ids[begin]] + wanted[:-1], "edges")
    tap.equal(counts(retract(ids=[ids[10]], cascade=True)), (1, CHAIN - 11))
    tap.equal(values("chain"), list(range(10)))


@tap.case("an assertion is active again when all retractions that cover it are undone, in whatever order")
def _():
    stored = assert_all(fact("o/a", 1, "source/o"), fact("o/b", 2, "source/o"), fact("o/a", 3, "source/p"))["assertions"]
    before = node.health()["last_seq"]
    path, source = retract(concept_path="o/a"), retract(source="source/o")
    tap.equal((counts(path), counts(source)), ((2, 0), (1, 0)))
    again = retract(concept_path="o/a")
    tap.equal(counts(again), (0, 0))
    tap.equal(node.get("/v1/assertions/" + stored[0]["id"]).json["retraction"]["id"], path["retraction_id"])
    tap.equal(reinstate(path)["reinstated_count"], 0)
    tap.equal(node.get("/v1/assertions/" + stored[0]["id"]).json["retraction"]["id"], source["retraction_id"])
    tap.equal(reinstate(again)["reinstated_count"], 1)
    tap.equal(values("o"), [3])
    tap.equal(reinstate(source)["reinstated_count"], 2)
    tap.equal(values("o"), [1, 2, 3])
    reinstate(source, 409)
    # What was believed stays what it was, at every step.
    for seq, wanted in zip(range(before, before + 7), [[1, 2, 3], [2], [], [], [], [3], [1, 2, 3]]):
        tap.equal(values("o", as_of=seq), wanted, f"active ones as of {seq}")
    tap.equal(values("o", as_of=source["timestamp"]), [])


@tap.case("the retractions are listed, newest first, with what they did and what became of them")
def _():
    seq = assert_all(fact("l/a", 1), fact("l/a", 2))["assertions"][0]["seq"]
    one = retract(concept_path="l/a", predicate="p", reason="the first", from_seq=seq)
    two = retract(concept_path="l/a", reason="the second")
    undone = reinstate(one)
    newest = node.get("/v1/retractions?limit=2").json
    tap.equal([r["retraction_id"] for r in newest["retractions"]], [two["retraction_id"], one["retraction_id"]])
    second, first = newest["retractions"]
    tap.equal((second["status"], second["reinstated"], counts(second)), ("standing", None, (0, 0)))
    tap.equal((first["status"], first["reason"], counts(first)), ("reinstated", "the first", (2, 0)))
    tap.equal(first["request"], {"concept_path": "l/a", "from_seq": seq, "predicate": "p", "reason": "the first"})
    tap.equal(first["reinstated"], {"reinstatement_id": undone["reinstatement_id"], "seq": undone["seq"],
                                    "timestamp": undone["timestamp"], "reason": "undone", "reinstated_count": 0})
    then = node.get(f"/v1/retractions?limit=1&as_of={one['seq']}").json["retractions"][0]
    tap.equal((then["retraction_id"], then["status"]), (one["retraction_id"], "standing"))
    whole = node.get("/v1/retractions?limit=1000").json["retractions"]
    tap.equal([r["seq"] for r in whole], sorted((r["seq"] for r in whole), reverse=True))
    paged, cursor = [], ""
    while cursor is not None:
        page = node.get("/v1/retractions?limit=3" + (f"&cursor={cursor}" if cursor else "")).json
        if not cursor:
            retract(concept_path="l/a", reason="after the first page")
        paged += page["retractions"]
        cursor = page["next_cursor"]
    tap.equal(paged, whole, "what the pages hold")
    kinds = [e["kind"] for e in node.get(f"/v1/assertions?after_seq={one['seq'] - 1}&limit=3").json["entries"]]
    tap.equal(kinds, ["retraction", "retraction", "reinstatement"])


@tap.case("an Idempotency-Key gives the first answer again, and refuses other content, over a restart, too")
def _():
    assert_all(fact("k/a", 1), fact("k/b", 2))
    body, key = {"concept_path": "k/a", "reason": "once"}, {"Idempotency-Key": "r-1"}
    first = node.post("/v1/retract", body, headers=key)
    tap.equal((first.status, counts(first.json)), (200, (1, 0)))
    undo = {"retraction_id": first.json["retraction_id"], "reason": "sorry"}
    undone = node.post("/v1/reinstate", undo, headers=key)
    tap.equal((undone.status, undone.json["reinstated_count"]), (200, 1))
    for restart in (False, True):
        if restart:
            node.stop()
            node.start()
        again = node.post("/v1/retract", dict(reversed(body.items())), headers=key)
        tap.equal((again.status, again.json), (200, first.json))
        tap.equal(node.post("/v1/retract", {**body, "reason": "twice"}, headers=key).status, 409)
        again = node.post("/v1/reinstate", undo, headers=key)
        tap.equal((again.status, again.json), (200, undone.json))
        tap.equal(node.post("/v1/reinstate", {**undo, "reason": "x"}, headers=key).status, 409)
        tap.equal(values("k"), [1, 2])


@tap.case("a dry run tells what the retraction then does, and does nothing")
def _():
    parents = assert_all(fact("dry/a", "x", "source/dry"), fact("dry/a", "y", "source/other", confidence=0.5),
                         fact("dry/b", "x", "source/dry"), fact("dry/c", "z", "source/other"))["assertions"]
    assert_all(fact("dry/a", "x", "source/third", confidence=0.2), fact("dry/d", "w", derived_from=[parents[0]["id"]]),
               fact("dry/c", "z", derived_from=[parents[2]["id"]]))
    before = node.health()
    body = {"source": "source/dry", "cascade": True, "from_seq": parents[0]["seq"]}
    flips = {}
    for lens in ("recency", "consensus", "skeptic", "layered"):
        answer = node.post(f"/v1/retract?lens={lens}", {**body, "reason": "test", "dry_run": True})
        tap.equal(answer.status, 200, f"status of {answer}")
        dry = answer.json
        tap.equal((counts(dry), dry["lens"], dry["topics"], dry["complete"]), ((2, 2), lens, 4, True))
        flips[lens] = [(f["concept_path"], f["before"] and f["before"]["value"], f["after"] and f["after"]["value"])
                       for f in dry["flips"]]
        tap.equal(dry["as_of"]["seq"], before["last_seq"])
    gone = [("dry/b", "x", None), ("dry/d", "w", None)]
    tap.equal(flips["recency"], gone)
    tap.equal(flips["consensus"], [("dry/a", "x", "y")] + gone)
    tap.equal((flips["skeptic"], flips["layered"]), (flips["consensus"], flips["consensus"]))
    tap.equal({k: v for k, v in node.health().items() if k != "uptime_seconds"},
              {k: v for k, v in before.items() if k != "uptime_seconds"}, "health after dry runs")
    believed = {p: node.get(f"/v1/query?concept_path={p}&lens=consensus").json["resolved"] for p in ("dry/a", "dry/b")}
    real = retract(**body)
    tap.equal(counts(real), counts(dry), "counts of the retraction")
    for flip in dry["flips"]:
        path = flip["concept_path"]
        now = node.get(f"/v1/query?concept_path={path}&lens={dry['lens']}").json["resolved"]
        tap.equal([{"concept_path": path, "predicate": "p", **flip["after"]}] if flip["after"] else [], now, path)
    tap.equal(believed["dry/a"][0]["value"], "x")
    again = node.post("/v1/retract", {**body, "reason": "test", "dry_run": True}).json
    tap.equal((counts(again), again["topics"], again["flips"]), ((0, 0), 0, []))
    for target, more, pointer in [("?lens=no", {"dry_run": True}, "/lens"), ("?lens=timeline", {"dry_run": True}, "/lens"),
                                  ("?lens=recency", {}, "/lens")]:
        answer = node.post("/v1/retract" + target, {**body, "reason": "test", **more})
        tap.equal((answer.status, [e["pointer"] for e in answer.json["errors"]]), (422, [pointer]), f"answer to {target}")


@tap.case("a dry run tells the first 100 flips, and that there are more")
def _():
    assert_all(*[fact(f"hundred/{i:03}", i, "source/hundred") for i in range(130)])
    dry = retract(source="source/hundred", dry_run=True)
    tap.equal((counts(dry), dry["topics"], dry["complete"]), ((130, 0), 130, False))
    tap.equal([f["concept_path"] for f in dry["flips"]], [f"hundred/{i:03}" for i in range(100)])


@tap.case("a query lists retracted ones if it is asked to, and never counts them")
def _():
    ids = [a["id"] for a in assert_all(fact("inc/a", "old", "source/i"), fact("inc/a", "new", "source/i", confidence=0.7),
                                       fact("inc/a", "other", "source/j", confidence=0.6))["assertions"]]
    answer = retract(ids=[ids[1]], reason="wrong")
    for lens, wanted in (("recency", ["other", "new", "old"]), ("confidence", ["old", "new", "other"])):
        got = node.post("/v1/query", {"concept_path": "inc/a", "lens": lens, "include_retracted": True}).json
        tap.equal([a["value"] for a in got["assertions"]], wanted, f"what {lens} lists")
        tap.equal({a["value"]: (a["status"], a.get("retraction", {}).get("id")) for a in got["assertions"]},
                  {"old": ("active", None), "new": ("retracted", answer["retraction_id"]), "other": ("active", None)})
        plain = node.post("/v1/query", {"concept_path": "inc/a", "lens": lens}).json
        tap.equal(plain["resolved"], got["resolved"], f"what {lens} resolves")
        tap.equal([a["value"] for a in plain["assertions"]], [v for v in wanted if v != "new"])
    retract(concept_path="inc/a")
    got = node.post("/v1/query", {"concept_path": "inc/a", "include_retracted": True}).json
    tap.equal((len(got["assertions"]), got["resolved"]), (3, []))
    timeline = node.get("/v1/query?concept_path=inc/a&lens=timeline").json["assertions"]
    tap.equal({a["status"] for a in timeline if "value" in a}, {"retracted"})


@tap.case("what is wrong is said with pointers, and nothing is stored")
def _():
    assert_all(fact("w/a", 1))
    before, identifier = node.health()["last_seq"], "0" * 64
    for body, status, pointers in [
        ("[]", 400, None), ("{", 400, None), ("7", 400, None), ("{\"reason\":\"a\",\"reason\":\"b\"}", 400, None),
        ({}, 422, ["/reason", ""]), ({"reason": "r"}, 422, [""]), ({"concept_path": "w/a"}, 422, ["/reason"]),
        ({"concept_path": "w/a", "reason": ""}, 422, ["/reason"]),
        ({"concept_path": "w/a", "reason": 7}, 422, ["/reason"]),
        ({"concept_path": "w/a", "reason": "r" * 5000}, 422, ["/reason"]),
        ({"concept_path": "w//a", "reason": "r"}, 422, ["/concept_path"]),
        ({"concept_path": 7, "reason": "r"}, 422, ["/concept_path"]),
        ({"ids": [], "reason": "r"}, 422, ["/ids"]), ({"ids": "x", "reason": "r"}, 422, ["/ids"]),
        ({"ids": [identifier, "x", 7], "reason": "r"}, 422, ["/ids/1", "/ids/2"]),
        ({"batch": "x", "reason": "r"}, 422, ["/batch"]),
        ({"concept_path": "w/a", "reason": "r", "predicate": "a/b"}, 422, ["/predicate"]),
        ({"concept_path": "w/a", "reason": "r", "source": "a//b"}, 422, ["/source"]),
        ({"concept_path": "w/a", "reason": "r", "from_seq": 0}, 422, ["/from_seq"]),
        ({"concept_path": "w/a", "reason": "r", "from_seq": 1.5}, 422, ["/from_seq"]),
        ({"reason": "r", "from_seq": 5, "to_seq": 4}, 422, ["/to_seq"]),
        ({"concept_path": "w/a", "reason": "r", "cascade": "yes"}, 422, ["/cascade"]),
        ({"concept_path": "w/a", "reason": "r", "dry_run": 1}, 422, ["/dry_run"]),
        ({"concept_path": "w/a", "reason": "r", "colour": 1, "lens": "recency"}, 422, ["/colour", "/lens"]),
        ({"concept_path": "w/none", "reason": "r"}, 404, None), ({"ids": [identifier], "reason": "r"}, 404, None),
        ({"concept_path": "w/none", "reason": "r", "dry_run": True}, 404, None),
        ({"batch": "0" * 32, "reason": "r"}, 404, None),
        (json.dumps({"reason": "r", "ids": ["0" * 64] * 17000}), 413, None),
    ]:
        answer = node.post("/v1/retract", body)
        tap.equal(answer.status, status, f"status of {answer} to {str(body)[:100]}")
        tap.equal(answer.headers["content-type"], "application/problem+json")
        if pointers:
            tap.equal(sorted(e["pointer"] for e in answer.json["errors"]), sorted(pointers), f"pointers of {body}")
    for body, status, pointers in [
        ({}, 422, ["/reason", "/retraction_id"]), ({"retraction_id": "x", "reason": "r"}, 422, ["/retraction_id"]),
        ({"retraction_id": identifier, "reason": "r", "x": 1}, 422, ["/x"]), ("[]", 400, None),
        ({"retraction_id": identifier, "reason": "r"}, 404, None),
    ]:
        answer = node.post("/v1/reinstate", body)
        tap.equal(answer.status, status, f"status of {answer} to {body}")
        if pointers:
            tap.equal(sorted(e["pointer"] for e in answer.json["errors"]), pointers, f"pointers of {body}")
    tap.equal(node.post("/v1/retract", {"concept_path": "w/a", "reason": "r"}, headers={"Idempotency-Key": "a b"}).status, 400)
    tap.equal(node.post("/v1/retract?x=1", {"concept_path": "w/a", "reason": "r"}).status, 422)
    tap.equal(node.get("/v1/retract").status, 405)
    for target, status in [("/v1/why/" + identifier, 404), ("/v1/why/x", 404), ("/v1/why/" + identifier + "?limit=0", 422),
                           ("/v1/why/" + identifier + "?direction=up", 422), ("/v1/why/" + identifier + "?cursor=x", 422),
                           ("/v1/why/" + identifier + "?as_of=999999999", 422), ("/v1/retractions?limit=1001", 422),
                           ("/v1/retractions?cursor=x", 422), ("/v1/retractions?x=1", 422)]:
        tap.equal(node.get(target).status, status, f"status of {target}")
    stored = node.get("/v1/assertions?after_seq=" + str(before - 1)).json["entries"][0]["id"]
    tap.equal(node.post("/v1/reinstate", {"retraction_id": stored, "reason": "no retraction"}).status, 404)
    tap.equal(node.health()["last_seq"], before)


@tap.case("no reader ever sees half of a retraction, while others write")
def _():
    many = 400
    assert_all(*[fact(f"atom/{i}", i, "source/atom") for i in range(many)])
    done, faults, seen = threading.Event(), [], set()

    def read(match):
        while not done.is_set() and not faults:
            got = values("atom", match)
            seen.add(len(got))
            if len(got) not in (0, many):
                faults.append(f"{len(got)} of {many}")

    def write():
        while not done.is_set() and not faults:
            node.assert_one("atomic/other", -1, source="source/atom-writer")

    threads = [threading.Thread(target=read, args=("subtree",)) for _ in range(2)] + [threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(12):
            answer = retract(source="source/atom")
            tap.equal(counts(answer), (many, 0))
            tap.equal(reinstate(answer)["reinstated_count"], many)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    tap.equal(faults, [], "half of a retraction was seen")
    tap.equal(seen, {0, many}, "what readers saw")


@tap.case("others write while a retraction is computed, and what they wrote before its seq is covered")
def _():
    with Instance(env={"STEMEDB_FAULTS": "committer.retract.compute=sleep:1000"}) as other:
        other.assert_one("slow/0", 0, source="source/slow")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(
            other.post("/v1/retract", {"source": "source/slow", "reason": "slowly computed"})))
        thread.start()
        written = []
        while not answers and len(written) < 2000:
            written.append(other.assert_one(f"slow/{len(written) + 1}", 1, source="source/slow")["seq"])
            thread.join(0.001)
        thread.join()
        answer = answers[0].json
        tap.ok(len(written) > 3, f"only {len(written)} were written while it was computed")
        seq = other.get("/v1/retractions").json["retractions"][0]["seq"]
        tap.equal(answer["retracted_count"], 1 + sum(s < seq for s in written), "what was committed before it")
        left = other.get("/v1/query?concept_path=slow&match=subtree&limit=1000").json["assertions"]
        tap.equal(len(left), sum(s > seq for s in written), "what is active")
        retracting = time.monotonic()
        other.post("/v1/retract", {"source": "source/none", "reason": "nothing"})
        tap.ok(time.monotonic() - retracting > 0.9, "a retraction waits for its thread")


def check_killed(where, number, kill):
    """Retracts with a key while kill() does its work; all of it is there afterwards or nothing, and once it was repeated, all."""
    many, source, key = 300, f"source/kill-{number}", {"Idempotency-Key": f"kill-{number}"}
    parents = [fact(f"kill/{number}/{i}", i, source) for i in range(many)]
    parents = where.post("/v1/assert", parents).json["assertions"]
    children = [fact(f"kill/{number}/{i}", i, "source/child", derived_from=[p["id"]]) for i, p in enumerate(parents)]
    tap.equal(where.post("/v1/assert", children).status, 201)
    body = {"concept_path": source, "reason": "killed", "cascade": True}
    pid = where.pids("committer")[0]
    done = kill(pid)
    first = where.post("/v1/retract", body, headers=key)
    done()
    tap.ok(first.status in (200, 503), f"status of {first}")
    tap.wait_for(lambda: where.pids("committer") not in ([], [pid]), "new committer")
    where.wait_ready()
    query = {"concept_path": f"kill/{number}", "match": "subtree", "limit": 1000}
    left = len(where.post("/v1/query", query).json["assertions"])
    tap.ok(left in (0, 2 * many), f"{left} of {2 * many} are active after a kill")
    if first.status == 200:
        tap.equal(left, 0, "what an acknowledged retraction left")
    again = where.post("/v1/retract", body, headers=key)
    tap.equal((again.status, counts(again.json)), (200, (0, 2 * many)))
    tap.equal(where.post("/v1/query", query).json["assertions"], [])
    listed = [r for r in where.get("/v1/retractions?limit=50").json["retractions"]
              if r["request"].get("concept_path") == source]
    tap.equal(len(listed), 1, "retractions with this key")
    return left


@tap.case("after kill -9 in the middle a retraction is there whole, or not at all, and its key makes it so once")
def _():
    chance = random.Random(7)

    def kill(pid):
        timer = threading.Timer(chance.random() * 0.01, os.kill, (pid, signal.SIGKILL))
        timer.start()
        return timer.join

    for number in range(2):
        check_killed(node, number, kill)


# Where the committer dies, at which passage (the second retraction of its life, or its batch), and what then is left.
PLACES = [("committer.retract.computed", 2, 600), ("committer.after_append", 4, None), ("committer.after_flush", 4, 0),
          ("committer.before_reply", 4, 0)]


@tap.case("the same at each step of its commit")
def _():
    for number, (place, passage, wanted) in enumerate(PLACES):
        with Instance(env={"STEMEDB_FAULTS": f"{place}=kill@{passage}"}) as other:
            item = other.assert_one("kill/first", 1)
            if place.startswith("committer.retract"):
                tap.equal(other.post("/v1/retract", {"ids": [item["id"]], "reason": "the first"}).status, 200)
            left = check_killed(other, number, lambda pid: lambda: None)
            tap.ok(wanted in (None, left), f"{left} are active after a kill at {place}, not {wanted}")


@tap.case("a retraction that reaches too far for one transaction is refused, and its dry run foretells it")
def _():
    with Instance(env={"STEMEDB_FAULTS": "projection.cover.fits=fail+@1"}) as other:
        other.assert_one("far/a", 1)
        last, answers = other.health()["last_seq"], []
        for dry in (True, False):
            for path in ("far/a", "far/nothing"):
                answer = other.post("/v1/retract", {"concept_path": path, "reason": "r", "dry_run": dry})
                answers.append((answer.status, answer.json["detail"] if answer.status == 413 else None))
        tap.equal([status for status, _ in answers], [413, 404, 413, 404])
        tap.equal(answers[0], answers[2])
        tap.equal(other.health()["last_seq"], last, "entries")


@tap.case("indexes that are made anew from the history tell the same")
def _():
    def told():
        listed = node.get("/v1/retractions?limit=1000").json["retractions"]
        shown = node.get("/v1/query?concept_path=kill&match=subtree&include_retracted=true&limit=1000").json
        return listed, shown["assertions"], values("s"), values("o"), values("chain"), values("d")
    before = told()
    node.stop()
    shutil.rmtree(node.path("data", "db", "indexes"))
    node.start()
    tap.equal(told(), before, "what is told after a rebuild")


tap.run(finish=node.close, on_failure=lambda: "\n" + "\n".join(node.log().splitlines()[-20:]))
