#!/usr/bin/env python3
"""Every command block of every runbook in docs/runbooks but restore-from-backup.md (test_runbook.py), run as printed and in its order, on
one instance with an archive. After a command, `# Shows: TEXT` is what it must have printed."""
import os
import re

import runbook
from backups import add
from harness import TOP, Instance, tap
from runbook import prepare, run

FOLDER = os.path.join(TOP, "docs", "runbooks")
OTHERS = ["disk-full.md", "high-query-latency.md", "server-wont-start.md", "disaster-recovery.md"]
BAD = r"""curl -fsS -X POST http://localhost:18180/v1/assert -H 'Content-Type: application/json' -o /dev/null \
  -d '{"concept_path": "bad/data/path", "predicate": "p", "value": 1, "source": "source/bad_source"}'"""
# What must have happened before a section: (runbook, heading) -> commands.
BEFORE = {
    ("disaster-recovery.md", "### §2. Loss of data/"): "sudo systemctl stop stemedb-api; mv data data.lost",
    ("disaster-recovery.md", "### §3. Wrong data ingested"): BAD + "; sleep 2",
}


def blocks(name):
    """(heading, commands) of each block that is for a shell."""
    with open(os.path.join(FOLDER, name)) as f:
        text = f.read()
    heading, found = "", []
    for part in re.finditer(r"^(#+ [^\n]*)$|^( *)```(\w*)\n(.*?)^\2```$", text, re.M | re.S):
        if part.group(1):
            heading = part.group(1)
        elif part.group(3) in ("bash", "sh"):
            found.append((heading, re.sub("^" + part.group(2), "", part.group(4), flags=re.M)))
    return found


@tap.case("every runbook is one of those that are run")
def _():
    tap.equal(sorted(os.listdir(FOLDER)), sorted(OTHERS + [os.path.basename(runbook.RUNBOOK)]))


@tap.case("every command of the other runbooks, as printed, works and shows what it is said to")
def _():
    options = {"archive_target": "archive", "archive_interval": 1}
    with Instance(options, start=False) as node:
        os.mkdir(node.path("archive"))
        node.start()
        prepare(node)
        add(node, 50, "test/restore")
        run(node, BAD)
        tap.equal(run(node, "./scripts/backup-stemedb.sh")[0], 0)
        for name in OTHERS:
            seen = set()
            for heading, commands in blocks(name):
                if (name, heading) in BEFORE and heading not in seen:
                    status, out = run(node, "set -e\n" + BEFORE[name, heading])
                    tap.equal(status, 0, f"before {name}, {heading}: {out}")
                seen.add(heading)
                status, out = run(node, "set -e\n" + commands)
                tap.equal(status, 0, f"{name}, {heading}: status of\n{commands}{out}\n")
                for words in re.findall(r"^ *# Shows: (.*)$", commands, re.M):
                    tap.contains(out, words)


tap.run()
