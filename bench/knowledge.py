#!/usr/bin/env python3
"""Lenses and retraction where there is much, on one instance, through HTTP.

usage: bench/knowledge.py BUILD [--sizes 1000000,10000000] [--stage STAGE ...]

Loads N assertions of 1,000 sources about one concept (beside it concepts with a tenth and a hundredth of that), N concepts of one source below
one tree, and N/10 assertions that rest on one, in levels of 1,000; measures; then goes on to the next size in the same store, so that every
number has its growth. Stages (all, if none is named):
  lenses    each lens over the concept of N; consensus where a source has a tenth and a hundredth as many assertions; as of old moments
  subtree   100 concepts of N, beside the same 100 concepts in a tree of their own
  retract   the source of N assertions: dry run, retraction, reinstatement; meanwhile every answer of 4 readers must be whole, and a writer
            notes how long each of its asserts took
  cascade   the one that N/10 rest on, the same way
Prints a table in Markdown; a time is the median, with the greatest in brackets where there are several. A goal that was missed is marked.
"""
import argparse
import http.client
import json
import os
import random
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "node"))
SOURCES, LEVEL, READERS = 1000, 1000, 4
JSON = {"Content-Type": "application/json"}


class Client:
    """One kept connection, made anew when nginx has closed it."""

    def __init__(self, port):
        self.port, self.connection = port, None

    def call(self, method, path, body=None, headers=None):
        """Status and answer; what was never sent is sent again once."""
        text = json.dumps(body) if body is not None else None
        for attempt in (1, 2):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
            try:
                self.connection.request(method, path, text, headers or JSON)
                response = self.connection.getresponse()
                data = response.read()
                if response.will_close:
                    self.close()
                return response.status, json.loads(data)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                if fresh or attempt == 2:
                    raise

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def good(self, method, path, body=None):
        status, answer = self.call(method, path, body)
        if status not in (200, 201):
            raise SystemExit(f"{method} {path} {body}: {status} {answer}")
        return answer

    def query(self, **body):
        return self.good("POST", "/v1/query", body)


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- data ---


def import_lines(node, lines):
    """Streams lines into one import."""
    connection = http.client.HTTPConnection("127.0.0.1", node.api_port, timeout=3600)

    def pieces():
        piece, size = [], 0
        for line in lines:
            piece.append(line)
            size += len(line)
            if size > 1 << 18:
                yield "".join(piece).encode()
                piece, size = [], 0
        yield "".join(piece).encode()
    connection.request("POST", "/v1/import", pieces(), {"Content-Type": "application/x-ndjson"}, encode_chunked=True)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    if response.status != 200 or answer["rejected"]:
        raise SystemExit(f"import: {response.status} {answer}")


def hot_lines(path, begin, end):
    """Assertions begin..end-1 about one concept: the sources take turns, values and confidences vary."""
    for i in range(begin, end):
        yield (f'{{"concept_path":"{path}","predicate":"p","value":{i * 7919 % 5},"confidence":0.{1 + i * 31 % 9},'
               f'"source":"source/{i % SOURCES}"}}\n')


def tree_lines(path, begin, end):
    for i in range(begin, end):
        yield (f'{{"concept_path":"{path}/{i // 100}/{i % 100}","predicate":"p","value":{i % 7},"source":"source/bulk"}}\n')


