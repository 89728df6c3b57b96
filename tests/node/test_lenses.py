#!/usr/bin/env python3
"""Every topic of the example data under every lens, against answers worked out here from the list alone; and the history
proved from its feed by somebody who has nothing else."""
import gzip
import hashlib
import json
import math
import os
import random
import threading
from datetime import datetime, timezone

from harness import TOP, Instance, tap

LENSES = ("recency", "confidence", "authority", "consensus", "skeptic")
node = Instance()
facts = []  # as stored, by seq


# --- the lenses, from docs/semantics.md ---

def confidence(fact):
    return fact.get("confidence", 1)


def newest_first(items):
    return sorted(items, key=lambda f: -f["seq"])


class Topic:
    def __init__(self, items, trust):
        heads = {}
        for fact in items:  # by seq
            heads[fact.get("source")] = fact
        self.items, self.trust = items, lambda f: trust.get(f.get("source"), 1)
        self.heads = [heads[source] for source in sorted(heads, key=lambda s: (s or "").encode())]
        groups = {}
        for head in self.heads:
            groups.setdefault(json.dumps(head["value"], sort_keys=True), []).append(head)
        weigh = lambda group: sum(confidence(f) * self.trust(f) for f in group)
        best = lambda group: max(group, key=lambda f: (confidence(f), f["seq"]))
        total = sum(map(weigh, groups.values()))
        # Weights in the example differ by far more than 1e-9, or by rounding alone.
        self.groups = sorted(groups.values(), key=lambda g: (-round(weigh(g), 9), -best(g)["seq"]))
        self.winner = best(self.groups[0])
        self.shares = [weigh(g) / total if total else 1 / len(groups) for g in self.groups]
        self.level = {f["seq"]: round(weigh(g), 9) for g in self.groups for f in g}
        entropy = -sum(p * math.log2(p) for p in self.shares if p)
        self.conflict = entropy / math.log2(len(groups)) if len(groups) > 1 else 0
        self.status = "unanimous" if len(groups) == 1 else "agreed" if self.conflict < 0.5 else "contested"

    def order(self, lens):
        rank = {"recency": lambda f: (), "confidence": lambda f: (confidence(f),),
                "authority": lambda f: (self.trust(f), confidence(f))}.get(
                    lens, lambda f: (self.level.get(f["seq"], 0), confidence(f)))
        return sorted(self.items, key=lambda f: rank(f) + (f["seq"],), reverse=True)

    def check(self, lens, resolved):
        grouped = lens in ("consensus", "skeptic")
        winner = self.winner if grouped else self.order(lens)[0]
        where = f"{winner['concept_path']} under {lens}"
        tap.equal((resolved["winner"], resolved["value"]), (winner["id"], winner["value"]), where)
        close(resolved["confidence"], self.shares[0] if grouped else confidence(winner), where)
        close(resolved["conflict"], self.conflict, where)
        tap.equal(resolved["status"], self.status, where)
        tap.equal("candidates" in resolved, lens == "skeptic", where)
        for i, candidate in enumerate(resolved.get("candidates", [])):
            group = self.groups[i]
            tap.equal((candidate["value"], candidate["sources"]),
                      (group[0]["value"], [f.get("source") for f in group]), where)
            close(candidate["share"], self.shares[i], where)


def close(got, wanted, where):
    tap.ok(abs(got - wanted) < 1e-9, f"{where}: {got} is not {wanted}")


def check_everything(trust, as_of=None):
    """All pages of the subtree `web` under every lens."""
    topics = {}
    for fact in facts:
        topics.setdefault((fact["concept_path"].encode(), fact["predicate"].encode()), []).append(fact)
    topics = {key: Topic(topics[key], trust) for key in sorted(topics)}
    for lens in LENSES:
        query = {"concept_path": "web", "match": "subtree", "lens": lens, "limit": 1000}
        if as_of is not None:
            query["as_of"] = as_of
        seqs, resolved = [], []
        while True:
            answer = node.post("/v1/query", query).json
            seqs += [a["seq"] for a in answer["assertions"]]
            resolved += answer["resolved"]
            if answer["next_cursor"] is None:
                break
            query["cursor"] = answer["next_cursor"]
        tap.equal(seqs, [f["seq"] for topic in topics.values() for f in topic.order(lens)], f"order under {lens}")
        tap.equal([(r["concept_path"].encode(), r["predicate"].encode()) for r in resolved], list(topics))
        for topic, entry in zip(topics.values(), resolved):
            topic.check(lens, entry)


@tap.case("the example data is stored in its order")
def _():
    with gzip.open(os.path.join(TOP, "examples", "browser-support.ndjson.gz"), "rt") as f:
        lines = [json.loads(line) for line in f]
    tap.equal(node.import_lines(lines, timeout=120).json["accepted"], len(lines))
    stream = node.get("/v1/assertions", headers={"Accept": "application/x-ndjson"}, timeout=120)
    facts.extend(json.loads(line) for line in stream.body.splitlines())
    tap.equal([f["seq"] for f in facts], list(range(1, len(lines) + 1)))
    tap.equal([{name: f[name] for name in line} for f, line in zip(facts, lines)], lines)


@tap.case("every topic is resolved by every lens as the rules say")
def _():
    check_everything({})


