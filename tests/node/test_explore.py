#!/usr/bin/env python3
"""Concepts, sources, conflicts and differences of the example data, recomputed in the plainest way, under random retractions and
settings; and wrong input. STEMEDB_SEED=N draws others."""
import gzip
import json
import math
import os
import random
import urllib.parse

from harness import TOP, Instance, tap

SEED = int(os.environ.get("STEMEDB_SEED", "1"))
draw = random.Random(SEED)
node = Instance()
facts = []  # (seq, path, predicate, source, value as JSON, confidence), ascending
events = []  # (seq, kind, what): ("trust", (source, number)), ("retract", seqs), ("reinstate", seq of the retraction)

with gzip.open(os.path.join(TOP, "examples", "browser-support.ndjson.gz"), "rt") as lines:
    DATA = [json.loads(line) for line in lines]


def get(path, **parameters):
    return node.get(path + "?" + urllib.parse.urlencode(parameters))


def pages(path, member, **parameters):
    """All items of all pages."""
    items = []
    while True:
        answer = get(path, **parameters)
        tap.equal(answer.status, 200, f"status of {answer}")
        items += answer.json[member]
        if not answer.json["next_cursor"]:
            return items
        parameters["cursor"] = answer.json["next_cursor"]


def remember(seq, line):
    facts.append((seq, line["concept_path"], line["predicate"], line.get("source"),
                  json.dumps(line["value"], sort_keys=True), line.get("confidence", 1.0)))


# --- the plain model ---

def state(as_of):
    """Trust by source, and the seqs that are inactive, as of a seq."""
    trust, standing = {}, {}
    for seq, kind, what in events:
        if seq > as_of:
            break
        if kind == "trust":
            trust[what[0]] = what[1]
        elif kind == "retract":
            standing[seq] = what
        else:
            del standing[what]
    return trust, set().union(*standing.values())


def heads(as_of, inactive):
    """{(path, predicate): {source: fact}} of the newest active assertions."""
    topics = {}
    for fact in facts:
        if fact[0] <= as_of and fact[0] not in inactive:
            topics.setdefault(fact[1:3], {})[fact[3]] = fact
    return topics


def groups(topic, trust):
    """The groups of a topic, the winner's first: (weight, seq of the winner, facts)."""
    by_value = {}
    for source in sorted(topic, key=lambda s: (s or "").encode()):
        by_value.setdefault(topic[source][4], []).append(topic[source])
    out = []
    for members in by_value.values():
        weight = sum(f[5] * trust.get(f[3], 1.0) for f in members)
        out.append((weight, max((f[5], f[0]) for f in members)[1], members))
    top = max(group[0] for group in out)
    winner = max((group for group in out if top - group[0] <= 1e-9), key=lambda group: group[1])
    return [winner] + [group for group in out if group is not winner]


def conflict(parts):
    total = sum(weight for weight, _, _ in parts)
    shares = [weight / total if total > 0 else 1 / len(parts) for weight, _, _ in parts]
    entropy = -sum(share * math.log2(share) for share in shares if share > 0)
    return entropy / math.log2(len(parts)) if len(parts) > 1 else 0.0


def check_conflicts(as_of, prefix, least):
    trust, inactive = state(as_of)
    expected = {}
    for (path, predicate), topic in heads(as_of, inactive).items():
        if not prefix or path == prefix or path.startswith(prefix + "/"):
            parts = groups(topic, trust)
            # What is rounded differently here and there cannot tell whether it is in.
            if len(parts) > 1 and conflict(parts) >= least - 1e-11:
                expected[path, predicate] = conflict(parts)
    more = {"prefix": prefix} if prefix else {}
    got = pages("/v1/conflicts", "conflicts", as_of=as_of, min_conflict=least, limit=draw.choice([300, 1000]), **more)
    keys = [(-item["conflict"], item["concept_path"].encode(), item["predicate"].encode()) for item in got]
    tap.equal(keys, sorted(keys), "order of the conflicts")
    topics = {(item["concept_path"], item["predicate"]): item for item in got}
    tap.equal(len(topics), len(got), "topics that are listed once")
    tap.equal(set(topics), set(expected), "conflicts")
    for key, item in topics.items():
        if abs(item["conflict"] - expected[key]) > 1e-9:
            raise AssertionError(f"{key}: {item['conflict']}, not {expected[key]}")
        tap.equal(item["status"], "contested" if item["conflict"] >= 0.5 else "agreed", f"status of {item}")
    return len(got)


