#!/usr/bin/env python3
"""Bad input, through nginx: each is refused with the status of the contract, as a problem, and stores nothing."""
import json
import socket

from harness import Instance, tap

node = Instance()

GOOD = '"concept_path":"a/b","predicate":"p"'
PATH_32 = "/".join(["s"] * 32)

# body, status, what the answer must contain
JSON_TABLE = [
    ("nothing at all", b"", 400, None),
    ("white space only", b"  \n", 400, None),
    ("no closing brace", b'{"concept_path":"a/b"', 400, None),
    ("a trailing comma", b"{%b,}" % GOOD.encode(), 400, None),
    ("trailing bytes", b'{%b,"value":1} x' % GOOD.encode(), 400, "at byte 49"),
    ("two documents", b'{%b,"value":1}{}' % GOOD.encode(), 400, None),
    ("text after a NUL", b'{%b,"value":1}\0{}' % GOOD.encode(), 400, None),
    ("a byte order mark", b'\xef\xbb\xbf{%b,"value":1}' % GOOD.encode(), 400, None),
    ("duplicate members", b'{%b,"value":1,"value":2}' % GOOD.encode(), 400, "duplicate"),
    ("duplicate members, one escaped", b'{%b,"value":1,"\\u0076alue":2}' % GOOD.encode(), 400, "duplicate"),
    ("duplicate members deep inside", b'{%b,"value":[{"a":1,"a":2}]}' % GOOD.encode(), 400, "duplicate"),
    ("NaN", b'{%b,"value":NaN}' % GOOD.encode(), 400, None),
    ("Infinity", b'{%b,"value":-Infinity}' % GOOD.encode(), 400, None),
    ("single quotes", b"{'value':1}", 400, None),
    ("a comment", b'{%b,"value":1/**/}' % GOOD.encode(), 400, None),
    ("a leading zero", b'{%b,"value":01}' % GOOD.encode(), 400, None),
    ("a bare point", b'{%b,"value":1.}' % GOOD.encode(), 400, None),
    ("a raw control character", b'{%b,"value":"a\nb"}' % GOOD.encode(), 400, None),
    ("a lone high surrogate", b'{%b,"value":"\\ud800"}' % GOOD.encode(), 400, "surrogate"),
    ("a lone low surrogate", b'{%b,"value":"\\udc00x"}' % GOOD.encode(), 400, "surrogate"),
    ("an overlong form", b'{%b,"value":"\xc0\x80"}' % GOOD.encode(), 400, None),
    ("a surrogate in UTF-8", b'{%b,"value":"\xed\xa0\x80"}' % GOOD.encode(), 400, None),
    ("above U+10FFFF", b'{%b,"value":"\xf4\x90\x80\x80"}' % GOOD.encode(), 400, None),
    ("a cut UTF-8 character", b'{%b,"value":"\xe2\x82"}' % GOOD.encode(), 400, None),
    ("a value of depth 33", b'{%b,"value":%b}' % (GOOD.encode(), b"[" * 33 + b"]" * 33), 400, "deep"),
    ("depth 100,000", b"[" * 100000, 400, "deep"),
    ("a number at the top", b"12", 400, None),
    ("a string at the top", b'"x"', 400, None),
    ("null at the top", b"null", 400, None),
    ("an empty array", b"[]", 422, None),
    ("1,001 elements", b"[" + b",".join([b"{%b,\"value\":1}" % GOOD.encode()] * 1001) + b"]", 422, None),
]

