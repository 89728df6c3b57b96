#!/usr/bin/env python3
"""Who may do what: tokens, roles, sources, the audit log and the limit of calls, through nginx."""
import json
import os
import subprocess

from harness import TOOL, Instance, tap

node = Instance(options={"audit": "auto"})
tokens = {}


def tool(*arguments, status=0):
    run = subprocess.run([TOOL, "token", "--home", node.home, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, timeout=20)
    tap.equal(run.returncode, status, f"exit status of stemedb token {arguments} ({run.stderr})")
    return run.stdout if status == 0 else run.stderr


def add(name, role, *more):
    tokens[name] = tool("add", name, "--role", role, *more).strip()


def bearer(name):
    return {"Authorization": "Bearer " + tokens[name]}


def say(name, body, path="/v1/assert", **headers):
    return node.post(path, body, headers={**bearer(name), **headers})


def assertion(source=None, predicate="p", value=1):
    body = {"concept_path": "access/test", "predicate": predicate, "value": value}
    return dict(body, source=source) if source else body


def audit():
    with open(node.path("log", "audit.log")) as f:
        return [json.loads(line) for line in f]


@tap.case("without a token file anyone may do anything, and nothing is noted")
def _():
    answer = node.post("/v1/assert", assertion())
    tap.equal(answer.status, 201)
    tap.ok("recorded_by" not in answer.json)
    tap.ok(not os.path.exists(node.path("log", "audit.log")))


@tap.case("from the first token on, a running node lets nobody in without one")
def _():
    add("root", "admin")
    tap.wait_for(lambda: node.post("/v1/query", {"concept_path": "access"}).status == 401, "closed node")
    answer = node.post("/v1/assert", assertion())
    tap.equal((answer.status, answer.headers["www-authenticate"]), (401, 'Bearer realm="stemedb"'))
    for path in ("/v1/health", "/v1/health/live", "/v1/health/ready", "/metrics"):
        tap.equal(node.get(path).status, 200, path)
    for wrong in ("Bearer " + tokens["root"][:-1], "Bearer", "Basic " + tokens["root"], "Bearer " + "x" * 4000, "Bearer \xff"):
        tap.equal(node.post("/v1/assert", assertion(), headers={"Authorization": wrong}).status, 401, wrong[:40])


@tap.case("roles are reader, writer and admin, each with those before it")
def _():
    add("reports", "reader")
    add("loader", "writer")
    tap.wait_for(lambda: say("loader", assertion()).status == 201, "token in force")
    query = {"concept_path": "access/test"}
    for name in ("root", "loader", "reports"):
        tap.equal(say(name, query, "/v1/query").status, 200, name)
    tap.equal(say("reports", assertion()).status, 403)
    tap.equal(say("loader", {"reason": "x", "source": "source/none"}, "/v1/retract").status, 403)
    tap.ok(say("root", {"reason": "x", "source": "source/none"}, "/v1/retract").status not in (401, 403))
    tap.equal(node.post("/v1/query", query, headers={"X-API-Key": tokens["reports"]}).status, 200)


@tap.case("what is stored tells who recorded it")
def _():
    tap.equal(say("loader", assertion()).json["recorded_by"], "loader")


@tap.case("a retraction tells who made it, in the list and in the audit log")
def _():
    stored = say("loader", assertion()).json
    body = {"ids": [stored["id"]], "reason": "who was it?"}
    answer = say("root", body, "/v1/retract")
    tap.equal((answer.status, answer.json["retracted_count"]), (200, 1))
    undone = say("root", {"retraction_id": answer.json["retraction_id"], "reason": "me"}, "/v1/reinstate")
    tap.equal((undone.status, undone.json["reinstated_count"]), (200, 1))
    listed = node.get("/v1/retractions?limit=1", headers=bearer("reports")).json["retractions"][0]
    tap.equal((listed["recorded_by"], listed["reinstated"]["recorded_by"]), ("root", "root"))
    retract, reinstate = [line for line in audit() if line["path"] in ("/v1/retract", "/v1/reinstate")][-2:]
    tap.equal((json.loads(retract["body"]), retract["entries"], retract["last_seq"], retract["name"]),
              (body, 1, answer.json["seq"], "root"))
    tap.equal((reinstate["entries"], reinstate["last_seq"]), (1, undone.json["seq"]))


@tap.case("only an admin may assert settings, in an import too")
def _():
    setting = {"concept_path": "source/acme", "predicate": "stemedb.trust", "value": 0.5}
    before = node.health()["last_seq"]
    tap.equal(say("loader", setting).status, 403)
    answer = say("loader", [assertion(), setting])
    tap.equal((answer.status, answer.json["detail"]), (403, "/1: only an admin may assert stemedb.*"))
    tap.equal(node.health()["last_seq"], before, "last_seq after refused asserts")
    lines = "".join(json.dumps(line) + "\n" for line in (assertion(), setting, assertion()))
    answer = say("loader", lines, "/v1/import", **{"Content-Type": "application/x-ndjson"})
    tap.equal((answer.json["accepted"], answer.json["errors"]),
              (2, [{"line": 2, "detail": "only an admin may assert stemedb.*"}]))
    tap.equal(say("root", setting).status, 201)


@tap.case("a token that is bound to sources speaks for no other")
def _():
    add("acme", "writer", "--source", "source/acme", "--source", "lab/a b")
    tap.wait_for(lambda: say("acme", assertion("source/acme")).status == 201, "token in force")
    for source in ("source/acme/north", "lab/a b"):
        tap.equal(say("acme", assertion(source)).status, 201, source)
    for source in (None, "source/acme2", "source", "lab"):
        answer = say("acme", assertion(source))
        tap.equal((answer.status, answer.json["detail"]), (403, "this token may not speak for that source"), source)


@tap.case("the same key of two tokens are two keys")
def _():
    key = {"Idempotency-Key": "one"}
    tap.equal(say("loader", assertion(value=2), **key).status, 201)
    tap.equal(say("root", assertion(value=3), **key).status, 201)
    tap.equal(say("loader", assertion(value=2), **key).status, 200)
    tap.equal(say("loader", assertion(value=4), **key).status, 409)


@tap.case("the audit log tells who changed what and who was not let in, and never a token")
def _():
    seq = say("loader", [assertion(value="secret of the body"), assertion()]).json["assertions"][1]["seq"]
    tap.wait_for(lambda: audit()[-1].get("last_seq") == seq, "line of the audit log")
    line = audit()[-1]
    tap.equal({k: line[k] for k in ("name", "role", "method", "path", "status", "entries", "client")},
              {"name": "loader", "role": "writer", "method": "POST", "path": "/v1/assert", "status": 201, "entries": 2,
               "client": "127.0.0.1"})
    tap.ok(any(entry["status"] == 401 and "name" not in entry for entry in audit()), "a line of who was not let in")
    tap.ok(any(entry["path"] == "/v1/import" and entry["entries"] == 2 for entry in audit()), "a line of the import")
    tap.ok(not any(entry["path"] == "/v1/query" and entry["status"] == 200 for entry in audit()), "queries are noted")
    with open(node.path("log", "audit.log")) as f:
        text = f.read()
    for secret in (*tokens.values(), "secret of the body"):
        tap.ok(secret not in text, "a secret in the audit log")
    tap.equal(os.stat(node.path("log", "audit.log")).st_mode & 0o777, 0o640)


@tap.case("the audit log may be renamed while it is written")
def _():
    os.rename(node.path("log", "audit.log"), node.path("log", "audit.log.1"))

    def noted():
        say("loader", assertion())
        return os.path.exists(node.path("log", "audit.log"))
    tap.wait_for(noted, "new audit log")


@tap.case("a revoked token is out within moments, and the others stay")
def _():
    tool("revoke", "loader")
    tap.wait_for(lambda: say("loader", assertion()).status == 401, "revocation")
    tap.equal(say("root", assertion()).status, 201)
    tap.equal(tool("list"), "root\tadmin\nreports\treader\nacme\twriter\tsource/acme\tlab/a b\n")


@tap.case("the tool refuses what makes no token, and changes nothing")
def _():
    with open(node.path("tokens"), "rb") as f:
        before = f.read()
    tap.contains(tool("add", "root", "--role", "reader", status=1), "there is a token of that name")
    tap.contains(tool("add", "x", "--role", "owner", status=1), "--role is reader, writer or admin")
    tap.contains(tool("add", "x y", "--role", "reader", status=1), "visible ASCII")
    tap.contains(tool("add", "x", "--role", "reader", "--source", "a//b", status=1), "empty segment")
    tap.contains(tool("revoke", "nobody", status=1), "there is no token of that name")
    for wrong in ([], ["add"], ["add", "x"], ["add", "x", "--role"], ["list", "x"], ["revoke"], ["add", "--role", "reader"]):
        tap.contains(tool(*wrong, status=2), "Usage: stemedb token")
    with open(node.path("tokens"), "rb") as f:
        tap.equal(f.read(), before)
    tap.ok(tokens["root"].encode() not in before, "the token is in the file")


@tap.case("a token file that is damaged or gone opens nothing, and a node that starts with a damaged one is shut")
def _():
    with open(node.path("tokens"), "rb") as f:
        good = f.read()
    os.unlink(node.path("tokens"))
    def told(words):
        say("root", {"concept_path": "access"}, "/v1/query")  # a request makes a worker look
        return words in node.log()
    tap.wait_for(lambda: told("only the tokens known until now are in force"), "line in the log")
    tap.equal((node.post("/v1/assert", assertion()).status, say("root", assertion()).status), (401, 201))
    with open(node.path("tokens"), "w") as f:
        f.write("what is this\n")
    tap.wait_for(lambda: told("line 1: "), "line in the log")
    tap.equal((node.post("/v1/assert", assertion()).status, say("root", assertion()).status), (401, 201))
    node.stop()
    node.start()
    tap.equal((node.post("/v1/assert", assertion()).status, say("root", assertion()).status), (401, 401))
    tap.contains(tool("list", status=1), "line 1: ")
    with open(node.path("tokens"), "wb") as f:
        f.write(good)
    tap.wait_for(lambda: say("root", assertion()).status == 201, "token in force")


@tap.case("who asks more often than the limit is told to wait, and others are not")
def _():
    node.stop()
    node.options["rate_limit"] = 5
    node.write_options()
    node.start()
    tap.wait_for(lambda: say("root", {"concept_path": "access/test"}, "/v1/query").status == 429, "429")
    answer = tap.wait_for(lambda: next((a for a in (say("root", {"concept_path": "access/test"}, "/v1/query")
                                                     for _ in range(20)) if a.status == 429), None), "429")
    tap.equal((answer.headers["retry-after"], answer.json["status"]), ("1", 429))
    tap.equal(say("reports", {"concept_path": "access/test"}, "/v1/query").status, 200)
    tap.wait_for(lambda: say("root", {"concept_path": "access/test"}, "/v1/query").status == 200, "its turn again", step=0.3)


@tap.case("an instance that is started with tokens has one of an admin")
def _():
    with Instance(start=False) as other:
        run = other.script("start", "--tokens")
        tap.equal(run.returncode, 0, f"exit status ({run.stdout})")
        with open(other.path("instance.env")) as f:
            values = dict(line.strip().split("=", 1) for line in f)
        tap.equal(os.stat(values["TOKEN_FILE"]).st_mode & 0o077, 0)
        with open(values["TOKEN_FILE"]) as f:
            headers = {"Authorization": "Bearer " + f.read().strip()}
        port = int(values["API_URL"].rsplit(":", 1)[1])
        tap.equal(other.get("/v1/sources", port=port).status, 401)
        tap.equal(other.post("/v1/assert", assertion(), headers=headers, port=port).json["recorded_by"], "admin")
        run = other.script("restart", "--tokens")
        tap.equal((run.returncode, other.post("/v1/assert", assertion(), headers=headers, port=port).status), (0, 201))


if __name__ == "__main__":
    tap.run(finish=node.close, on_failure=node.log)
