#!/usr/bin/env python3
"""What was believed stays believed: the same questions get the same answers while others write, after kill -9, after the
indexes were made anew, and from a copy of the history in another node."""
import json
import os
import random
import shutil
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "node"))
from harness import Instance, tap  # noqa: E402

SEED = int(os.environ.get("STEMEDB_SEED", "1"))
LENSES = ("recency", "confidence", "authority", "consensus", "skeptic", "layered", "timeline")
SOURCES = [None, *(f"source/{name}" for name in "abcdefg")]
PATHS = ["w/a", "w/b", "w/a/x", "v"]
KEPT = ("concept_path", "predicate", "value", "confidence", "source", "derived_from", "observed_at", "valid_from", "valid_to")
dice = random.Random(SEED)
node = Instance()
requests = []  # (call, body) as sent; ids are those of this node
last_seq = 0


def not_busy(answer):
    """While a node restarts it says 503, and a client asks again."""
    return None if answer.status == 503 else answer


def send(call, body, statuses=(200, 201)):
    answer = tap.wait_for(lambda: not_busy(node.post(call, body)) if call == "/v1/query" else node.post(call, body), "answer", 20)
    tap.ok(answer.status in statuses, f"{call} {body}: {answer}")
    return answer.json if answer.status < 400 else None


def random_assertion(ids):
    body = {"concept_path": dice.choice(PATHS), "predicate": dice.choice("pq"), "value": dice.choice([1, 2, 2.5, "x", None])}
    source = dice.choice(SOURCES)
    if source:
        body["source"] = source
    if dice.random() < 0.7:
        body["confidence"] = dice.choice([0, 0.25, 0.5, 0.9, 1])
    if ids and dice.random() < 0.4:
        body["derived_from"] = sorted({dice.choice(ids[-10:]), dice.choice(ids)})
    return body


def make_history(count):
    """Asserts, trusts, retracts and reinstates at random."""
    ids, retractions = [], []
    for _ in range(count):
        what = dice.random()
        if what < 0.06:
            send("/v1/assert", {"concept_path": dice.choice(SOURCES[1:]), "predicate": "stemedb.trust", "value": dice.choice([0, 0.3, 0.5])})
        elif what < 0.12 and ids:
            body = {"reason": "test", "cascade": dice.random() < 0.5}
            kind = dice.choice(["ids", "concept_path", "source"])
            body[kind] = {"ids": [dice.choice(ids)], "concept_path": dice.choice(SOURCES[1:] + PATHS), "source": dice.choice(SOURCES[1:])}[kind]
            if body["cascade"] or kind == "ids":
                done = send("/v1/retract", body, (200, 404))
                if done:
                    retractions.append(done["retraction_id"])
        elif what < 0.16 and retractions:
            send("/v1/reinstate", {"retraction_id": retractions.pop(dice.randrange(len(retractions))), "reason": "test"})
        else:
            ids.append(send("/v1/assert", random_assertion(ids))["id"])
    return ids