# members, pointers that must be named
FIELD_TABLE = [
    ({}, ["/concept_path", "/predicate", "/value"]),
    ({"concept_path": 1, "predicate": 2, "value": 3, "confidence": "x", "source": 4, "observed_at": 5, "nonsense": 6},
     ["/concept_path", "/predicate", "/confidence", "/source", "/observed_at", "/nonsense"]),
    ({"concept_path": "/a", "predicate": "a/b", "value": 1}, ["/concept_path", "/predicate"]),
    ({"concept_path": "a//b", "predicate": "", "value": 1}, ["/concept_path", "/predicate"]),
    ({"concept_path": "a/../b", "predicate": "p", "value": 1}, ["/concept_path"]),
    ({"concept_path": "a/\u0007", "predicate": "p\u0000", "value": 1}, ["/concept_path", "/predicate"]),
    ({"concept_path": PATH_32 + "/s", "predicate": "p", "value": 1}, ["/concept_path"]),
    ({"concept_path": "s" * 129, "predicate": "p" * 129, "value": 1}, ["/concept_path", "/predicate"]),
    ({"concept_path": "a", "predicate": "p", "value": "x" * 65537}, ["/value"]),
    ({"concept_path": "a", "predicate": "p", "value": 1, "confidence": 1.01}, ["/confidence"]),
    ({"concept_path": "a", "predicate": "p", "value": 1, "confidence": -0.1}, ["/confidence"]),
    ({"concept_path": "a", "predicate": "p", "value": 1, "source": ""}, ["/source"]),
    ({"concept_path": "a", "predicate": "p", "value": 1, "observed_at": "2026-02-30T00:00:00Z"}, ["/observed_at"]),
    ({"concept_path": "a", "predicate": "p", "value": 1, "observed_at": "2026-01-01T00:00:00.1234567Z"}, ["/observed_at"]),
    ({"concept_path": "a", "predicate": "p", "value": 1, "valid_from": "2026-01-02T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"},
     ["/valid_to"]),
    ({"concept_path": "a", "predicate": "p", "value": 1, "derived_from": ["x", "0" * 64, "0" * 64]}, ["/derived_from/0"]),
    ({"concept_path": "a", "predicate": "stemedb.trust", "value": "high"}, ["/value"]),
    ({"concept_path": "a", "predicate": "stemedb.unknown", "value": 1}, ["/predicate"]),
]

# values that no double or 64-bit integer keeps exactly, and a member name with NUL
INEXACT = ["9223372036854775808", "-9223372036854775809", "18446744073709551616", "123456789012345678901.5", "1e400", "-1e400", "1e-400",
           "0.1000000000000000055511151231257827", "[1,{\"a\":1e999}]", "{\"a\\u0000b\":1}"]


def count():
    return node.health()["last_seq"]


def refused(answer, status, contains=None):
    tap.equal(answer.status, status, f"status of {answer}")
    tap.equal(answer.headers["content-type"], "application/problem+json", "type")
    problem = answer.json
    tap.equal(problem["status"], status, "status in the problem")
    if contains:
        tap.contains(problem["detail"].lower(), contains)
    return problem


@tap.case("bytes that are not strict JSON are 400, with the offset, and store nothing")
def _():
    before = count()
    for name, body, status, contains in JSON_TABLE:
        try:
            refused(node.post("/v1/assert", body, headers={"Content-Type": "application/json"}), status, contains)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
    tap.equal(count(), before, "last_seq")


@tap.case("a value of depth 32 is kept, alone, in an array and in an import")
def _():
    line = b'{%b,"value":%b}' % (GOOD.encode(), b"[" * 32 + b"]" * 32)
    tap.equal(node.post("/v1/assert", line).status, 201)
    tap.equal(node.post("/v1/assert", b" [" + line + b"]").status, 201)
    answer = node.post("/v1/import", line, headers={"Content-Type": "application/x-ndjson"})
    tap.equal(answer.json["accepted"], 1)


@tap.case("all wrong fields are named in one 422")
def _():
    before = count()
    for members, pointers in FIELD_TABLE:
        for body, prefix in ((members, ""), ([{"concept_path": "a", "predicate": "p", "value": 1}, members], "/1")):
            problem = refused(node.post("/v1/assert", body), 422)
            named = [e["pointer"] for e in problem["errors"]]
            missing = [p for p in pointers if prefix + p not in named]
            tap.equal(missing, [], f"pointers not named in {problem}")
    tap.equal(count(), before, "last_seq")


@tap.case("numbers that cannot be kept exactly are refused, never rounded")
def _():
    before = count()
    for value in INEXACT:
        problem = refused(node.post("/v1/assert", "{%s,\"value\":%s}" % (GOOD, value)), 422)
        tap.ok(problem["errors"][0]["pointer"].startswith("/value"), f"{value}: {problem}")
    tap.equal(count(), before, "last_seq")


