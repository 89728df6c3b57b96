#!/usr/bin/env python3
"""The calls that look over all that is known, on copies of the browser-support data, through HTTP.

usage: bench/explore.py BUILD [--copies 1,10,100]

Each copy lies below a prefix of its own (copy7/web/...), its sources are those of all. At each number of copies: /v1/conflicts (first page of 100,
one prefix of many, after a source was retracted and reinstated), /v1/sources, /v1/concepts. Prints a table in Markdown; a time is the
median, with the greatest in brackets. A goal that was missed is marked.
"""
import argparse
import gzip
import json
import os

from knowledge import HERE, Client, Table, import_lines, say, timed

DATA = os.path.join(HERE, "..", "examples", "browser-support.ndjson.gz")


def copies(begin, end):
    with gzip.open(DATA, "rt") as f:
        assertions = [json.loads(line) for line in f]
    for number in range(begin, end):
        for assertion in assertions:
            yield json.dumps(dict(assertion, concept_path=f"copy{number}/{assertion['concept_path']}"), separators=(",", ":")) + "\n"


def measure(client, table):
    def call(path, times=10, goal=None, name=None):
        table.add(name or path, timed(lambda _: client.good("GET", path), times), goal)
    call("/v1/conflicts?limit=100", goal=200)
    call("/v1/conflicts?limit=1000")
    call("/v1/conflicts?limit=100&prefix=copy0", name="/v1/conflicts below one copy")
    call("/v1/sources")
    call("/v1/concepts")
    call("/v1/concepts?prefix=copy0/web&limit=100")
    gone = client.good("POST", "/v1/retract", {"source": "source/caniuse", "reason": "bench"})
    call("/v1/conflicts?limit=100", name="/v1/conflicts, a source of three retracted", goal=200)
    client.good("POST", "/v1/reinstate", {"retraction_id": gone["retraction_id"], "reason": "bench"})
    call("/v1/conflicts?limit=100", name="/v1/conflicts, reinstated", goal=200)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build")
    parser.add_argument("--copies", default="1,10,100")
    options = parser.parse_args()
    os.environ["BUILD"] = os.path.abspath(options.build)
    from harness import Instance
    sizes, before = [int(n) for n in options.copies.split(",")], 0
    table = Table(sizes)
    with Instance(options={"projection_cache_bytes": "0"}) as node:
        for size in sizes:
            client = Client(node.api_port)
            import_lines(node, copies(before, size))
            say(f"{size} copies: {node.health()['assertion_count']} assertions")
            measure(client, table)
            client.close()
            before = size
    table.show()


if __name__ == "__main__":
    main()
