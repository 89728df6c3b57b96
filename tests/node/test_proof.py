#!/usr/bin/env python3
"""Proofs of /v1/history/proof, checked in Python alone, against leaves computed in Python from the feed."""
import json
import random

from harness import Instance, tap
import history

ENTRIES = 1300  # five blocks of 256 leaves and a beginning
node = Instance()
random.seed(9162)
tap.equal(node.import_lines([{"concept_path": f"a/{i % 7}", "predicate": "p", "value": i} for i in range(ENTRIES)]).status, 200)
feed = node.get("/v1/assertions?after_seq=0", headers={"Accept": "application/x-ndjson"}).body
leaves = [history.digests(json.loads(line))[1] for line in feed.splitlines()]
PLACES = [1, 2, 3, 128, 255, 256, 257, 511, 512, 513, 1024, 1025, 1279, 1280, 1281, ENTRIES]


def root(size):
    return bytes.fromhex(history.root(leaves[:size]))


def nodes(answer):
    return [bytes.fromhex(node_hash) for node_hash in answer["proof"]]


def pairs():
    for high in PLACES:
        for low in PLACES:
            if low <= high:
                yield low, high
    for _ in range(40):
        high = random.randint(1, ENTRIES)
        yield random.randint(1, high), high


@tap.case("any entry is proved to be in the history at any later seq")
def _():
    for seq, at in pairs():
        answer = node.get(f"/v1/history/proof?seq={seq}&at={at}").json
        tap.equal((answer["seq"], answer["at"]), (seq, at))
        tap.equal(bytes.fromhex(answer["leaf"]), leaves[seq - 1], f"leaf {seq}")
        tap.equal(bytes.fromhex(answer["history_root"]), root(at), f"root at {at}")
        proof = nodes(answer)
        tap.ok(history.includes(proof, seq, leaves[seq - 1], at, root(at)), f"entry {seq} at {at}")
        tap.ok(not history.includes(proof, seq, leaves[seq % ENTRIES], at, root(at)), f"another leaf at {seq}, {at}")


@tap.case("any beginning of the history is proved to be one")
def _():
    for low, high in pairs():
        answer = node.get(f"/v1/history/proof?from={low}&to={high}").json
        tap.equal((answer["from"], answer["to"]), (low, high))
        tap.equal(bytes.fromhex(answer["from_root"]), root(low), f"root at {low}")
        tap.equal(bytes.fromhex(answer["to_root"]), root(high), f"root at {high}")
        proof = nodes(answer)
        tap.ok(history.is_prefix(proof, low, root(low), high, root(high)), f"{low} of {high}")
        if low < high:
            tap.ok(not history.is_prefix(proof, low, root(high), high, root(high)), f"another root at {low} of {high}")


@tap.case("the newest entry is meant when the end is not given")
def _():
    health = node.health()
    prefix = node.get("/v1/history/proof?from=5").json
    inclusion = node.get("/v1/history/proof?seq=5").json
    tap.equal((prefix["to"], prefix["to_root"], prefix["history"]),
              (health["last_seq"], health["history_root"], health["history"]))
    tap.equal((inclusion["at"], inclusion["history_root"]), (health["last_seq"], health["history_root"]))


@tap.case("what cannot be proved is refused, with the parameter that is wrong")
def _():
    for query, pointer in (("", "/seq"), ("?to=3", "/from"), ("?at=3", "/seq"), ("?from=0", "/from"), ("?seq=0", "/seq"),
                           ("?from=4&to=3", "/from"), ("?seq=4&at=3", "/seq"), (f"?from=1&to={ENTRIES + 1}", "/to"),
                           (f"?seq=1&at={ENTRIES + 1}", "/at"), (f"?from={ENTRIES + 1}", "/from"),
                           ("?from=1&seq=1", "/seq"), ("?from=1&at=1", "/at"), ("?from=x", "/from"),
                           ("?from=1&until=2", "/until")):
        answer = node.get("/v1/history/proof" + query)
        tap.equal((answer.status, [e["pointer"] for e in answer.json["errors"]]), (422, [pointer]), query)


tap.run(node.close)
