#!/usr/bin/env python3
"""What the node answers is what /v1/openapi.json says: status, content type and schema of each answer."""
import json
import re

from harness import Instance, tap

node = Instance()
document = node.get("/v1/openapi.json").json
answered = set()

TYPES = {"object": dict, "array": list, "string": str, "null": type(None), "boolean": bool}
KNOWN = {"$ref", "type", "enum", "required", "properties", "additionalProperties", "items", "minItems", "maxItems",
         "minimum", "maximum", "minLength", "maxLength", "pattern", "oneOf", "allOf", "description", "default",
         "format"}


def resolve(node_of):
    while "$ref" in node_of:
        target = document
        for part in node_of["$ref"][2:].split("/"):
            target = target[part]
        node_of = target
    return node_of


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def faults(value, schema, at=""):
    """What is wrong with the value, by the keywords of JSON Schema that the document uses."""
    tap.equal(set(schema) - KNOWN, set(), "keywords unknown to this test")
    if "$ref" in schema:
        yield from faults(value, resolve(schema), at)
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(is_type(value, name) for name in names):
            yield f"{at}: not {names}: {value!r}"
            return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: {value!r} does not match {schema['pattern']}"
    for keyword, good in (("minimum", lambda limit: value >= limit), ("maximum", lambda limit: value <= limit),
                          ("minLength", lambda limit: len(value) >= limit),
                          ("maxLength", lambda limit: len(value) <= limit),
                          ("minItems", lambda limit: len(value) >= limit),
                          ("maxItems", lambda limit: len(value) <= limit)):
        if keyword in schema and not good(schema[keyword]):
            yield f"{at}: {keyword}"
    for part in schema.get("allOf", []):
        yield from faults(value, part, at)
    if "oneOf" in schema and sum(not list(faults(value, part, at)) for part in schema["oneOf"]) != 1:
        yield f"{at}: not exactly one of oneOf"
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"{at}: no {name}"
        for name, member in value.items():
            if name in properties:
                yield from faults(member, properties[name], f"{at}/{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{at}: {name} is unknown"
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from faults(item, schema["items"], f"{at}/{index}")


def check(method, path, answer, status):
    """The answer has this status, and is what the document says of it."""
    tap.equal(answer.status, status, f"status of {answer}")
    response = resolve(document["paths"][path][method.lower()]["responses"][str(status)])
    content_type = answer.headers["content-type"].split(";")[0]
    tap.ok(content_type in response["content"], f"{content_type} of {path} is not in the document")
    for name in response.get("headers", {}):
        tap.ok(name.lower() in answer.headers, f"{path} has no {name}")
    schema = response["content"][content_type]["schema"]
    if content_type.endswith("json") and not content_type.endswith("ndjson"):
        tap.equal(list(faults(answer.json, schema)), [], f"what is wrong with {answer.json}")
    answered.add((method.lower(), path))
    return answer


GOOD = {"concept_path": "web/grid/chrome", "predicate": "version_added", "value": "57", "confidence": 0.9,
        "source": "source/mdn-bcd", "observed_at": "2026-01-02T03:04:05Z"}
NDJSON = {"Content-Type": "application/x-ndjson"}


@tap.case("asserts are answered as documented")
def _():
    key = {"Idempotency-Key": "k"}
    check("POST", "/v1/assert", node.post("/v1/assert", GOOD, headers=key), 201)
    check("POST", "/v1/assert", node.post("/v1/assert", GOOD, headers=key), 200)
    check("POST", "/v1/assert", node.post("/v1/assert", {**GOOD, "value": None}, headers=key), 409)
    check("POST", "/v1/assert", node.post("/v1/assert", [GOOD, {**GOOD, "source": "source/other", "value": "58"}]), 201)
    check("POST", "/v1/assert", node.post("/v1/assert", "{"), 400)
    check("POST", "/v1/assert", node.post("/v1/assert", [{}, 7]), 422)
    check("POST", "/v1/assert", node.post("/v1/assert", "{}", headers={"Content-Type": "text/plain"}), 415)
    check("POST", "/v1/assert", node.post("/v1/assert", b" " * (9 << 20)), 413)


@tap.case("what a client may send is what the document allows")
def _():
    schema = document["paths"]["/v1/assert"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    tap.equal(list(faults(GOOD, schema)), [])
    for bad in ({}, {**GOOD, "confidence": 2}, {**GOOD, "what": 1}, {**GOOD, "source": 7}, []):
        tap.ok(list(faults(bad, schema)), f"{bad} is allowed")
        tap.equal(node.post("/v1/assert", bad).status, 422)


@tap.case("imports are answered as documented")
def _():
    body = json.dumps(GOOD) + "\nnonsense\n"
    check("POST", "/v1/import", node.post("/v1/import", body, headers=NDJSON), 200)
    check("POST", "/v1/import", node.post("/v1/import", body), 415)
    check("POST", "/v1/import", node.post("/v1/import?x=1", body, headers=NDJSON), 422)


@tap.case("queries are answered as documented, under each lens")
def _():
    for lens in document["components"]["schemas"]["Query"]["properties"]["lens"]["enum"]:
        query = {"concept_path": "web", "match": "subtree", "lens": lens, "limit": 2}
        schema = document["components"]["schemas"]["Query"]
        tap.equal(list(faults(query, schema)), [])
        answer = check("POST", "/v1/query", node.post("/v1/query", query), 200)
        tap.ok(answer.json["next_cursor"] is not None)
        check("GET", "/v1/query", node.get(f"/v1/query?concept_path=web/grid/chrome&lens={lens}&as_of=2"), 200)
    check("GET", "/v1/query", node.get("/v1/query?concept_path=nothing&as_of=0"), 200)
    options = {"valid_at": "2026-01-01T00:00:00Z", "decay": True, "include_retracted": True, "exclude_sources": ["s", None],
               "trust_override": {"source/caniuse": 0.5}, "explain": True, "aliases": True, "min_confidence": 0.1}
    for lens in ("skeptic", "layered", "timeline"):
        query = {"concept_path": "web/grid/chrome", "lens": lens, **options}
        tap.equal(list(faults(query, schema)), [])
        check("POST", "/v1/query", node.post("/v1/query", query), 200)
    check("GET", "/v1/query", node.get("/v1/query?concept_path=a&as_of=0&decay=true&aliases=true&exclude_sources=s"), 200)
    check("POST", "/v1/query", node.post("/v1/query", []), 400)
    check("POST", "/v1/query", node.post("/v1/query", {}), 422)
    check("GET", "/v1/query", node.get("/v1/query"), 422)
    check("GET", "/v1/query", node.get("/v1/query?concept_path=%"), 400)


@tap.case("the parameters of a query are the members of its body")
def _():
    names = [p["name"] for p in document["paths"]["/v1/query"]["get"]["parameters"]]
    tap.equal(names, list(document["components"]["schemas"]["Query"]["properties"]))


@tap.case("entries of the feed are as documented, page and stream")
def _():
    page = check("GET", "/v1/assertions", node.get("/v1/assertions"), 200).json
    stream = check("GET", "/v1/assertions", node.get("/v1/assertions", headers={"Accept": "application/x-ndjson"}), 200)
    lines = [json.loads(line) for line in stream.body.splitlines()]
    tap.equal(lines, page["entries"])
    known = set(document["components"]["schemas"]["Entry"]["properties"])
    tap.equal(set().union(*lines) - known, set(), "members that the document does not name")
    check("GET", "/v1/assertions", node.get("/v1/assertions?limit=0"), 422)
    other = page["history"][:-1] + ("1" if page["history"][-1] == "0" else "0")
    check("GET", "/v1/assertions", node.get("/v1/assertions?history=" + other), 409)
    identifier = page["entries"][0]["id"]
    found = check("GET", "/v1/assertions/{id}", node.get("/v1/assertions/" + identifier), 200)
    known = set(document["components"]["schemas"]["Assertion"]["properties"])
    tap.equal(set(found.json) - known, set(), "members that the document does not name")
    check("GET", "/v1/assertions/{id}", node.get("/v1/assertions/" + "0" * 64), 404)


@tap.case("history, health and the rest are answered as documented")
def _():
    check("GET", "/v1/backups", node.get("/v1/backups"), 200)
    check("GET", "/v1/history", node.get("/v1/history"), 200)
    check("GET", "/v1/history", node.get("/v1/history?seq=0"), 200)
    check("GET", "/v1/history", node.get("/v1/history?seq=99999"), 422)
    check("GET", "/v1/history/proof", node.get("/v1/history/proof?from=2"), 200)
    check("GET", "/v1/history/proof", node.get("/v1/history/proof?seq=1&at=2"), 200)
    check("GET", "/v1/history/proof", node.get("/v1/history/proof"), 422)
    check("GET", "/v1/history/proof", node.get("/v1/history/proof?from=%"), 400)
    health = check("GET", "/v1/health", node.get("/v1/health"), 200)
    known = set(document["components"]["schemas"]["Health"]["properties"])
    tap.equal(set(health.json), known, "members of health")
    for path in ("/v1/health/live", "/v1/health/ready", "/v1/openapi.json", "/metrics"):
        check("GET", path, node.get(path), 200)


@tap.case("derivations and retractions are answered as documented")
def _():
    top = node.post("/v1/assert", {**GOOD, "concept_path": "web/grid/top"}).json
    node.post("/v1/assert", {**GOOD, "concept_path": "web/grid/below", "derived_from": [top["id"]]})
    check("GET", "/v1/why/{id}", node.get("/v1/why/" + top["id"]), 200)
    check("GET", "/v1/why/{id}", node.get("/v1/why/" + "0" * 64), 404)
    check("GET", "/v1/why/{id}", node.get(f"/v1/why/{top['id']}?limit=0"), 422)
    for path, schema in (("/v1/retract", "RetractionRequest"), ("/v1/reinstate", "ReinstatementRequest")):
        check("POST", path, node.post(path, "{"), 400)
        check("POST", path, node.post(path, {}), 422)
        check("POST", path, node.post(path, "{}", headers={"Content-Type": "text/plain"}), 415)
        check("POST", path, node.post(path, b" " * (2 << 20)), 413)
        tap.ok(list(faults({}, document["components"]["schemas"][schema])), f"{{}} is a {schema}")
    body = {"ids": [top["id"]], "cascade": True, "reason": "r"}
    key = {"Idempotency-Key": "r"}
    tap.equal(list(faults(body, document["components"]["schemas"]["RetractionRequest"])), [])
    dry = check("POST", "/v1/retract", node.post("/v1/retract?lens=skeptic", {**body, "dry_run": True}), 200).json
    tap.ok(dry["flips"], "the dry run has no flips")
    done = check("POST", "/v1/retract", node.post("/v1/retract", body, headers=key), 200).json
    check("POST", "/v1/retract", node.post("/v1/retract", {**body, "reason": "s"}, headers=key), 409)
    check("POST", "/v1/retract", node.post("/v1/retract", {"concept_path": "none", "reason": "r"}), 404)
    shown = check("GET", "/v1/assertions/{id}", node.get("/v1/assertions/" + top["id"]), 200).json
    tap.equal((shown["status"], shown["retraction"]["id"]), ("retracted", done["retraction_id"]))
    query = {"concept_path": "web/grid/top", "include_retracted": True}
    listed = check("POST", "/v1/query", node.post("/v1/query", query), 200).json
    tap.ok(any(a["status"] == "retracted" for a in listed["assertions"]), "no retracted one is listed")
    check("GET", "/v1/why/{id}", node.get("/v1/why/" + top["id"]), 200)
    undo = {"retraction_id": done["retraction_id"], "reason": "r"}
    tap.equal(list(faults(undo, document["components"]["schemas"]["ReinstatementRequest"])), [])
    check("POST", "/v1/reinstate", node.post("/v1/reinstate", {**undo, "retraction_id": "0" * 64}), 404)
    check("GET", "/v1/retractions", node.get("/v1/retractions"), 200)
    check("POST", "/v1/reinstate", node.post("/v1/reinstate", undo), 200)
    check("POST", "/v1/reinstate", node.post("/v1/reinstate", undo), 409)
    check("GET", "/v1/retractions", node.get("/v1/retractions"), 200)
    check("GET", "/v1/retractions", node.get("/v1/retractions?cursor=x"), 422)


@tap.case("what explores is answered as documented")
def _():
    check("GET", "/v1/conflicts", node.get("/v1/conflicts?min_conflict=0"), 200)
    check("GET", "/v1/conflicts", node.get("/v1/conflicts?limit=0"), 422)
    check("GET", "/v1/concepts", node.get("/v1/concepts"), 200)
    check("GET", "/v1/concepts", node.get("/v1/concepts?prefix=web&limit=1"), 200)
    check("GET", "/v1/concepts", node.get("/v1/concepts?prefix=/"), 422)
    check("GET", "/v1/diff", node.get("/v1/diff?from=1"), 200)
    check("GET", "/v1/diff", node.get("/v1/diff"), 422)
    check("GET", "/v1/sources", node.get("/v1/sources"), 200)
    check("GET", "/v1/sources", node.get("/v1/sources?cursor=x"), 422)


@tap.case("every call of the document was made")
def _():
    wanted = {(method, path) for path, item in document["paths"].items() for method in item}
    tap.equal(wanted - answered, set(), "calls not made")


@tap.case("HEAD answers wherever GET does, without a body")
def _():
    for path, item in document["paths"].items():
        if "get" in item:
            target = path.replace("{id}", "0" * 64) + ("?concept_path=a" if path == "/v1/query" else "")
            got, head = node.get(target), node.request("HEAD", target)
            tap.equal((head.status, head.body, head.headers["content-type"]),
                      (got.status, b"", got.headers["content-type"]), target)


tap.run(node.close)