@tap.case("too large bodies are 413, other types 415, other methods 405")
def _():
    before = count()
    large = b'{%b,"value":"' % GOOD.encode() + b"x" * (8 << 20) + b'"}'
    refused(node.post("/v1/assert", large), 413)
    refused(node.post("/v1/query", b'{"concept_path":"a","x":"' + b"x" * (1 << 20) + b'"}'), 413)
    refused(node.post("/v1/assert", b"{}", headers={"Content-Type": "text/plain"}), 415)
    refused(node.post("/v1/import", b"{}", headers={"Content-Type": "text/plain"}), 415)
    answer = node.request("DELETE", "/v1/assert")
    refused(answer, 405)
    tap.contains(answer.headers["allow"], "POST")
    tap.equal(count(), before, "last_seq")


@tap.case("an import that is refused with its body unread is answered, every time")
def _():
    for _ in range(300):
        refused(node.post("/v1/import", b"{}", headers={"Content-Type": "text/plain"}), 415)


@tap.case("wrong queries are 400, 404 or 422 with pointers")
def _():
    for body, pointer in [({}, "/concept_path"), ({"concept_path": "a", "lens": "x"}, "/lens"), ({"concept_path": "a", "limit": 0}, "/limit"),
                          ({"concept_path": "a", "limit": 1001}, "/limit"), ({"concept_path": "a", "as_of": "yesterday"}, "/as_of"),
                          ({"concept_path": "a", "as_of": 1 << 60}, "/as_of"), ({"concept_path": "a", "cursor": "x"}, "/cursor"),
                          ({"concept_path": "a", "match": "all"}, "/match"), ({"concept_path": "a", "min_confidence": 2}, "/min_confidence"),
                          ({"concept_path": "a", "unknown": 1}, "/unknown")]:
        problem = refused(node.post("/v1/query", body), 422)
        tap.equal([e["pointer"] for e in problem["errors"]], [pointer], f"pointers for {body}")
    refused(node.post("/v1/query", b"[]"), 400)
    refused(node.get("/v1/assertions/" + "0" * 64), 404)
    refused(node.get("/v1/assertions/xyz"), 404)
    refused(node.get("/v1/history?seq=1000000"), 422)
    refused(node.get("/v1/nothing"), 404)


def import_head(length):
    return (b"POST /v1/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nIdempotency-Key: cut\r\n"
            b"Content-Length: %d\r\n\r\n" % length)


def import_line(n):
    return json.dumps({"concept_path": "cut/import", "predicate": "p", "value": n}).encode() + b"\n"


@tap.case("an import that is cut off keeps whole chunks, and its key resumes it")
def _():
    lines = [import_line(n) for n in range(1, 3001)]
    whole = b"".join(lines)
    before = count()
    with node.connect() as s:
        s.sendall(import_head(len(whole)) + b"".join(lines[:2500]) + lines[2500][:10])
        # Only what is whole is committed: two chunks of 1,000 lines.
        tap.wait_for(lambda: count() >= before + 2000, "two chunks")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    tap.wait_for(lambda: node.metric('stemedb_http_requests_total{endpoint="/v1/import",method="POST",status="400"}') is not None,
                 "end of the import")
    kept = count() - before
    tap.ok(kept == 2000, f"{kept} entries of whole chunks")
    answer = node.post("/v1/import", whole, headers={"Content-Type": "application/x-ndjson", "Idempotency-Key": "cut"})
    tap.equal((answer.json["accepted"], answer.json["duplicates"]), (1000, 2000), "the rest of it")
    stored = node.post("/v1/query", {"concept_path": "cut/import", "limit": 1000}).json
    tap.equal(len({a["value"] for a in stored["assertions"]}), 1000, "distinct values on a page")


@tap.case("an assert that is cut off stores nothing")
def _():
    before = count()
    body = b'{%b,"value":1}' % GOOD.encode()
    with node.connect() as s:
        s.sendall(b"POST /v1/assert HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" %
                  (len(body) + 1) + body)
    for n in range(20):
        node.get("/v1/health/live")
    tap.equal(count(), before, "last_seq")


tap.run(finish=node.close)
