#!/usr/bin/env python3
"""What becomes of the requests when there are ten times as many as can be served.

usage: bench/overload.py BUILD [--seconds N] [--json]

One instance. First what it can do (32 clients who wait for their answers), then the same query offered at 0.7 times (1x) and 7 times
(10x) of that, and at 10x with `rate_limit`. The query is a large one, so that this program is not what is measured: it shares the
processors. Prints a table in Markdown: answers 200 a second, their median and 99th percentile from when the request was due, what was
refused, and whether every refusal had Retry-After.
"""
import argparse
import json
import os
import resource
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "node"))
TOPICS, SOURCES = 200, 10
REQUEST = (b"GET /v1/query?concept_path=load&match=subtree&lens=consensus&limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead")
    arguments = parser.parse_args()
    os.environ["BUILD"] = arguments.build
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    from harness import Instance  # reads $BUILD
    import openloop
    with Instance(options={"workers": 0}) as node:
        node.import_lines([{"concept_path": f"load/{topic}", "predicate": "p", "value": (topic + source) % 3, "source": f"s/{source}"}
                           for topic in range(TOPICS) for source in range(SOURCES)])
        openloop.capacity(node.api_port, REQUEST, 1)
        full = openloop.capacity(node.api_port, REQUEST, arguments.seconds)
        rows = [("capacity, 32 clients", full.rate, full)]
        for name, factor in ("1x", 0.7), ("10x", 7):
            rows.append((name, factor * full.rate,
                         openloop.offer(node.api_port, REQUEST, factor * full.rate, arguments.seconds)))
        shed = node.metric("stemedb_requests_shed_total")
        node.stop()
        node.options["rate_limit"] = max(1, int(0.7 * full.rate))
        node.write_options()
        node.start()
        rows.append(("10x, rate_limit", 7 * full.rate, openloop.offer(node.api_port, REQUEST, 7 * full.rate, arguments.seconds)))
    if arguments.json:
        for name, rate, r in rows:
            print(json.dumps({"load": name, "offered": rate, "answered": r.rate, "p50": r.quantile(0.5), "p99": r.quantile(0.99),
                              "refused": r.refused, "other": r.other, "unsent": r.unsent, "broken": r.broken,
                              "no_retry_after": r.no_retry_after}))
        return
    print("| load | offered/s | 200/s | p50 ms | p99 ms | 429 | 503 | without Retry-After | other |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, rate, r in rows:
        print(f"| {name} | {rate:.0f} | {r.rate:.0f} | {1000 * r.quantile(0.5):.1f} | {1000 * r.quantile(0.99):.1f} | "
              f"{r.refused.get(429, 0)} | {r.refused.get(503, 0)} | {r.no_retry_after} | {sum(r.other.values()) + r.unsent + r.broken} |")
    print(f"\nThe workers shed {shed:.0f} of them; the other 503 are nginx's.")


main()
