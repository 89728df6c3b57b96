#!/usr/bin/env python3
"""How long it takes to be back: restores of backups of growing size, each from the start of the script to a healthy answer that is proven equal
to the backup's metadata.

usage: bench/rto.py BUILD [--counts 10k,100k,3M] [--times 3]

For each count: imports that many assertions of bcd-full (copies below distinct prefixes), makes a backup (time, size), and restores it by
scripts/restore-stemedb.sh `times` times, each time over a running node; the median counts. The phases are what stands between the script's
lines. `drill` is the same without the script: `stemedb drill`, whose node has no nginx. Prints a table in Markdown. Needs about 2.5 KB of
disk an assertion. --counts 10M works too.
"""
import argparse
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TOP, "tests", "node"))

# A phase ends with the first line that begins so.
PHASES = [("check", "Stopping"), ("stop", ("Renaming", "Copying WAL")), ("copy", "Copying metadata"), ("prove", "Restore complete"),
          ("start", "StemeDB API service started")]


def number(text):
    return int(float(text[:-1]) * {"k": 1000, "M": 1000000}[text[-1]]) if text[-1] in "kM" else int(text)


def size_of(folder):
    return sum(os.lstat(os.path.join(top, name)).st_blocks * 512 for top, _, files in os.walk(folder) for name in files)


def add(node, lines, have, wanted):
    """Imports copies of the data, below a prefix each, until the history has `wanted` assertions."""
    while have < wanted:
        copy, at = divmod(have, len(lines))
        take = min(wanted - have, len(lines) - at)
        with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as f:
            f.writelines(line.replace('"concept_path":"bcd/', f'"concept_path":"copy{copy}/', 1) for line in lines[at:at + take])
            f.flush()
            out = subprocess.run(["curl", "-fsS", "-X", "POST", "-H", "Content-Type: application/x-ndjson", "-T", f.name,
                                  f"http://127.0.0.1:{node.api_port}/v1/import"], check=True, stdout=subprocess.PIPE).stdout
        assert json.loads(out)["accepted"] == take, out
        have += take
    return have


def script(node, name, *arguments):
    """Runs a script; returns its seconds, and the seconds after which each line came."""
    started, lines = time.monotonic(), []
    process = subprocess.Popen([os.path.join(TOP, "scripts", name), "--home", node.home, *arguments], env=node.env,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        lines.append((time.monotonic() - started, line))
    if process.wait() != 0:
        sys.exit(f"{name} failed with status {process.returncode}")
    return time.monotonic() - started, lines


def restore(node, folder):
    """Seconds of the whole, and of each phase."""
    with open(os.path.join(folder, "metadata.json")) as f:
        wanted = json.load(f)
    _, lines = script(node, "restore-stemedb.sh", folder)
    phases, before = {}, 0.0
    for name, first in PHASES:
        at = next(seconds for seconds, line in lines if line.startswith(first))
        phases[name], before = at - before, at
    health = node.health()
    assert (health["status"], health["history_root"]) == ("healthy", wanted["history_root"]), health
    return before, phases


def drill(node, tool):
    out = subprocess.run([tool, "drill", "--home", node.home], env=node.env, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(re.search(r"^RTO: ([\d.]+) s", out, re.M).group(1))


def measure(node, tool, count, times):
    seconds, lines = script(node, "backup-stemedb.sh")
    folder = re.match(r"Backup complete: (\S+)", lines[-1][1]).group(1)
    runs = sorted((restore(node, folder) for _ in range(times)), key=lambda run: run[0])
    middle = runs[len(runs) // 2]
    without = statistics.median(drill(node, tool) for _ in range(times))
    cells = [f"{count:,}", f"{seconds:.2f}", f"{size_of(folder) / 1e6:.1f}", f"{middle[0]:.2f}", f"{runs[0][0]:.2f} to {runs[-1][0]:.2f}"]
    cells += [f"{middle[1][name]:.2f}" for name, _ in PHASES] + [f"{without:.2f}"]
    print("| " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--counts", default="10k,100k,3M")
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    os.environ["BUILD"] = os.path.abspath(options.build)
    import harness
    with gzip.open(os.path.join(HERE, "data", "bcd-full.ndjson.gz"), "rt") as f:
        lines = f.readlines()
    titles = ["assertions", "backup s", "MB", "restore s", "least to most"] + [name for name, _ in PHASES] + ["drill s"]
    print("| " + " | ".join(titles) + " |\n|" + "---|" * len(titles), flush=True)
    with harness.Instance(options={"projection_cache_bytes": "0"}) as node:
        have = 0
        for wanted in sorted(number(text) for text in options.counts.split(",")):
            have = add(node, lines, have, wanted)
            measure(node, harness.TOOL, wanted, options.times)


main()