def check_sources(as_of):
    trust, inactive = state(as_of)
    expected = {}
    for fact in facts:
        if fact[0] <= as_of:
            line = expected.setdefault(fact[3], {"source": fact[3], "assertions": 0, "active": 0, "topics": 0,
                                                 "agreeing": 0, "trust": trust.get(fact[3], 1.0), "tier": 3,
                                                 "first": fact[0]})
            line["assertions"] += 1
            line["active"] += fact[0] not in inactive
            line["last"] = fact[0]
    for topic in heads(as_of, inactive).values():
        for i, (_, _, members) in enumerate(groups(topic, trust)):
            for fact in members:
                expected[fact[3]]["topics"] += 1
                expected[fact[3]]["agreeing"] += i == 0
    got = pages("/v1/sources", "sources", as_of=as_of, limit=draw.choice([1, 2, 100]))
    tap.equal([item["source"] for item in got], sorted(expected, key=lambda s: (s or "").encode()), "sources")
    for item in got:
        line = {**{k: item[k] for k in ("source", "assertions", "active", "topics", "agreeing", "trust", "tier")},
                "first": item["first_seen"]["seq"], "last": item["last_seen"]["seq"]}
        tap.equal(line, expected[item["source"]], f"as of {as_of}")
        share = line["agreeing"] / line["topics"] if line["topics"] else None
        tap.equal(item["agreement"], share, f"agreement of {item}")


def check_concepts(prefix):
    expected = {}
    for fact in facts:
        if prefix and not fact[1].startswith(prefix + "/"):
            continue
        rest = fact[1][len(prefix) + 1:] if prefix else fact[1]
        child = (prefix + "/" if prefix else "") + rest.split("/")[0]
        line = expected.setdefault(child, {"concept_path": child, "own": 0, "below": 0})
        line["own" if child == fact[1] else "below"] += 1
    got = pages("/v1/concepts", "children", prefix=prefix, limit=draw.choice([1, 3, 1000]) if prefix != "web" else 400)
    tap.equal([item["concept_path"] for item in got], sorted(expected, key=str.encode), f"children of {prefix!r}")
    for item in got:
        line = expected[item["concept_path"]]
        tap.equal((item["own"], item["own_more"], item["below"]), (min(line["own"], 100), line["own"] > 100, line["below"]),
                  f"counts of {item}")


# --- what happens ---

def say(body):
    answer = node.post("/v1/assert", body)
    tap.equal(answer.status, 201, f"status of {answer}")
    seq = answer.json["seq"]
    remember(seq, body)
    return seq


def set_trust(source, number):
    seq = say({"concept_path": source, "predicate": "stemedb.trust", "value": number})
    events.append((seq, "trust", (source, number)))


def retract(covers, **selection):
    """`covers` tells of a fact whether the selection holds for it."""
    answer = node.post("/v1/retract", {"reason": "test", **selection})
    tap.equal(answer.status, 200, f"status of {answer}")
    seq = node.health()["last_seq"]
    seqs = {f[0] for f in facts if f[0] < seq and covers(f)}
    events.append((seq, "retract", seqs))
    return seq, answer.json["retraction_id"]


def reinstate(retraction):
    answer = node.post("/v1/reinstate", {"reason": "test", "retraction_id": retraction[1]})
    tap.equal(answer.status, 200, f"status of {answer}")
    events.append((node.health()["last_seq"], "reinstate", retraction[0]))


def random_range():
    first = draw.randrange(1, len(DATA))
    last = min(first + draw.randrange(3000), len(DATA))
    return retract(lambda f: first <= f[0] <= last and not f[2].startswith("stemedb."), from_seq=first, to_seq=last)


