#!/usr/bin/env python3
"""docs/api.md is true: its commands, run in their order against a new node, are answered as it says, but for what
differs from node to node (ids, digests, times)."""
import os
import re
import subprocess

from harness import TOP, Instance, tap

node = Instance()
real_of = {}  # what the document's node made up, and what this one did

# Ids and digests, batches and salts, branches, times, cursors, seconds.
VARYING = re.compile(r'\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b|\b\d{4}-\d\d-\d\dT[0-9:]+(?:\.\d+)?Z|\b\d{8}-\d{6}\b'
                     r'|(?<="next_cursor": ")[A-Za-z0-9_-]+|(?<="uptime_seconds": )\d+')
HEADERS = re.compile(r"HTTP/|Content-Type:|Location:|Stemedb-", re.I)


def examples():
    """(command, output) of each code block that begins with a prompt."""
    with open(os.path.join(TOP, "docs", "api.md")) as f:
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
        tap.equal(VARYING.sub("*", got), VARYING.sub("*", wanted), "the answer")
        real_of.update(zip(VARYING.findall(wanted), VARYING.findall(got)))
    tap.case(f"example {number} is answered as it says: {command.split(chr(10))[0][:60]}")(check)


@tap.case("each call that there is has an example")
def _():
    commands = "\n".join(command for command, _ in examples())
    for path in node.get("/v1/openapi.json").json["paths"]:
        if path != "/v1/openapi.json":
            tap.contains(re.sub(r"/(assertions|why)/[0-9a-f]{64}", r"/\1/{id}", commands), path)


tap.run(node.close)
