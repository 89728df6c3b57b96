#!/usr/bin/env python3
"""What README.md shows is what happens: its questions are asked of a node with the example data, word for word but for the
port, and answered as printed. `test_readme.py --update` writes the answers into README.md instead."""
import gzip
import os
import re
import subprocess
import sys

from harness import TOP, Instance, tap

README = os.path.join(TOP, "README.md")
PAIR = re.compile(r"```sh\n((?:(?!```).)*curl(?:(?!```).)*)```\n\n```json\n(.*?)```", re.S)


def ask(node, command):
    text = command.replace("127.0.0.1:18180", f"127.0.0.1:{node.api_port}")
    run = subprocess.run(["sh", "-eu", "-c", text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    tap.equal(run.returncode, 0, f"exit status of {command} (it printed {run.stdout})")
    return run.stdout


def load_examples(node):
    with gzip.open(os.path.join(TOP, "examples", "browser-support.ndjson.gz")) as f:
        answer = node.post("/v1/import", f.read(), headers={"Content-Type": "application/x-ndjson", "Idempotency-Key": "examples"})
    tap.equal(answer.status, 200, f"status of {answer}")
    tap.equal(answer.json["rejected"], 0, "rejected lines of the example data")


def update():
    with Instance() as node:
        load_examples(node)
        with open(README) as f:
            text = f.read()
        text = PAIR.sub(lambda m: f"```sh\n{m[1]}```\n\n```json\n{ask(node, m[1])}```", text)
        with open(README, "w") as f:
            f.write(text)


@tap.case("each question of README.md has the answer that stands below it")
def _():
    with Instance() as node:
        load_examples(node)
        with open(README) as f:
            pairs = PAIR.findall(f.read())
        tap.ok(len(pairs) >= 3, "README.md has no questions with answers")
        for command, answer in pairs:
            tap.equal(ask(node, command), answer, f"answer to\n{command}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        tap.run()
