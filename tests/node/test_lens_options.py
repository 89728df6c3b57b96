#!/usr/bin/env python3
"""Random histories with settings, times and retractions, and random queries with every option under every lens, against the
model in lens_model.py. STEMEDB_SEED begins with another seed, STEMEDB_QUERIES asks more."""
import json
import os
import random

from harness import Instance, tap
from lens_model import Model, micros, same

LENSES = ("recency", "confidence", "authority", "consensus", "skeptic", "layered", "timeline")
PATHS = ("w", "w/a", "w/a/b", "w/c", "w-x", "v")
SOURCES = (None, "s/a", "s/b", "s/c", "s/d", "s/e\u00e9")
PREDICATES = ("p", "many", "near")
VALUES = (1, 1.5, 2, 2.25, 2.6, -3, "1", None, True, [1], 0.3, 0.4, 9007199254740993, 9007199254740992)
DAYS = [f"2026-0{month}-{day}T00:00:00Z" for month in (1, 5, 9) for day in ("01", "15")]
node = Instance()
dice = random.Random(int(os.environ.get("STEMEDB_SEED", 4)))
queries = int(os.environ.get("STEMEDB_QUERIES", 600))


def assertion():
    out = {"concept_path": dice.choice(PATHS), "predicate": dice.choice(PREDICATES), "value": dice.choice(VALUES)}
    if dice.random() < 0.9:
        out["confidence"] = dice.choice((0, 0.1, 0.2, 0.3, 0.5, 0.9, 1))
    source = dice.choice(SOURCES)
    if source:
        out["source"] = source
    if dice.random() < 0.5:
        out["observed_at"] = dice.choice(DAYS)
    if dice.random() < 0.2:
        out["valid_from"] = dice.choice(DAYS[:3])
    if dice.random() < 0.2:
        out["valid_to"] = dice.choice(DAYS[3:])
    return out


def setting():
    about, source = dice.choice(SOURCES[1:]), dice.choice(("s/admin", None, "s/other"))
    predicate, value = dice.choice([("trust", dice.choice((0, 0.5, 0.25, 1))), ("tier", dice.randrange(6)),
                                    ("half_life_days", dice.choice((1, 30, 0.5, 365))), ("cardinality", None),
                                    ("tolerance", None), ("same_as", None)])
    if predicate == "cardinality":
        about, value = "predicate/many", dice.choice(("many", "many", "one"))
    if predicate == "tolerance":
        about, value = "predicate/near", dice.choice((0.1, 0.25, 0.5, 1, 0))
    if predicate == "same_as":
        about, value = dice.sample(PATHS, 2)
    out = {"concept_path": about, "predicate": "stemedb." + predicate, "value": value}
    return {**out, "source": source} if source else out


def grow(rounds):
    """Asserts, retracts some by id, reinstates some of these."""
    known, standing = [], []
    for _ in range(rounds):
        batch = [setting() if dice.random() < 0.15 else assertion() for _ in range(dice.randrange(1, 8))]
        known += [a["id"] for a in node.post("/v1/assert", batch).json["assertions"]]
        if dice.random() < 0.3:
            request = {"ids": dice.sample(known, min(len(known), dice.randrange(1, 5))), "reason": "because"}
            answer = node.post("/v1/retract", request)
            tap.equal(answer.status, 200)
            standing.append(answer.json["retraction_id"])
        if standing and dice.random() < 0.15:
            request = {"retraction_id": standing.pop(dice.randrange(len(standing))), "reason": "after all"}
            tap.equal(node.post("/v1/reinstate", request).status, 200)


def question(model):
    query = {"concept_path": dice.choice(PATHS), "lens": dice.choice(LENSES)}

    def maybe(chance, name, value):
        if dice.random() < chance:
            query[name] = value
    maybe(0.4, "match", "subtree")
    if "match" not in query:
        maybe(0.4, "aliases", True)
    maybe(0.3, "predicate", dice.choice(PREDICATES))
    maybe(0.15, "source", dice.choice(SOURCES))
    maybe(0.5, "as_of", dice.choice((dice.randrange(1, len(model.entries) + 1), dice.choice(model.entries)["timestamp"])))
    maybe(0.3, "valid_at", dice.choice(DAYS))
    maybe(0.4, "decay", True)
    maybe(0.2, "min_confidence", dice.choice((0.1, 0.25, 0.5)))
    maybe(0.2, "include_retracted", True)
    maybe(0.2, "exclude_sources", dice.sample(SOURCES, 2))
    maybe(0.2, "trust_override", {s or "": dice.choice((0, 0.3, 1)) for s in dice.sample(SOURCES, 2)})
    return query


def pages(query, limit):
    """The seqs of all pages, what is resolved, and the first page."""
    seqs, resolved, first, cursor = [], [], None, {}
    while True:
        answer = node.post("/v1/query", {**query, "limit": limit, **cursor})
        tap.equal(answer.status, 200, f"{json.dumps(query)} {answer.body}")
        page = answer.json
        first = first or page
        tap.equal((page["as_of"], page.get("decayed_at")), (first["as_of"], first.get("decayed_at")))
        seqs += [a["seq"] for a in page["assertions"]]
        resolved += page["resolved"]
        if page["next_cursor"] is None:
            return seqs, resolved, first
        cursor = {"cursor": page["next_cursor"]}


def entries():
    stream = node.get("/v1/assertions", headers={"Accept": "application/x-ndjson"}, timeout=60)
    return [json.loads(line) for line in stream.body.splitlines()]