def check_all(as_of=None):
    as_of = as_of or node.health()["last_seq"]
    check_conflicts(as_of, "", 0.5)
    check_conflicts(as_of, draw.choice(["web", "web/grid", "web/a", "source"]), draw.choice([0, 0.3, 0.95]))
    check_sources(as_of)


@tap.case("the example data: what is contested, who agrees, what is where")
def _():
    report = node.request("POST", "/v1/import", "".join(json.dumps(line) + "\n" for line in DATA),
                          {"Content-Type": "application/x-ndjson"}).json
    tap.equal((report["accepted"], report["rejected"]), (len(DATA), 0))
    for seq, line in enumerate(DATA, 1):
        remember(seq, line)
    contested = check_conflicts(len(DATA), "", 0.5)
    tap.ok(contested > 1500, f"{contested} contested topics")
    check_conflicts(len(DATA), "", 0)
    check_sources(len(DATA))
    for prefix in ["", "web", "web/grid", "web/a/firefox", "web/nothing"]:
        check_concepts(prefix)


@tap.case("the same after retractions, reinstatements, changes of trust and further assertions")
def _():
    retractions = [random_range()]
    set_trust("source/caniuse", 0.4)
    check_all()
    retractions.append(retract(lambda f: f[3] == "source/mdn-bcd" and not f[2].startswith("stemedb."),
                               source="source/mdn-bcd"))
    check_all()
    for line in draw.sample(DATA, 25):
        say({**line, "value": draw.choice(["1", "2", line["value"]])})
        say({"concept_path": line["concept_path"], "predicate": line["predicate"], "value": draw.choice([1, "x" * 900]),
             "source": draw.choice(["source/a", "source/a-b", "source/mdn-bcd"])})
    retractions.append(random_range())
    set_trust("source/web-features", draw.choice([0, 0.5]))
    check_all()
    reinstate(retractions[1])
    check_all()
    reinstate(retractions[0])
    check_all()


@tap.case("the same as of moments before")
def _():
    last = node.health()["last_seq"]
    for as_of in [1, draw.randrange(1, len(DATA)), draw.randrange(len(DATA), last + 1), last - 1]:
        check_all(as_of)
    for prefix in ["", "source", "web/grid"]:
        check_concepts(prefix)


def resolved_at(as_of, prefix, lens):
    """{(path, predicate): answer} of all topics at or below the prefix."""
    out = {}
    for item in pages("/v1/query", "resolved", concept_path=prefix, match="subtree", lens=lens, as_of=as_of, limit=1000):
        out[item.pop("concept_path"), item.pop("predicate")] = item
    return out


def bare(answer):
    return answer and {name: value for name, value in answer.items() if name != "winner"}


def check_diff(first, last, prefix, lens):
    before, after = resolved_at(first, prefix, lens), resolved_at(last, prefix, lens)
    wanted = sorted(key for key in before.keys() | after.keys() if bare(before.get(key)) != bare(after.get(key)))
    got = pages("/v1/diff", "changes", **{"from": first, "to": last}, prefix=prefix, lens=lens,
                limit=draw.choice([40, 1000]))
    tap.equal([(item["concept_path"], item["predicate"]) for item in got], wanted, f"what differs from {first} to {last}")
    kinds = set()
    for item in got:
        key = item["concept_path"], item["predicate"]
        tap.equal((item["before"], item["after"]), (before.get(key), after.get(key)), f"{key} from {first} to {last}")
        tap.ok(item["causes"], f"no cause of {item}")
        kinds |= {cause["kind"] for cause in item["causes"]}
        for cause in item["causes"]:
            if "seq" in cause:
                tap.ok(first < cause["seq"] <= last, f"{cause} from {first} to {last}")
    return kinds


@tap.case("what differs between two moments is what all topics compared at both say")
def _():
    last, kinds = node.health()["last_seq"], set()
    lenses = ["recency", "confidence", "authority", "consensus", "skeptic", "layered"]
    kinds |= check_diff(1, last, "web", draw.choice(lenses))
    kinds |= check_diff(len(DATA), last, "web", "consensus")
    for seq, _, _ in events:
        kinds |= check_diff(seq - 1, seq, draw.choice(["web/grid", "web/audio", "web/css"]), draw.choice(lenses))
    for _ in range(4):
        first = draw.randrange(last)
        kinds |= check_diff(first, draw.randrange(first, last + 1), draw.choice(["web/a", "web/grid"]), draw.choice(lenses))
    tap.equal(kinds, {"assertion", "retraction", "reinstatement", "setting"}, "kinds of causes")
    tap.equal(check_diff(last, last, "web/grid", "skeptic"), set())


