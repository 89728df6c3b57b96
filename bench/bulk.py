#!/usr/bin/env python3
"""Import, rebuild and memory, on one instance.

usage: bench/bulk.py BUILD [--scale K] [--huge]

Imports K copies of bcd-full (271,625 assertions each, below distinct prefixes) through nginx, one import a copy, and prints the rate of each;
then log and disk bytes an assertion; then stops the node, removes data/db/indexes, starts it and prints the rate of the rebuild; then reads
the whole feed. All the while the workers' private memory (RssAnon of /proc/PID/status; the caches of Berkeley DB are shared) is watched. The
ceiling beside it: the same bytes written to a file and synced. --huge: one more import of 1 GB of lines.
"""
import argparse
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "node"))


class Memory(threading.Thread):
    """The greatest RssAnon of each role so far."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.peak, self.stopping = node, {}, threading.Event()

    def run(self):
        while not self.stopping.wait(0.05):
            for role in ("worker", "committer"):
                for pid in self.node.pids(role):
                    try:
                        with open(f"/proc/{pid}/status") as f:
                            kib = int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1))
                    except (OSError, AttributeError):
                        continue
                    self.peak[role] = max(self.peak.get(role, 0), kib)


def cpu_seconds(node, role):
    """Processor time of a role's living processes."""
    total = 0.0
    for pid in node.pids(role):
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def import_file(node, path):
    started = time.monotonic()
    before = {role: cpu_seconds(node, role) for role in ("committer", "worker", "nginx")}
    out = subprocess.run(["curl", "-fsS", "-X", "POST", "-H", "Content-Type: application/x-ndjson", "-T", path,
                          f"http://127.0.0.1:{node.api_port}/v1/import"], check=True, stdout=subprocess.PIPE).stdout
    seconds = time.monotonic() - started
    accepted = json.loads(out)["accepted"]
    cpu = {role: (cpu_seconds(node, role) - t) / accepted * 1e6 for role, t in before.items()}
    return accepted, seconds, cpu


def write_copy(lines, number, path):
    prefix = '"concept_path":"bcd/' if number == 0 else f'"concept_path":"copy{number}/'
    with open(path, "w") as f:
        f.writelines(line.replace('"concept_path":"bcd/', prefix, 1) + "\n" for line in lines)


def ceiling(path, folder):
    """Seconds to write the same bytes and sync them."""
    with open(path, "rb") as f:
        data = f.read()
    started = time.monotonic()
    with open(os.path.join(folder, "ceiling"), "wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    seconds = time.monotonic() - started
    os.unlink(os.path.join(folder, "ceiling"))
    return seconds


def sizes(node, count):
    def used(*parts):
        return sum(os.stat(os.path.join(root, f)).st_blocks * 512 for root, _, files in os.walk(node.path("data", *parts))
                   for f in files if not f.startswith("__db."))
    print("\n| file | disk bytes an assertion |\n|---|---|")
    print(f"| assertions.kv | {os.stat(node.path('data/db/assertions.kv')).st_size / count:.0f} |")
    for name in sorted(os.listdir(node.path("data/db/indexes"))):
        if name.endswith(".kv"):
            size = os.stat(node.path("data/db/indexes", name)).st_size
            if size > 1 << 20:
                print(f"| indexes/{name} | {size / count:.0f} |")
    wal = node.metric("stemedb_wal_bytes_total")
    print(f"\nSynced log: {wal / count:.0f} bytes an assertion; on disk in wal/ at the end: {used('wal') / count:.0f}")


def rebuild(node, count):
    node.stop()
    subprocess.run(["rm", "-rf", node.path("data/db/indexes")], check=True)
    node.start()
    seconds = float(re.findall(r"Index rebuild complete in ([0-9.]+)s", node.log())[-1])
    print(f"\nRebuild of all projections: {count} assertions in {seconds:.1f} s, {count / seconds:.0f}/s")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build")
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--huge", action="store_true")
    options = parser.parse_args()
    os.environ["BUILD"] = os.path.abspath(options.build)
    from harness import Instance
    with gzip.open(os.path.join(HERE, "data/bcd-full.ndjson.gz"), "rt") as f:
        lines = f.read().splitlines()
    with Instance(options={"projection_cache_bytes": "0"}) as node, tempfile.TemporaryDirectory(prefix="stemedb-bench-") as folder:
        memory = Memory(node)
        memory.start()
        path, total = os.path.join(folder, "lines"), 0
        print("| copy | assertions in all | assertions/s | committer us | worker us | nginx us | of the time of a synced copy |\n|---|---|---|---|---|---|---|")
        for number in range(options.scale):
            write_copy(lines, number, path)
            floor = ceiling(path, folder)
            accepted, seconds, cpu = import_file(node, path)
            total += accepted
            print(f"| {number + 1} | {total} | {accepted / seconds:.0f} | {cpu['committer']:.1f} | {cpu['worker']:.1f} | {cpu['nginx']:.1f} | "
                  f"{seconds / floor:.0f} |", flush=True)
        sizes(node, total)
        if options.huge:
            with open(path, "w") as f:
                size = number = 0
                while size < 1 << 30:
                    text = json.dumps({"concept_path": f"huge/{number % 1000}", "predicate": "p", "value": f"{number} " + "x" * 4000}) + "\n"
                    size += f.write(text)
                    number += 1
            accepted, seconds, _ = import_file(node, path)
            total += accepted
            print(f"\nImport of 1 GB: {accepted} assertions of 4 KB in {seconds:.0f} s, {(1 << 30) / seconds / 1e6:.0f} MB/s")
        started = time.monotonic()
        subprocess.run(f"curl -fsS -H 'Accept: application/x-ndjson' http://127.0.0.1:{node.api_port}/v1/assertions | wc -c", shell=True,
                       check=True, stdout=subprocess.DEVNULL)
        print(f"\nExport of all {total}: {time.monotonic() - started:.1f} s")
        print("\nPeak private memory (RssAnon): " + ", ".join(f"{role} {kib / 1024:.1f} MiB" for role, kib in memory.peak.items()))
        memory.stopping.set()
        if not options.huge:
            rebuild(node, total)


if __name__ == "__main__":
    main()