@tap.case("trust decides from the moment on that it is asserted")
def _():
    trust = {"source/caniuse": 0.9, "source/mdn-bcd": 0.5, "source/web-features": 0.45}
    for source, number in trust.items():
        node.assert_one(source, 1, "stemedb.trust")
        node.assert_one(source, number, "stemedb.trust", source="source/us")
    check_everything(trust)
    check_everything({}, as_of=len(facts))


# --- pages beside writers ---

def pages(query):
    """Seq of the snapshot, assertions and resolved answers of all pages."""
    assertions, resolved, cursor = [], [], {}
    while True:
        answer = node.post("/v1/query", {**query, **cursor}).json
        assertions += answer["assertions"]
        resolved += answer["resolved"]
        if answer["next_cursor"] is None:
            return answer["as_of"]["seq"], assertions, resolved
        cursor = {"cursor": answer["next_cursor"]}


def write(seed):
    """Imports lines that contradict each other, trust among them."""
    dice = random.Random(seed)
    for _ in range(40):
        lines = [{"concept_path": f"live/{dice.randrange(8)}", "predicate": dice.choice("pq"), "value": dice.randrange(3),
                  "confidence": dice.randrange(11) / 10, "source": f"source/{dice.randrange(6)}"} for _ in range(5)]
        lines.append({"concept_path": f"source/{dice.randrange(6)}", "predicate": "stemedb.trust",
                      "value": dice.randrange(11) / 10})
        tap.equal(node.import_lines(lines).json["accepted"], len(lines))


@tap.case("all pages are of one snapshot while others write, and the same later")
def _():
    writers = [threading.Thread(target=write, args=(seed,)) for seed in (1, 2)]
    for writer in writers:
        writer.start()
    seen = []
    while any(writer.is_alive() for writer in writers):
        query = {"concept_path": "live", "match": "subtree", "lens": LENSES[len(seen) % len(LENSES)]}
        seen.append((query, pages({**query, "limit": 7 + len(seen)})))
    for writer in writers:
        writer.join()
    tap.ok(len({snapshot for _, (snapshot, _, _) in seen}) > 2, "nobody wrote meanwhile")
    for query, (snapshot, assertions, resolved) in seen:
        tap.ok(all(a["seq"] <= snapshot for a in assertions), "an assertion is above its snapshot")
        tap.equal(len({a["seq"] for a in assertions}), len(assertions), "number of different assertions")
        again = pages({**query, "limit": 1000, "as_of": snapshot})
        tap.ok(again == (snapshot, assertions, resolved), f"as of {snapshot} {query['lens']} now answers otherwise")


# --- the proof, from docs/test-vectors.md ---

def sha256(data):
    return hashlib.sha256(data).digest()


def item(kind, data):
    return bytes([kind]) + len(data).to_bytes(2, "big") + data


SERVER = (("recorded_by", 1, str.encode), ("batch", 2, bytes.fromhex), ("key_scope", 3, str.encode),
          ("key_hash", 4, bytes.fromhex), ("index", 5, lambda n: n.to_bytes(4, "big")), ("salt", 6, bytes.fromhex))
OTHER = ("kind", "seq", "timestamp", "id")


def leaf(entry):
    """The leaf hash of an entry of the feed, whose id must be right."""
    body = {name: value for name, value in entry.items() if name not in OTHER and name not in [s[0] for s in SERVER]}
    canonical = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    value = sha256(bytes.fromhex(entry["salt"]) + canonical(body["value"]))
    content = sha256(canonical({**body, "value": value.hex()}))
    since = datetime.strptime(entry["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    delta = since - datetime(1970, 1, 1, tzinfo=timezone.utc)
    micros = (delta.days * 86400 + delta.seconds) * 1000000 + delta.microseconds
    place = entry["seq"].to_bytes(8, "big") + micros.to_bytes(8, "big")
    kind = bytes([1])
    own_id = hashlib.blake2b(b"stemedb-id-1" + kind + content + place, digest_size=32).digest()
    tap.equal(own_id.hex(), entry["id"], f"id of entry {entry['seq']}")
    server = b"".join(item(kind_of, encode(entry[name])) for name, kind_of, encode in SERVER if name in entry)
    return sha256(b"\0stemedb-leaf-1" + kind + place + own_id + sha256(server) + content)


def root(leaves):
    """RFC 9162, section 2.1.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\1" + root(leaves[:split]) + root(leaves[split:]))


@tap.case("ids and the root of the history follow from the feed alone")
def _():
    more = [{"concept_path": "odd/\"\\\u00e9\U0001f600", "predicate": "p q", "value": {"b": [1.5, "\u2028\n\x7f"], "a": None},
             "source": "source/ \u00fc", "confidence": 0.25, "valid_from": "2020-01-01T00:00:00.5Z"}]
    tap.equal(node.post("/v1/assert", more, headers={"Idempotency-Key": "k"}).status, 201)
    health = node.health()
    stream = node.get("/v1/assertions", headers={"Accept": "application/x-ndjson"}, timeout=120)
    entries = [json.loads(line) for line in stream.body.splitlines()]
    tap.equal(len(entries), health["last_seq"])
    leaves = [leaf(entry) for entry in entries]
    tap.equal(root(leaves).hex(), health["history_root"])
    for seq in (1, 255, 256, 257, 10000):
        tap.equal(root(leaves[:seq]).hex(), node.get(f"/v1/history?seq={seq}").json["history_root"], f"root at {seq}")


tap.run(finish=node.close)
