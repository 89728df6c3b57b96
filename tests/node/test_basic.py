#!/usr/bin/env python3
"""A walk through the API of one node, as a client would take it: through nginx."""
import json

from harness import Instance, tap

node = Instance()


@tap.case("a new node is healthy and empty")
def _():
    health = node.health()
    tap.equal((health["status"], health["version"], health["assertion_count"]), ("healthy", "0.1.0", 0))
    tap.equal(health["last_seq"], 0)
    # RFC 9162: the root of an empty tree is the SHA-256 of nothing.
    tap.equal(health["history_root"], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    tap.equal([node.get("/v1/health/" + probe).status for probe in ("live", "ready")], [200, 200])


@tap.case("an assertion is stored and found under its id, its path and in the feed")
def _():
    answer = node.post("/v1/assert", {"concept_path": "web/grid/chrome", "predicate": "supported_since", "value": 57,
                                      "confidence": 0.9, "source": "source/caniuse"})
    tap.equal(answer.status, 201)
    stored = answer.json
    tap.equal((stored["seq"], stored["value"], stored["status"]), (1, 57, "active"))
    tap.equal(answer.headers["location"], "/v1/assertions/" + stored["id"])
    tap.equal(node.get(answer.headers["location"]).json, stored)
    found = node.post("/v1/query", {"concept_path": "web/grid/chrome"}).json
    tap.equal(found["assertions"], [stored])
    tap.equal([(r["predicate"], r["value"], r["winner"]) for r in found["resolved"]],
              [("supported_since", 57, stored["id"])])
    tap.equal(node.get("/v1/query?concept_path=web/grid/chrome").json["assertions"], [stored])
    feed = node.get("/v1/assertions?after_seq=0").json
    tap.equal([entry["id"] for entry in feed["entries"]], [stored["id"]])


@tap.case("what was stored changes count, seq and root of health together")
def _():
    before = node.health()
    node.assert_one("a/b", "x")
    after = node.health()
    tap.equal(after["assertion_count"], before["assertion_count"] + 1)
    tap.equal(after["last_seq"], before["last_seq"] + 1)
    tap.ok(after["history_root"] != before["history_root"])
    tap.equal(node.get(f"/v1/history?seq={before['last_seq']}").json["history_root"], before["history_root"])


@tap.case("an array is stored whole or not at all")
def _():
    before = node.health()["last_seq"]
    good = [{"concept_path": f"array/{i}", "predicate": "p", "value": i} for i in range(5)]
    answer = node.post("/v1/assert", good)
    tap.equal(answer.status, 201)
    tap.equal([a["seq"] for a in answer.json["assertions"]], list(range(before + 1, before + 6)))
    tap.equal(len({a["batch"] for a in answer.json["assertions"]} | {answer.json["batch"]}), 1)
    bad = good + [{"concept_path": "array/bad", "predicate": "p", "value": 1, "derived_from": ["0" * 64]}]
    answer = node.post("/v1/assert", bad)
    tap.equal(answer.status, 422)
    tap.equal([e["pointer"] for e in answer.json["errors"]], ["/5/derived_from/0"])
    tap.equal(node.health()["last_seq"], before + 5)


@tap.case("derived_from names assertions that exist")
def _():
    parent = node.assert_one("parent", 1)
    child = node.assert_one("child", 2, derived_from=[parent["id"]])
    tap.equal(child["derived_from"], [parent["id"]])
    answer = node.post("/v1/assert", {"concept_path": "child", "predicate": "p", "value": 3,
                                      "derived_from": [parent["id"], "f" * 64]})
    tap.equal(answer.status, 422)
    tap.equal([e["pointer"] for e in answer.json["errors"]], ["/derived_from/1"])


@tap.case("an Idempotency-Key gives the first answer again, and refuses other content")
def _():
    body = {"concept_path": "key", "predicate": "p", "value": "once"}
    headers = {"Idempotency-Key": "k-1"}
    first = node.post("/v1/assert", body, headers=headers)
    again = node.post("/v1/assert", dict(reversed(body.items())), headers=headers)
    tap.equal((first.status, again.status), (201, 200))
    tap.equal(again.json, first.json)
    tap.equal(node.post("/v1/assert", {**body, "value": "twice"}, headers=headers).status, 409)
    array = [body, {**body, "value": 2}]
    first = node.post("/v1/assert", array, headers={"Idempotency-Key": "k-2"})
    again = node.post("/v1/assert", array, headers={"Idempotency-Key": "k-2"})
    tap.equal((first.status, again.status), (201, 200))
    tap.equal(again.json, first.json)
    tap.equal(node.post("/v1/assert", array[:1], headers={"Idempotency-Key": "k-2"}).status, 409)


@tap.case("an import stores good lines, names bad ones, and knows with its key what it has stored")
def _():
    before = node.health()["last_seq"]
    lines = [{"concept_path": f"import/{i}", "predicate": "p", "value": i} for i in range(3000)]
    lines[7]["confidence"] = 2
    lines[2500]["derived_from"] = ["e" * 64]
    answer = node.import_lines(lines, key="import-1")
    tap.equal(answer.status, 200)
    report = answer.json
    tap.equal((report["accepted"], report["duplicates"], report["rejected"]), (2998, 0, 2))
    tap.equal([e["line"] for e in report["errors"]], [8, 2501])
    tap.equal(report["last_seq"], before + 2998)
    again = node.import_lines(lines + [{"concept_path": "import/new", "predicate": "p", "value": 1}],
                              key="import-1").json
    tap.equal((again["accepted"], again["duplicates"], again["rejected"]), (1, 2998, 2))
    tap.equal(again["batch"], report["batch"])
    tap.equal(node.import_lines(lines[:5]).json["accepted"], 5)


@tap.case("the export is the history, in order and without gaps")
def _():
    answer = node.get("/v1/assertions?after_seq=0", headers={"Accept": "application/x-ndjson"})
    tap.equal(answer.status, 200)
    seqs = [json.loads(line)["seq"] for line in answer.body.splitlines()]
    tap.equal(seqs, list(range(1, node.health()["last_seq"] + 1)))


@tap.case("errors of the API are problems")
def _():
    for answer, status in [
        (node.post("/v1/assert", "{\"a\":"), 400),
        (node.post("/v1/assert", "{}", headers={"Content-Type": "text/plain"}), 415),
        (node.get("/v1/nothing"), 404),
        (node.get("/v1/assert"), 405),
        (node.get("/v1/assertions/" + "0" * 64), 404),
        (node.post("/v1/assert", {"concept_path": "a//b", "predicate": "p"}), 422),
        (node.post("/v1/query", {"concept_path": "a", "lens": "no"}), 422),
        (node.post("/v1/query", "x" * (2 << 20)), 413),
    ]:
        tap.equal(answer.status, status, f"status of {answer}")
        tap.equal(answer.headers["content-type"], "application/problem+json")
        tap.equal(answer.json["status"], status)
        tap.ok(answer.json["title"] and answer.json["detail"])


@tap.case("errors of nginx are problems too")
def _():
    for request, status in [
        (b"GET /v1/health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 421),
        (b"GET /v1/health HTTP/9.9\r\nHost: localhost\r\n\r\n", 505),
        (b"GET /v1/health HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 414),
        (b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\nConnection: close\r\n\r\n", 431),
        (b"POST /v1/assert HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\nConnection: close\r\n\r\n", 413),
        (b"POST /v1/assert HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n", 501),
        (b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
    ]:
        head, _, body = node.raw(request).partition(b"\r\n\r\n")
        tap.equal(int(head.split()[1]), status, f"status of {request[:40]!r}")
        tap.contains(head.lower(), b"content-type: application/problem+json")
        tap.equal(json.loads(body)["status"], status)


@tap.case("the dashboard's port serves a page with a strict policy, and the API beside it")
def _():
    page = node.get("/", port=node.dashboard_port)
    tap.equal((page.status, page.headers["content-type"].split(";")[0]), (200, "text/html"))
    policy = page.headers["content-security-policy"]
    tap.contains(policy, "default-src 'none'")
    tap.ok("unsafe" not in policy)
    tap.equal(node.get("/v1/health", port=node.dashboard_port).json["status"], "healthy")
    tap.equal(node.get("/metrics", port=node.dashboard_port).status, 200)
    tap.equal(node.get("/", port=node.api_port).status, 404)


@tap.case("a request on the heels of a streamed answer is served, on the same connection to the worker")
def _():
    for _ in range(300):
        tap.equal(node.get("/v1/assertions?limit=1", headers={"Accept": "application/x-ndjson"}).status, 200)
        tap.equal(node.post("/v1/query", {"concept_path": "a", "limit": 1}).status, 200)


@tap.case("metrics count what was done")
def _():
    count = node.health()["assertion_count"]
    tap.equal(node.metric("stemedb_assertions_total"), count)
    tap.equal(node.metric("stemedb_assertions_ingested_total"), count)
    tap.equal(node.metric('stemedb_workers{state="ready"}'), 2)
    tap.equal(node.metric('stemedb_build_info{version="0.1.0"}'), 1)
    tap.ok(node.metric("stemedb_commit_batch_size_count") > 0)
    tap.ok(node.metric("stemedb_data_free_bytes") > 0)
    tap.ok(node.metric("stemedb_uptime_seconds") > 0)
    before = node.metric("stemedb_assertions_total")
    node.assert_one("metric", 1)
    tap.equal(node.metric("stemedb_assertions_total"), before + 1)


tap.run(finish=node.close, on_failure=lambda: "\n" + "\n".join(node.log().splitlines()[-20:]))