def check(model, query):
    seqs, resolved, first = pages(query, dice.choice((3, 7, 100)))
    moment = micros(first["decayed_at"]) if query.get("decay") else None
    if query.get("decay") and "as_of" in query:
        tap.equal(moment, micros(query["as_of"] if isinstance(query["as_of"], str) else first["as_of"]["timestamp"]))
    wanted = model.answer(query, first["as_of"]["seq"], moment)
    if seqs != wanted[0] or not same(resolved, wanted[1]):
        tap.ok(False, f"{json.dumps(query)}\n# seqs {seqs}\n# not  {wanted[0]}\n# resolved {json.dumps(resolved)}\n# not      "
               f"{json.dumps(wanted[1])}")
    return len(resolved)


explained, flipped = set(), 0  # reasons that were compared; flips


def check_explain(model, query):
    query = {**query, "explain": True, "lens": dice.choice(LENSES[:-1]), "limit": 1000}
    first = node.post("/v1/query", query).json
    moment = micros(first["decayed_at"]) if query.get("decay") else None
    for resolved in first["resolved"]:
        wanted = model.explain(query, first["as_of"]["seq"], moment, resolved["concept_path"], resolved["predicate"])
        got = resolved["explain"]
        tap.ok(same(got, wanted), f"{json.dumps(query)}\n# explains {json.dumps(got)}\n# not      {json.dumps(wanted)}")
        explained.update(out["reason"] for out in got["left_out"])
        explained.update("superseded" for item in got["considered"] if "superseded_by" in item)


def check_dry_run(model):
    global flipped
    facts = [e for e in model.entries if e["kind"] == "assertion"]
    request = {"reason": "what if"}
    if dice.random() < 0.5:
        request["concept_path"] = dice.choice(PATHS)
    if dice.random() < 0.4:
        request["ids"] = [e["id"] for e in dice.sample(facts, 3)]
    if dice.random() < 0.5 or len(request) == 1:
        request["source"] = dice.choice(SOURCES)
    if dice.random() < 0.3:
        request["predicate"] = dice.choice(PREDICATES)
    if dice.random() < 0.2:
        request["from_seq"] = dice.randrange(1, len(model.entries))

    def covers(e):
        selected = e["id"] in request.get("ids", ()) or e["concept_path"] == request.get("concept_path") or not {"ids", "concept_path"} & request.keys()
        narrowed = (request.get("predicate", e["predicate"]) == e["predicate"] and e["seq"] >= request.get("from_seq", 0) and
                    ("source" not in request or request["source"] == e.get("source")))
        return selected and narrowed and (not e["predicate"].startswith("stemedb.") or e["id"] in request.get("ids", ()))
    covered, lens = [e for e in facts if covers(e)], dice.choice(LENSES[:-1])
    answer = node.post(f"/v1/retract?lens={lens}", {**request, "dry_run": True})
    tap.equal(answer.status, 200 if covered else 404, f"status of {request}: {answer}")
    if covered:
        count, topics, flips = model.dry_run(covered, lens)
        got = answer.json
        tap.equal((got["retracted_count"], got["cascaded_count"], got["topics"], got["complete"]), (count, 0, topics, True), f"{request}")
        tap.ok(same(got["flips"], flips), f"{lens} {json.dumps(request)}\n# flips {json.dumps(got['flips'])}\n# not   {json.dumps(flips)}")
        flipped += len(flips)


def check_sources(model, snapshot):
    got = node.get(f"/v1/sources?as_of={snapshot}&limit=1000").json["sources"]
    wanted = model.sources(snapshot)
    tap.equal({s["source"] for s in got}, set(wanted), "sources")
    for line in got:
        of_model = wanted[line["source"]]
        tap.ok(same({name: line[name] for name in of_model}, of_model), f"as of {snapshot} {line} is not {of_model}")


@tap.case("random queries with all options are answered as the model says, and explained; dry runs tell what would flip, and sources who agrees")
def _():
    resolved = 0
    for _ in range(3):
        grow(25)
        model = Model(entries())
        for _ in range(queries // 3):
            resolved += check(model, question(model))
        for _ in range(queries // 12):
            check_explain(model, question(model))
        for _ in range(queries // 30):
            check_dry_run(model)
        for snapshot in (len(model.entries), dice.randrange(1, len(model.entries))):
            check_sources(model, snapshot)
    tap.equal(explained >= {"source", "exclude_sources", "valid_at", "min_confidence", "retracted", "superseded"}, True, f"explained were {explained}")
    tap.ok(flipped > 5, f"only {flipped} answers would flip")
    tap.ok(resolved > queries / 2, f"only {resolved} topics were resolved")


def same_as(path, other):
    return {"concept_path": path, "predicate": "stemedb.same_as", "value": other}


@tap.case("no class of aliases has more than 64 paths")
def _():
    chain = [same_as(f"chain/{i}", f"chain/{i + 1}") for i in range(63)]
    refused = node.post("/v1/assert", chain + [same_as("chain/63", "chain/64")])
    tap.equal((refused.status, [e["pointer"] for e in refused.json["errors"]]), (422, ["/63/value"]))
    tap.equal(node.post("/v1/assert", chain).status, 201)
    query = {"concept_path": "chain/7", "aliases": True}
    tap.equal(len(node.post("/v1/query", query).json["aliases"]), 64)
    tap.equal(node.post("/v1/assert", same_as("elsewhere", "chain/30")).status, 422)
    tap.equal(node.post("/v1/assert", same_as("chain/62", "chain/0")).status, 201)
    tap.equal(len(node.post("/v1/query", query).json["aliases"]), 63)
    report = node.import_lines([same_as(f"star/{i}", "star") for i in range(66)]).json
    tap.equal((report["accepted"], [e["line"] for e in report["errors"]]), (63, [64, 65, 66]))
    tap.equal(report["errors"][0]["detail"], "/value: would make more than 64 paths the same concept")


tap.run(finish=node.close)