def questions(last):
    """Queries of all lenses as of old moments."""
    for lens in LENSES:
        for seq in (last, last // 2, last // 3, 0):
            yield {"concept_path": "w", "match": "subtree", "lens": lens, "as_of": seq, "limit": 1000}
            yield {"concept_path": "w/a", "lens": lens, "as_of": seq, "limit": 1000, "include_retracted": True}


def answers(of, last):
    out = []
    for body in questions(last):
        answer = tap.wait_for(lambda body=body: not_busy(of.post("/v1/query", body)), "answer", 20)
        tap.equal(answer.status, 200, f"status of {body}: {answer}")
        out.append({name: value for name, value in answer.json.items() if name not in ("history", "next_cursor")})
    return out


def difference(a, b, path=""):
    """Where two values first differ."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return next((d for k in a for d in [difference(a[k], b[k], f"{path}/{k}")] if d), None)
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return next((d for i, (x, y) in enumerate(zip(a, b)) for d in [difference(x, y, f"{path}/{i}")] if d), None)
    return None if a == b else f"{path}: {str(a)[:300]}, not {str(b)[:300]}"


def compare(got, wanted, last, when):
    for body, a, b in zip(questions(last), got, wanted):
        tap.equal(difference(a, b), None, f"the answer to {body} {when}: what differs")


def kill(role="committer"):
    pids = node.pids(role)
    for pid in pids[:1]:
        os.kill(pid, signal.SIGKILL)
    tap.wait_for(lambda: node.pids(role) and node.pids(role) != pids, "another process", 20)
    node.wait_ready()


class Noise(threading.Thread):
    """Asserts and retracts beside the test, and counts."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopping, self.count, self.wrong = threading.Event(), 0, []

    def run(self):
        rng = random.Random(SEED + 1)
        while not self.stopping.is_set():
            made = node.post("/v1/assert", {"concept_path": rng.choice(PATHS), "predicate": "p", "value": self.count,
                                            "source": rng.choice(SOURCES[1:])})
            if made.status != 201:
                self.wrong.append(made)
            elif self.count % 5 == 0:
                done = node.post("/v1/retract", {"ids": [made.json["id"]], "reason": "noise"})
                if done.status != 200:
                    self.wrong.append(done)
            self.count += 1


@tap.case("a random history is taken")
def _():
    global last_seq
    make_history(300)
    last_seq = node.health()["last_seq"]


@tap.case("pages read while others write and retract are, put together, one large answer of that moment")
def _():
    noise = Noise()
    noise.start()
    try:
        for lens in LENSES:
            body, parts = {"concept_path": "w", "match": "subtree", "lens": lens, "limit": 7}, {"assertions": [], "resolved": []}
            before = noise.count
            while True:
                page = send("/v1/query", body)
                for name, part in parts.items():
                    part += page[name]
                if not page["next_cursor"]:
                    break
                body["cursor"] = page["next_cursor"]
            tap.wait_for(lambda: noise.count > before, "writing meanwhile", 20)
            whole = send("/v1/query", {"concept_path": "w", "match": "subtree", "lens": lens, "limit": 1000, "as_of": page["as_of"]["seq"]})
            for name, part in parts.items():
                tap.equal(json.dumps(part), json.dumps(whole[name]), f"{name} of {lens}")
    finally:
        noise.stopping.set()
        noise.join()
    tap.equal(noise.wrong, [], "refused writes")


@tap.case("after kill -9 of the committer or of a worker every answer is the same")
def _():
    wanted = answers(node, last_seq)
    for role in ("committer", "worker"):
        kill(role)
        compare(answers(node, last_seq), wanted, last_seq, f"after the {role} died")


@tap.case("a retraction whose node dies is whole or not there, and its key tells which")
def _():
    for attempt in range(6):
        path = f"big/{attempt}"
        lines = [{"concept_path": path, "predicate": "p", "value": i, "source": f"source/big{attempt}"} for i in range(3000)]
        tap.equal(node.import_lines(lines).json["accepted"], 3000, "accepted")
        body, headers = {"source": f"source/big{attempt}", "reason": "test"}, {"Idempotency-Key": f"big-{attempt}"}
        result = []

        def retract(body=body, headers=headers, result=result):
            try:
                result.append(node.post("/v1/retract", body, headers=headers))
            except OSError:
                pass
        thread = threading.Thread(target=retract)
        thread.start()
        time.sleep(dice.random() * 0.02)  # a random moment of it
        kill()
        thread.join()
        shown = len(send("/v1/query", {"concept_path": path, "limit": 1000})["assertions"])
        tap.ok(shown in (0, 1000), f"{shown} of 3000 are shown")
        if result and result[0].status == 200:
            tap.equal(shown, 0, "shown after a retraction that was acknowledged")
        again = tap.wait_for(lambda body=body, headers=headers: not_busy(node.post("/v1/retract", body, headers=headers)), "answer", 20)
        tap.equal(again.status, 200, f"status of {again}")
        tap.equal(again.json["retracted_count"], 3000, "retracted_count")
        tap.equal(len(send("/v1/query", {"concept_path": path, "limit": 1000})["assertions"]), 0, "shown in the end")


@tap.case("with new indexes every answer is the same")
def _():
    wanted = answers(node, last_seq)
    node.stop()
    shutil.rmtree(node.path("data/db/indexes"))
    node.start()
    compare(answers(node, last_seq), wanted, last_seq, "with new indexes")


def rename(value, names):
    """`value` with ids and batches as in `names`, and without times."""
    if isinstance(value, dict):
        return {k: rename(v, names) for k, v in value.items() if k not in ("timestamp", "batch", "decayed_at")}
    if isinstance(value, list):
        return [rename(v, names) for v in value]
    return names.get(value, value) if isinstance(value, str) else value


def copy_entry(other, entry, ids):
    if entry["kind"] == "assertion":
        body = rename({k: entry[k] for k in KEPT if k in entry}, ids)
        made = other.post("/v1/assert", body)
        tap.equal(made.status, 201, f"status of {made}")
        ids[entry["id"]] = made.json["id"]
        return
    request = rename(entry["request"], ids)
    call, member = ("/v1/retract", "retraction_id") if entry["kind"] == "retraction" else ("/v1/reinstate", "reinstatement_id")
    made = other.post(call, request)
    tap.equal(made.status, 200, f"status of {made} to {request}")
    ids[entry["id"]] = made.json[member]


@tap.case("the history sent to another node, entry by entry, gives the same answers there")
def _():
    feed = node.get(f"/v1/assertions?after_seq=0&limit={min(last_seq, 1000)}").json["entries"][:last_seq]
    tap.equal(len(feed), last_seq, "entries")
    wanted, ids = answers(node, last_seq), {}
    with Instance() as other:
        for entry in feed:
            copy_entry(other, entry, ids)
        compare([rename(a, {}) for a in answers(other, last_seq)], [rename(a, ids) for a in wanted], last_seq, "of the copy")


tap.run(node.close)
