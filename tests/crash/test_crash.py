#!/usr/bin/env python3
"""Nothing acknowledged is lost: while clients write, a random process of the node is killed with SIGKILL, again and again.

Writers note each acknowledged seq, id and value in a side file. In between and at the end every noted entry must be in the
history, seqs without a gap, ids and root as anybody can recompute them, each keyed write there exactly once. Clients may
see nothing but 2xx and 503 with Retry-After; an import may be cut off. CRASH_ROUNDS (default 100) and CRASH_SEED are read from the
environment."""
import http.client
import json
import os
import random
import signal
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "node"))
from harness import Instance, alive, read_answer, tap  # noqa: E402
import history  # noqa: E402

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "100"))
SEED = int(os.environ.get("CRASH_SEED", str(random.SystemRandom().randrange(1 << 32))))
WRITERS = 6
IMPORT_LINES = 2000
IMPORT_PAUSE_S = 4  # so that a thousand rounds do not fill the history with millions of lines
VERIFY_EVERY = 25
DEADLINE_S = 60


class Acknowledged:
    """The side file, and the same in memory."""

    def __init__(self, path):
        self.file = open(path, "w", buffering=1)
        self.lock = threading.Lock()
        self.entries = {}
        self.after, self.first_after = None, None  # when the first request was acknowledged that was sent after `after`
        self.wrong = []  # answers that no client may see

    def note(self, seq, ident, value, sent):
        with self.lock:
            self.entries[seq] = (ident, value)
            if self.after is not None and self.first_after is None and sent > self.after:
                self.first_after = time.monotonic()
            self.file.write(f"{seq} {ident} {value}\n")

    def watch(self):
        with self.lock:
            self.after, self.first_after = time.monotonic(), None

    def complain(self, what):
        with self.lock:
            self.wrong.append(what)

    def count(self):
        with self.lock:
            return len(self.entries)