@tap.case("a child with much below it, and names that sort around the separator")
def _():
    for path in ["z/a-b", "z/a/x/y", "z/a!/q", "z/a0", "z/b", "z/b/c", "z/\u00e9", "z/a.b/c", "y-x", "y/x", "y"]:
        for _ in range(draw.randrange(1, 4)):
            say({"concept_path": path, "predicate": "p", "value": draw.randrange(9)})
    body = "".join(json.dumps({"concept_path": "z/hot", "predicate": f"p{i % 7}", "value": i}) + "\n" for i in range(300))
    first = node.health()["last_seq"]
    tap.equal(node.request("POST", "/v1/import", body, {"Content-Type": "application/x-ndjson"}).json["accepted"], 300)
    for i, line in enumerate(body.splitlines()):
        remember(first + 1 + i, json.loads(line))
    for prefix in ["", "z", "z/a", "z/b", "y", "z/hot", "z/a!"]:
        check_concepts(prefix)
    check_sources(node.health()["last_seq"])


@tap.case("wrong input is refused by name")
def _():
    for path, parameters, pointers in [
            ("/v1/concepts", {"prefix": "a//b"}, ["/prefix"]), ("/v1/concepts", {"prefix": "a/"}, ["/prefix"]),
            ("/v1/concepts", {"prefix": "../x", "limit": 1001}, ["/prefix", "/limit"]),
            ("/v1/concepts", {"as_of": 3}, ["/as_of"]), ("/v1/concepts", {"prefix": "x" * 2000}, ["/prefix"]),
            ("/v1/sources", {"prefix": "a\x01"}, ["/prefix"]), ("/v1/sources", {"cursor": "x"}, ["/cursor"]),
            ("/v1/sources", {"as_of": 10 ** 9, "limit": 5}, ["/as_of"]), ("/v1/sources", {"as_of": "soon"}, ["/as_of"]),
            ("/v1/conflicts", {"min_conflict": "much", "limit": 0}, ["/min_conflict", "/limit"]),
            ("/v1/conflicts", {"min_conflict": 1.5, "lens": "recency"}, ["/min_conflict", "/lens"]),
            ("/v1/conflicts", {"predicate": "a/b"}, ["/predicate"]),
            ("/v1/diff", {"prefix": "/"}, ["/prefix", "/from"]), ("/v1/diff", {"from": 5, "to": 4}, ["/from"]),
            ("/v1/diff", {"from": 10 ** 9, "lens": "timeline", "to": "soon"}, ["/lens", "/to"]),
            ("/v1/diff", {"from": 10 ** 9}, ["/from"]), ("/v1/diff", {"from": 1, "to": 10 ** 9}, ["/to"])]:
        answer = get(path, **parameters)
        tap.equal(answer.status, 422, f"status of {path} {parameters}: {answer}")
        tap.equal([e["pointer"] for e in answer.json["errors"]], pointers, f"pointers of {path} {parameters}")
    for path in ["/v1/concepts", "/v1/sources", "/v1/conflicts", "/v1/diff"]:
        tap.equal(node.get(path + "?prefix=%zz").status, 400, path)
        tap.equal(node.get(path + "?prefix=%ff").status in (400, 422), True, path)
        tap.equal(node.post(path, {}).status, 405, path)
        tap.equal(node.get(path + "/x").status, 404, path)
    cursor = get("/v1/conflicts", limit=1).json["next_cursor"]
    tap.equal(get("/v1/conflicts", limit=5, cursor=cursor).status, 200)
    tap.equal(get("/v1/conflicts", cursor=cursor, min_conflict=0).json["errors"][0]["pointer"], "/cursor")
    tap.equal(get("/v1/sources", cursor=cursor).json["errors"][0]["pointer"], "/cursor")


tap.run(node.close)
