#!/usr/bin/env python3
"""What docs/semantics.md says under "Settings and options" is what a node answers: its blocks of steps are done in order.

    assert SEQ BODY            the entry that has this seq where the example data was loaded first
    query BODY -> ANSWER       `resolved`
    order BODY -> SEQS         the seqs of `assertions`
    retract SEQ BODY           the entry with this seq
    diff SEQ LENS PREFIX -> CHANGES   what is believed otherwise since then, without what names the moments
"""
import json
import os
import re

from harness import TOP, Instance, tap

PAGE = os.path.join(TOP, "docs", "semantics.md")


def steps(page):
    for block in re.findall(r"```steps\n(.*?)```", page, re.S):
        yield from block.splitlines()


class Store:
    """A node, and which seqs and ids of it stand for which seqs of the page."""

    def __init__(self):
        self.node = Instance()
        self.seqs, self.ids = {}, {}

    def put(self, seq, body):
        answer = self.node.post("/v1/assert", json.loads(body))
        tap.equal(answer.status, 201, body)
        self.seqs[answer.json["seq"]] = int(seq)
        self.ids[answer.json["id"]] = f"<{seq}>"

    def retract(self, seq, body):
        answer = self.node.post("/v1/retract", json.loads(body))
        tap.equal(answer.status, 200, body)
        self.seqs[answer.json["seq"]] = int(seq)
        self.ids[answer.json["retraction_id"]] = f"<{seq}>"

    def diff(self, seq, lens, prefix):
        since = next(real for real, page in self.seqs.items() if page == int(seq))
        answer = self.node.get(f"/v1/diff?from={since}&lens={lens}&prefix={prefix}")
        tap.equal(answer.status, 200, prefix)
        changes = answer.json["changes"]
        for cause in (cause for change in changes for cause in change["causes"]):
            del cause["timestamp"]
        return json.dumps(self.told(changes), separators=(",", ":"), ensure_ascii=False)

    def told(self, value, name=None):
        """An answer as the page tells it."""
        if isinstance(value, dict):
            return {key: self.told(v, key) for key, v in value.items()}
        if isinstance(value, list):
            return [self.told(v) for v in value]
        if name and (name == "seq" or name.endswith("_seq")):
            return self.seqs[value]
        return self.ids.get(value, value) if isinstance(value, str) else value

    def ask(self, verb, body):
        answer = self.node.post("/v1/query", json.loads(body))
        tap.equal(answer.status, 200, body)
        if verb == "order":
            return ", ".join(str(self.seqs[a["seq"]]) for a in answer.json["assertions"])
        return json.dumps(self.told(answer.json["resolved"]), separators=(",", ":"), ensure_ascii=False)


def walk(store, page):
    """Each question with its answer and what the page says."""
    for step in steps(page):
        verb, rest = step.split(" ", 1)
        if verb == "assert":
            store.put(*rest.split(" ", 1))
        elif verb == "retract":
            store.retract(*rest.split(" ", 1))
        elif verb == "diff":
            question, wanted = rest.split(" -> ", 1)
            yield step, store.diff(*question.split()), wanted
        else:
            body, wanted = rest.split(" -> ", 1)
            yield step, store.ask(verb, body), wanted


if __name__ == "__main__":
    with open(PAGE) as f:
        text = f.read()
    STORE = Store()

    @tap.case("settings and options do what docs/semantics.md says")
    def _():
        count = 0
        for step, got, wanted in walk(STORE, text):
            tap.equal(got, wanted, step.split(" -> ")[0])
            count += 1
        tap.ok(count >= 15, f"only {count} questions")

    tap.run(finish=STORE.node.close)
