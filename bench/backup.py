#!/usr/bin/env python3
"""Backups under full write load, on one instance.

usage: bench/backup.py BUILD [--backups N] [--writers N] [--rows N] [--keep]

Imports N rows, then lets the writers assert one by one without pause. Their latencies are measured in turns: a while without a backup, then
during a backup, and so on, so that both halves see the same load of the machine. Every backup is proven: its history_root is that which the
node tells for its seq. Prints a table in Markdown.
"""
import argparse
import http.client
import json
import os
import shutil
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "node"))


class Writer(threading.Thread):
    """Asserts on one kept connection; notes (end, milliseconds) of each answer."""

    def __init__(self, port, number):
        super().__init__(daemon=True)
        self.port, self.number, self.done, self.failures, self.stopping = port, number, [], 0, threading.Event()

    def run(self):
        connection, count = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60), 0
        while not self.stopping.is_set():
            count += 1
            body = json.dumps({"concept_path": f"w/{self.number}/{count % 1000}", "predicate": "p", "value": "v" * 200})
            started = time.monotonic()
            connection.request("POST", "/v1/assert", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            ended = time.monotonic()
            self.failures += answer.status != 201
            self.done.append((ended, (ended - started) * 1000))


def quantile(sorted_values, q):
    return sorted_values[min(len(sorted_values) - 1, int(q * len(sorted_values)))] if sorted_values else float("nan")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].replace("usage: ", ""))
    parser.add_argument("build")
    parser.add_argument("--backups", type=int, default=20)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--rows", type=int, default=300000)
    parser.add_argument("--keep", action="store_true", help="keep all backups, instead of the newest alone")
    options = parser.parse_args()
    os.environ["BUILD"] = os.path.abspath(options.build)
    from backups import backup, metadata, root_at
    from harness import Instance
    with Instance() as node:
        for first in range(0, options.rows, 50000):
            node.import_lines(({"concept_path": f"base/{i % 5000}", "predicate": "p", "value": "b" * 200}
                               for i in range(first, min(first + 50000, options.rows))), timeout=600)
        writers = [Writer(node.api_port, n) for n in range(options.writers)]
        for writer in writers:
            writer.start()
        spans, proven, took = [], 0, 2.0
        time.sleep(1)  # the load is under way
        for _ in range(options.backups):
            quiet = time.monotonic()
            time.sleep(took)  # as long as a backup takes
            begun = time.monotonic()
            folder = backup(node, timeout=600)
            ended = time.monotonic()
            took = ended - begun
            spans.append((quiet, begun, ended))
            data = metadata(folder)
            proven += data["history_root"] == root_at(node, data["last_seq"])
            if not options.keep:
                shutil.rmtree(folder)
        for writer in writers:
            writer.stopping.set()
        for writer in writers:
            writer.join()
        done = sorted(pair for writer in writers for pair in writer.done)
        without = sorted(ms for end, ms in done if any(a <= end < b for a, b, _ in spans))
        during = sorted(ms for end, ms in done if any(b <= end < c for _, b, c in spans))
        rows = [("without", without, sum(b - a for a, b, _ in spans)), ("during", during, sum(c - b for _, b, c in spans))]
        print(f"{proven} of {options.backups} backups proven by root, {sum(w.failures for w in writers)} writes failed; "
              f"{options.rows} rows at first, {options.writers} writers; a backup took {rows[1][2] / len(spans):.1f} s\n")
        print("| backup | asserts/s | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|")
        for name, values, seconds in rows:
            print(f"| {name} | {len(values) / seconds:.0f} | {quantile(values, .5):.2f} | {quantile(values, .99):.2f} | "
                  f"{values[-1] if values else 0:.1f} |")
        print(f"| ratio | {len(during) / rows[1][2] / (len(without) / rows[0][2]):.2f} | "
              f"{quantile(during, .5) / quantile(without, .5):.2f} | {quantile(during, .99) / quantile(without, .99):.2f} | |")


main()