def load(node, client, before, size, state):
    started = time.monotonic()
    for part, path in ((1, "hot/all"), (10, "hot/tenth"), (100, "hot/hundredth")):
        import_lines(node, hot_lines(path, before // part, size // part))
    import_lines(node, tree_lines("tree", before, size))
    if before == 0:
        import_lines(node, tree_lines("lone", 0, 100))
        root = client.good("POST", "/v1/assert", {"concept_path": "root", "predicate": "p", "value": 0})
        state["root"], state["level"] = root["id"], [root["id"]]
    for _ in range(before // 10 // LEVEL, size // 10 // LEVEL):
        above = state["level"]
        stored = client.good("POST", "/v1/assert", [
            {"concept_path": f"derived/{i}", "predicate": "p", "value": i,
             "derived_from": sorted({above[i % len(above)], above[i * 7 % len(above)]})} for i in range(LEVEL)])
        state["level"] = [a["id"] for a in stored["assertions"]]
    say(f"{size}: loaded in {time.monotonic() - started:.0f} s; {node.health()['last_seq']} entries")


# --- measuring ---


def timed(work, times=20, most_seconds=20):
    """Milliseconds of each of `times` runs, after one that is not counted; of fewer, three at least, where they take long."""
    work(0)
    out, begun = [], time.perf_counter()
    for i in range(times):
        started = time.perf_counter()
        work(i)
        out.append((time.perf_counter() - started) * 1000)
        if len(out) >= 3 and time.perf_counter() - begun > most_seconds:
            break
    return out


class Table:
    """Rows of numbers in milliseconds, a column for each size."""

    def __init__(self, sizes):
        self.sizes, self.rows = sizes, {}

    def add(self, name, samples, goal=None):
        samples = samples if isinstance(samples, list) else [samples]
        row = self.rows.setdefault(name, ([], goal))
        row[0].append(samples)
        say(f"  {name}: {statistics.median(samples):.2f} ms, max {max(samples):.2f}")

    def show(self):
        print("| ms | " + " | ".join(f"{size:,}" for size in self.sizes) + " | growth | goal |")
        print("|---|" + "---|" * (len(self.sizes) + 2))
        for name, (columns, goal) in self.rows.items():
            cells = []
            for samples in columns:
                middle, most = statistics.median(samples), max(samples)
                text = f"{middle:.2f} ({most:.2f})" if len(samples) > 1 else f"{middle:.0f}"
                cells.append(text + (" **missed**" if goal and middle > goal else ""))
            cells += ["" for _ in range(len(self.sizes) - len(cells))]
            first, last = statistics.median(columns[0]), statistics.median(columns[-1])
            growth = f"{last / first:.2f}" if len(columns) > 1 and first else ""
            print(f"| {name} | " + " | ".join(cells) + f" | {growth} | {goal if goal else ''} |")


def measure_lenses(node, client, table, size, _):
    for lens in ("recency", "confidence", "authority", "consensus", "skeptic", "layered", "timeline"):
        table.add(f"{lens}, one concept with all of 1,000 sources",
                  timed(lambda _, lens=lens: client.query(concept_path="hot/all", lens=lens, limit=10)), 10 if lens == "consensus" else None)
    for name in ("tenth", "hundredth"):
        table.add(f"consensus, a {name} as many of each source",
                  timed(lambda _, name=name: client.query(concept_path=f"hot/{name}", lens="consensus", limit=10)))
    last = node.health()["last_seq"]
    dice = random.Random(size)
    moments = [dice.randrange(1, last) for _ in range(20)]
    table.add("consensus, the same concept as of 20 old moments",
              timed(lambda i: client.query(concept_path="hot/all", lens="consensus", limit=10, as_of=moments[i])), 10)


def measure_subtree(_node, client, table, size, _):
    dice = random.Random(size)
    places = [dice.randrange(size // 100) for _ in range(20)]
    ask = dict(match="subtree", lens="consensus", limit=100)
    table.add("subtree, 100 concepts that are alone", timed(lambda _: client.query(concept_path="lone/0", **ask)))
    table.add("subtree, 100 concepts of all", timed(lambda i: client.query(concept_path=f"tree/{places[i]}", **ask)))


class Writer(threading.Thread):
    """Asserts one after another; keeps when each began and how long it took."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.client, self.stopping, self.times, self.number = Client(port), threading.Event(), [], 0

    def run(self):
        while not self.stopping.is_set():
            started = time.perf_counter()
            self.client.good("POST", "/v1/assert", {"concept_path": f"other/{self.number % 97}", "predicate": "p", "value": self.number})
            self.times.append((time.perf_counter() - started) * 1000)
            self.number += 1
            time.sleep(0.002)


class Reader(threading.Thread):
    """Counts what a query shows, over and over; notes when the count became what it waits for."""

    def __init__(self, port, query, counts):
        super().__init__(daemon=True)
        self.client, self.query, self.counts = Client(port), query, counts
        self.stopping, self.seen, self.wrong = threading.Event(), None, []

    def run(self):
        while not self.stopping.is_set():
            count = len(self.client.query(**self.query)["assertions"])
            if count not in self.counts:
                self.wrong.append(count)
            if count == self.counts[1] and self.seen is None:
                self.seen = time.perf_counter()
            time.sleep(0.002)


def watched(node, client, name, table, call, body, query, counts, goal):
    """One write beside readers and a writer."""
    writer = Writer(node.api_port)
    readers = [Reader(node.api_port, query, counts) for _ in range(READERS)]
    for thread in [writer, *readers]:
        thread.start()
    time.sleep(1)
    quiet, writer.times = writer.times, []
    started = time.perf_counter()
    answer = client.good("POST", call, body)
    answered = time.perf_counter()
    deadline = answered + 60
    while any(r.seen is None for r in readers) and time.perf_counter() < deadline:
        time.sleep(0.001)
    time.sleep(0.2)
    for thread in [writer, *readers]:
        thread.stopping.set()
    for thread in [writer, *readers]:
        thread.join()
        thread.client.close()
    wrong = [count for r in readers for count in r.wrong]
    if wrong or any(r.seen is None for r in readers):
        raise SystemExit(f"{name}: readers saw {wrong[:5]}, or not what they waited for")
    table.add(f"{name}: answered after", (answered - started) * 1000)
    table.add(f"{name}: every reader sees it after", max(r.seen - started for r in readers) * 1000, goal)
    table.add(f"{name}: asserts meanwhile", writer.times or [0.0])
    table.add(f"{name}: the longest of them", max(writer.times, default=0.0), 100)
    table.add(f"{name}: the longest in the second before", max(quiet, default=0.0))
    return answer


def there_and_back(node, client, table, name, body, query, count, total, goal):
    started = time.perf_counter()
    dry = client.good("POST", "/v1/retract", {**body, "dry_run": True})
    table.add(f"{name}, dry run", (time.perf_counter() - started) * 1000)
    answer = watched(node, client, name, table, "/v1/retract", body, query, (count, 0), goal)
    for counted in (dry, answer):
        if counted["retracted_count"] + counted["cascaded_count"] != total:
            raise SystemExit(f"{name}: {total} expected, {counted}")
    table.add(f"{name}, a query of what it covers", timed(lambda _: client.query(**query)))
    watched(node, client, f"{name}, reinstated", table, "/v1/reinstate", {"retraction_id": answer["retraction_id"], "reason": "bench"}, query,
            (0, count), goal)


def measure_retract(node, client, table, size, _):
    there_and_back(node, client, table, "a source with all retracted", {"source": "source/bulk", "reason": "bench"},
                   dict(concept_path="tree/1", match="subtree", limit=100), 100, size + 100, 1000)


def measure_cascade(node, client, table, size, state):
    there_and_back(node, client, table, "a cascade over a tenth of all", {"ids": [state["root"]], "cascade": True, "reason": "bench"},
                   dict(concept_path="derived", match="subtree", limit=50), 50, 1 + size // 10 // LEVEL * LEVEL, 2000)


STAGES = {"lenses": measure_lenses, "subtree": measure_subtree, "retract": measure_retract, "cascade": measure_cascade}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build")
    parser.add_argument("--sizes", default="1000000,10000000")
    parser.add_argument("--stage", action="append", choices=STAGES)
    options = parser.parse_args()
    os.environ["BUILD"] = os.path.abspath(options.build)
    from harness import Instance
    sizes, before, state = [int(s) for s in options.sizes.split(",")], 0, {}
    table = Table(sizes)
    with Instance(options={"projection_cache_bytes": "0"}) as node:
        for size in sizes:
            client = Client(node.api_port)
            load(node, client, before, size, state)
            for stage in options.stage or STAGES:
                say(f"{size}: {stage}")
                STAGES[stage](node, client, table, size, state)
            client.close()
            before = size
    table.show()


if __name__ == "__main__":
    main()
