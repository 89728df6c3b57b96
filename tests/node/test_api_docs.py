#!/usr/bin/env python3
"""docs/api.md is true: its commands, run in their order against a new node, are answered as it says, but for what
differs from node to node (ids, digests, times); and these are of one run, so that what is said of the history can be
checked by whoever reads it. STEMEDB_REWRITE=1 puts what this run answers into the document."""
import json
import os
import re
import subprocess
import sys

from harness import TOP, Instance, tap

sys.path.insert(0, os.path.join(TOP, "tests", "harness"))
import history  # noqa: E402

DOCUMENT = os.path.join(TOP, "docs", "api.md")
REWRITE = "STEMEDB_REWRITE" in os.environ

node = Instance()
real_of = {}  # what the document's node made up, and what this one did
fresh = []  # (command, answer) as this run would have them in the document

# Ids and digests, batches and salts, branches, times, cursors, seconds.
VARYING = re.compile(r'\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b|\b\d{4}-\d\d-\d\dT[0-9:]+(?:\.\d+)?Z|\b\d{8}-\d{6}\b'
                     r'|(?<="next_cursor": ")[A-Za-z0-9_-]+|(?<="uptime_seconds": )\d+')
HEADERS = re.compile(r"HTTP/|Content-Type:|Location:|Stemedb-", re.I)


def examples():
    """(command, output) of each code block that begins with a prompt."""
    with open(DOCUMENT) as f:
        text = f.read()
    for block in re.findall(r"^```\n\$ (.*?)^```$", text, re.M | re.S):
        lines = block.split("\n")
        end = next(i for i, line in enumerate(lines) if not line.endswith("\\"))
        yield "\n".join(lines[:end + 1]), "\n".join(lines[end + 1:]).rstrip()


def real(match):
    return real_of.get(match[0], match[0])


def run(command):
    """The command's output, of the header lines only the API's own."""
    command = VARYING.sub(real, command).replace("localhost:18180", f"127.0.0.1:{node.api_port}")
    command = command.replace("./scripts/", os.path.join(TOP, "scripts", ""))
    output = subprocess.run(["bash", "-c", command], env=dict(node.env, STEMEDB_HOME=node.home), stdout=subprocess.PIPE, text=True, timeout=60).stdout
    output = output.replace("\r", "")
    if output.startswith("HTTP/"):
        head, _, body = output.partition("\n\n")
        output = "\n".join(line for line in head.split("\n") if HEADERS.match(line)) + "\n\n" + body
    return output.replace(node.home, "/var/lib/stemedb").rstrip()


for number, (command, wanted) in enumerate(examples(), 1):
    def check(command=command, wanted=wanted):
        got = run(command)
        fresh.append((command, got))
        tap.equal(VARYING.sub("*", got), VARYING.sub("*", wanted), "the answer")
        real_of.update(zip(VARYING.findall(wanted), VARYING.findall(got)))
    tap.case(f"example {number} is answered as it says: {command.split(chr(10))[0][:60]}")(check)


@tap.case("each call that there is has an example")
def _():
    commands = "\n".join(command for command, _ in examples())
    for path in node.get("/v1/openapi.json").json["paths"]:
        if path != "/v1/openapi.json":
            tap.contains(re.sub(r"/(assertions|why)/[0-9a-f]{64}", r"/\1/{id}", commands), path)


def answers(of):
    """What the document shows as answers of calls that begin like this, from JSON."""
    return [json.JSONDecoder().raw_decode(output)[0] for command, output in examples() if of in command and output.startswith("{")]


@tap.case("what is shown is of one history, and its proofs are good")
def _():
    names = {name for _, output in examples() for name in re.findall(r'"history": ?"([^"]*)"', output)}
    tap.equal(len(names), 1, f"histories in {names}")
    roots = {}
    for shown in answers("/v1/history") + answers("/v1/health"):
        for seq, root in (("seq", "history_root"), ("last_seq", "history_root"), ("from", "from_root"), ("to", "to_root"), ("at", "history_root")):
            if seq in shown and root in shown and not (seq == "seq" and "at" in shown):
                tap.equal(roots.setdefault(shown[seq], shown[root]), shown[root], f"the root at {shown[seq]}")
    proofs = answers("/v1/history/proof")
    for proof in proofs:
        nodes = [bytes.fromhex(node) for node in proof["proof"]]
        if "from" in proof:
            good = history.is_prefix(nodes, proof["from"], bytes.fromhex(proof["from_root"]), proof["to"], bytes.fromhex(proof["to_root"]))
        else:
            good = history.includes(nodes, proof["seq"], bytes.fromhex(proof["leaf"]), proof["at"], bytes.fromhex(proof["history_root"]))
        tap.ok(good, f"the proof {proof}")
    tap.equal(len(proofs), 2)


def rewrite():
    with open(DOCUMENT) as f:
        text = f.read()
    for (command, wanted), (_, got) in zip(list(examples()), fresh):
        text = text.replace(f"```\n$ {command}\n{wanted}\n```", f"```\n$ {command}\n{got}\n```", 1)
    with open(DOCUMENT, "w") as f:
        f.write(VARYING.sub(real, text))


def finish():
    node.close()
    if REWRITE:
        rewrite()


tap.run(finish)