class Client(threading.Thread):
    """Sends requests until it is told to stop; a request that got 503 is repeated with its key."""

    def __init__(self, node, acknowledged, number):
        super().__init__()
        self.node, self.acknowledged, self.number = node, acknowledged, number
        self.stopping = threading.Event()
        self.connection = None

    def send(self, method, path, body, headers):
        """The answer; None where the connection broke before any answer."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.node.api_port, timeout=DEADLINE_S)
            self.connection.request(method, path, body, headers)
            return read_answer(self.connection.getresponse())
        except (http.client.HTTPException, OSError) as error:
            self.connection.close()
            self.connection = None
            # nginx is never killed here, so a plain request always gets an answer.
            if path != "/v1/import":
                self.acknowledged.complain(f"{path}: {error!r}")
            return None

    def check(self, answer):
        """Whether it is a success; anything else must be 503 with Retry-After."""
        if answer is None or 200 <= answer.status < 300:
            return answer is not None
        if answer.status != 503 or "retry-after" not in answer.headers:
            self.acknowledged.complain(repr(answer))
        return False

    def run(self):
        turn = 0
        while not self.stopping.is_set():
            turn += 1
            self.turn(turn)


class Writer(Client):
    """Single asserts and small arrays, all keyed."""

    def turn(self, turn):
        value = f"{self.number}-{turn}"
        body = {"concept_path": f"crash/{self.number}", "predicate": "p", "value": value, "source": f"source/{turn % 3}"}
        several = turn % 10 == 0
        headers = {"Content-Type": "application/json", "Idempotency-Key": value}
        text = json.dumps([dict(body, value=f"{value}-{i}") for i in range(5)] if several else body)
        while True:
            sent = time.monotonic()
            answer = self.send("POST", "/v1/assert", text, headers)
            if self.check(answer):
                break
            if self.stopping.wait(0.01):
                return  # whether it is stored nobody was told
        stored = answer.json["assertions"] if several else [answer.json]
        for assertion in stored:
            self.acknowledged.note(assertion["seq"], assertion["id"], assertion["value"], sent)


class Importer(Client):
    """An import that is resumed with its key until it went through whole."""

    def turn(self, turn):
        text = "".join(json.dumps({"concept_path": f"import/{i % 50}", "predicate": "p", "value": f"import-{turn}-{i}"}) + "\n"
                       for i in range(IMPORT_LINES))
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": f"import-{turn}"}
        while not self.stopping.is_set():
            answer = self.send("POST", "/v1/import", text, headers)
            if self.check(answer):
                if answer.json["accepted"] + answer.json["duplicates"] != IMPORT_LINES:
                    self.acknowledged.complain(f"import: {answer}")
                self.completed = turn
                self.stopping.wait(IMPORT_PAUSE_S)
                return
            self.stopping.wait(0.01)

    completed = 0


class Reader(Client):
    def turn(self, turn):
        answer = self.send("GET", f"/v1/query?concept_path=crash/{turn % WRITERS}&limit=20&lens=consensus", None, {})
        self.check(answer)
        self.stopping.wait(0.002)


class Crash:
    def __init__(self, node, acknowledged, dice):
        self.node, self.acknowledged, self.dice = node, acknowledged, dice
        self.back = {"committer": [], "worker": [], "supervisor": []}

    def kill(self):
        """(role, pid) of whom it killed. The list of pids may be older than the node."""
        role = self.dice.choice(["committer", "committer", "worker", "worker", "supervisor"])
        while True:
            pid = self.dice.choice(self.node.pids(role))
            try:
                os.kill(pid, signal.SIGKILL)
                return role, pid
            except ProcessLookupError:
                continue

    def round(self):
        # The moment is random in work done, not in time.
        goal = self.acknowledged.count() + self.dice.randrange(1, 120)
        tap.wait_for(lambda: self.acknowledged.count() >= goal, "acknowledged writes under load", DEADLINE_S)
        others = [p for r in ("committer", "worker") for p in self.node.pids(r)]
        killed = time.monotonic()
        role, pid = self.kill()
        tap.wait_for(lambda: not any(alive(p) for p in [pid] + others), "end of all of the old node's processes", DEADLINE_S)
        self.acknowledged.watch()
        if role == "supervisor":
            killed = time.monotonic()
            self.node.start()
        tap.wait_for(lambda: self.acknowledged.first_after, "an acknowledged write after the kill", DEADLINE_S)
        self.back[role].append(self.acknowledged.first_after - killed)


def feed(node):
    """All entries, as the stream has them."""
    answer = node.get("/v1/assertions", headers={"Accept": "application/x-ndjson"}, timeout=120)
    tap.equal(answer.status, 200)
    return [json.loads(line) for line in answer.body.decode().splitlines()]


def verify(node, acknowledged):
    """Compares the history with what was acknowledged up to now."""
    with acknowledged.lock:
        noted = dict(acknowledged.entries)
    entries = feed(node)
    tap.equal([e["seq"] for e in entries], list(range(1, len(entries) + 1)), "seqs without a gap")
    missing = [seq for seq, (ident, value) in noted.items()
               if seq > len(entries) or entries[seq - 1]["id"] != ident or entries[seq - 1]["value"] != value]
    tap.equal(missing[:10], [], f"acknowledged entries missing, of {len(noted)}")
    times = [e["timestamp"] for e in entries]
    tap.equal(times == sorted(set(times)), True, "times strictly increasing")
    return entries


def verify_proof(node, entries):
    """Ids and root as recomputed; health of the same snapshot."""
    health = node.health()
    tap.equal(health["assertion_count"], len(entries), "assertion_count of health")
    leaves = []
    for entry in entries:
        ident, leaf = history.digests(entry)
        tap.equal(entry["id"], ident, f"id of entry {entry['seq']}")
        leaves.append(leaf)
    tap.equal(health["history_root"], history.root(leaves), "root")


def verify_once(entries):
    """Each keyed write is there at most once, however often it was repeated."""
    seen = {}
    for entry in entries:
        seen.setdefault(entry["value"], []).append(entry["seq"])
    tap.equal([item for item in seen.items() if len(item[1]) > 1][:10], [], "stored twice")


def verify_imports(entries, completed):
    for turn in range(1, completed + 1):
        values = {e["value"] for e in entries if str(e["value"]).startswith(f"import-{turn}-")}
        tap.equal(len(values), IMPORT_LINES, f"lines of import {turn}")


def report(back):
    for role, seconds in back.items():
        if seconds:
            print(f"# {role}: killed {len(seconds)} times, a new write acknowledged after median {statistics.median(seconds):.3f} s, "
                  f"max {max(seconds):.3f} s")


@tap.case("nothing acknowledged is lost while processes of the node are killed under load")
def _():
    print(f"# {ROUNDS} rounds, seed {SEED}")
    with Instance() as node:
        acknowledged = Acknowledged(node.path("acknowledged"))
        crash = Crash(node, acknowledged, random.Random(SEED))
        importer = Importer(node, acknowledged, 0)
        clients = [Writer(node, acknowledged, n) for n in range(WRITERS)] + [importer, Reader(node, acknowledged, 0)]
        for client in clients:
            client.start()
        try:
            for number in range(1, ROUNDS + 1):
                crash.round()
                if number % VERIFY_EVERY == 0:
                    verify(node, acknowledged)
        finally:
            for client in clients:
                client.stopping.set()
            for client in clients:
                client.join()
            report(crash.back)
        tap.equal(acknowledged.wrong[:5], [], f"answers that no client may see ({len(acknowledged.wrong)} in all)")
        node.wait_ready()
        entries = verify(node, acknowledged)
        print(f"# {acknowledged.count()} acknowledged asserts, {len(entries)} entries")
        verify_once(entries)
        verify_imports(entries, importer.completed)
        verify_proof(node, entries)
        node.stop()
        node.start()
        verify_proof(node, verify(node, acknowledged))


if __name__ == "__main__":
    tap.run()
