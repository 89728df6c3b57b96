#!/usr/bin/env python3
"""Requests a second through HTTP, against peers measured in the same minutes.

usage: bench/online.py BUILD [--seconds S] [--rounds N] [--scale K]

Starts, in temporary folders and on loopback, a StemeDB instance of BUILD and a PostgreSQL 15 cluster; behind one and the same
nginx stand StemeDB's workers, the peer's FastCGI worker (bench/peer/pg_worker.c) and `return 200`. Both databases are
loaded with the same data. Each round measures every contestant in turn, so that a drift of the machine's speed hits
all of them; medians of the rounds are printed, ratios are taken round by round. --scale K loads K copies of bcd-full.
"""
import argparse
import gzip
import json
import os
import pwd
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
PG_BIN = "/usr/lib/postgresql/15/bin"
POINT_CONCEPTS = 20000
CLIENTS = (1, 16, 64)


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, **options)


def as_postgres(*command, **options):
    # From a folder that the user postgres may enter.
    return run("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *command, cwd="/", **options)


class Postgres:
    """A cluster of its own behind a Unix socket, with the peer's table."""

    def __init__(self, folder):
        self.data = os.path.join(folder, "pg")
        self.folder = folder
        os.mkdir(self.data)
        user = pwd.getpwnam("postgres")
        os.chown(self.data, user.pw_uid, user.pw_gid)
        as_postgres(PG_BIN + "/initdb", "-D", self.data, "-E", "UTF8", "--locale=C", "-A", "trust",
                    stdout=subprocess.DEVNULL)
        settings = ["listen_addresses=''", "unix_socket_directories='%s'" % self.data, "port=15432", "max_connections=200",
                    "shared_buffers=512MB", "max_wal_size=4GB", "synchronous_commit=on", "fsync=on"]
        as_postgres(PG_BIN + "/pg_ctl", "-D", self.data, "-w", "-l", self.data + "/log", "-o",
                    " ".join("-c " + s for s in settings), "start", stdout=subprocess.DEVNULL)
        self.conninfo = "host=%s port=15432 user=postgres dbname=postgres" % self.data
        self.sql(open(os.path.join(HERE, "peer/schema.sql")).read())

    def sql(self, text):
        return as_postgres("psql", "-qAtX", "-v", "ON_ERROR_STOP=1", self.conninfo, input=text, stdout=subprocess.PIPE).stdout

    def load(self, path):
        self.sql("CREATE TEMP TABLE raw (line jsonb);\n"
                 "\\copy raw from '%s' with (format csv, quote e'\\x01', delimiter e'\\x02')\n"
                 "INSERT INTO assertion (id, concept_path, predicate, value, confidence, source, observed_at, salt) "
                 "SELECT sha256((line::text || random()::text)::bytea), line->>'concept_path', line->>'predicate', "
                 "line->'value', coalesce((line->>'confidence')::float8, 1), line->>'source', "
                 "(line->>'observed_at')::timestamptz, substr(sha256(random()::text::bytea), 1, 16) FROM raw;\n"
                 "ANALYZE assertion;" % path)

    def stop(self):
        as_postgres(PG_BIN + "/pg_ctl", "-D", self.data, "-m", "fast", "stop", stdout=subprocess.DEVNULL)


def start_instance(build, home, workers):
    env = dict(os.environ, BUILD=build)
    script = os.path.join(TOP, "scripts/instance.sh")
    run(script, "start", home, "--workers", str(workers), env=env)
    values = dict(line.strip().split("=", 1) for line in open(os.path.join(home, "instance.env")))
    return values["API_URL"]


def add_peers_to_nginx(build, home, socket):
    extra = os.path.join(home, "run/nginx/extra")
    with open(os.path.join(extra, "http-peer.conf"), "w") as f:
        f.write("upstream peer { server unix:%s; keepalive 64; keepalive_time 1h; keepalive_timeout 60s; }\n" % socket)
    with open(os.path.join(extra, "server-peer.conf"), "w") as f:
        f.write("location /peer/ { fastcgi_pass peer; }\n"
                "location = /r200 { default_type application/json; return 200 '{\"status\":\"healthy\"}'; }\n")
    run(os.path.join(TOP, "scripts/nginx.sh"), "reload", home, env=dict(os.environ, BUILD=build))


def start_peer(folder, postgres, threads):
    program = os.path.join(folder, "pg-worker")
    run("cc", "-O2", "-I/usr/include/postgresql", os.path.join(HERE, "peer/pg_worker.c"), "-o", program, "-lfcgi",
        "-ljson-c", "-lpq", "-lsodium", "-lpthread")
    socket = os.path.join(folder, "peer.sock")
    process = subprocess.Popen([program, socket, str(threads), postgres.conninfo])
    deadline = time.monotonic() + 10
    while not os.path.exists(socket):
        if time.monotonic() > deadline or process.poll() is not None:
            sys.exit("the peer does not start")
        time.sleep(0.05)
    os.chmod(socket, 0o666)
    return process, socket


def wrk(url, script, clients, seconds, **env):
    out = run("wrk", "-t1", "-c%d" % clients, "-d%ds" % seconds, "-s", os.path.join(HERE, script), url,
              env=dict(os.environ, BENCH=HERE, **env), stdout=subprocess.PIPE).stdout
    rate, p50, p99, errors = re.search(r"RESULT (\S+) (\S+) (\S+) (\S+)", out).groups()
    if int(errors):
        print("# %s at %d clients: %s errors" % (url, clients, errors))
    return float(rate), float(p50), float(p99)


def pgbench(postgres, clients, seconds):
    out = as_postgres(PG_BIN + "/pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds), "-f",
                      os.path.join(postgres.folder, "insert.pgbench"), "-h", postgres.data, "-p", "15432", "-U", "postgres",
                      "postgres", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return float(re.search(r"tps = ([0-9.]+)", out).group(1)), 0.0, 0.0


def make_data(folder, scale):
    """The lines to load (bcd-full, K copies below distinct prefixes, and the concepts of five) and the lines to assert."""
    load, lines, paths = (os.path.join(folder, name) for name in ("load.ndjson", "lines.ndjson", "paths"))
    with gzip.open(os.path.join(HERE, "data/bcd-full.ndjson.gz"), "rt") as source:
        bcd = source.read().splitlines()
    with open(load, "w") as f:
        for copy in range(scale):
            prefix = '{"concept_path":"bcd/' if copy == 0 else '{"concept_path":"copy%d/' % copy
            f.writelines(line.replace('{"concept_path":"bcd/', prefix, 1) + "\n" for line in bcd)
        for n in range(POINT_CONCEPTS):
            for s in range(5):
                f.write(json.dumps({"concept_path": "point/feature_%d/chrome" % n, "predicate": "version_added",
                                    "value": str(20 + s), "confidence": 0.9, "source": "source/s%d" % s}) + "\n")
    with open(lines, "w") as f:
        f.writelines(line.replace('"bcd/', '"new/', 1) + "\n" for line in bcd)
    with open(paths, "w") as f:
        f.writelines("point/feature_%d/chrome\n" % (n * 7919 % POINT_CONCEPTS) for n in range(POINT_CONCEPTS))
    for path in (load, lines, paths):
        os.chmod(path, 0o644)
    return load, lines, paths


def rounds_of(contestants, rounds):
    """{name: [result of each round]}, the contestants in turn."""
    results = {name: [] for name, _ in contestants}
    for _ in range(rounds):
        for name, measure in contestants:
            results[name].append(measure())
    return results


def median_rate(results):
    return statistics.median(r[0] for r in results)


def median_ratio(ours, theirs):
    return statistics.median(a[0] / b[0] for a, b in zip(ours, theirs))


def print_table(title, rows):
    print("\n### %s\n" % title)
    print("| clients | contestant | requests/s | p50 us | p99 us | StemeDB / it |\n|---|---|---|---|---|---|")
    for clients, results in rows:
        ours = results["StemeDB"]
        for name, rs in results.items():
            ratio = "" if name == "StemeDB" else "%.2f" % median_ratio(ours, rs)
            p50, p99 = (statistics.median(r[i] for r in rs) for i in (1, 2))
            print("| %d | %s | %.0f | %s | %s | %s |" % (clients, name, median_rate(rs), "%.0f" % p50 if p50 else "",
                                                       "%.0f" % p99 if p99 else "", ratio))
    sys.stdout.flush()


def measure(url, postgres, lines, paths, seconds, rounds):
    skip = {"ours": 0, "peer": 0}

    def asserts(who, target, clients):
        def one():
            rate = wrk(url + target, "assert.lua", clients, seconds, LINES=lines, SKIP=str(skip[who]))
            skip[who] += int(rate[0] * seconds)
            return rate
        return one

    rows = []
    for c in CLIENTS:
        rows.append((c, rounds_of([("StemeDB", asserts("ours", "/v1/assert", c)),
                                   ("PostgreSQL behind the same nginx", asserts("peer", "/peer/assert", c)),
                                   ("pgbench on the raw socket", lambda c=c: pgbench(postgres, c, seconds))], rounds)))
    print_table("Durable single asserts", rows)
    rows = []
    for c in CLIENTS:
        rows.append((c, rounds_of([("StemeDB", lambda c=c: wrk(url + "/v1/query", "query.lua", c, seconds, PATHS=paths)),
                                   ("PostgreSQL behind the same nginx",
                                    lambda c=c: wrk(url + "/peer/query", "query.lua", c, seconds, PATHS=paths)),
                                   ("nginx return 200", lambda c=c: wrk(url + "/r200", "query.lua", c, seconds, PATHS=paths))],
                                  rounds)))
    print_table("Point query of 5 assertions", rows)


def load_both(url, postgres, load):
    started = time.monotonic()
    answer = json.loads(run("curl", "-fsS", "-X", "POST", "-H", "Content-Type: application/x-ndjson", "-T", load,
                            url + "/v1/import", stdout=subprocess.PIPE).stdout)
    seconds = time.monotonic() - started
    started = time.monotonic()
    postgres.load(load)
    print("\n### Load\n\nStemeDB import of %d assertions over HTTP: %.1f s, %.0f/s; PostgreSQL, COPY and INSERT … SELECT: %.1f s"
          % (answer["accepted"], seconds, answer["accepted"] / seconds, time.monotonic() - started))


def settle(postgres):
    """What the load left to be written is written before anything is timed."""
    postgres.sql("VACUUM ANALYZE assertion;\nCHECKPOINT;\n")
    os.sync()
    time.sleep(5)


def print_sizes(home, postgres, count):
    def du(*paths):
        return sum(int(run("du", "-sb", p, stdout=subprocess.PIPE).stdout.split()[0]) for p in paths if os.path.exists(p))
    db = os.path.join(home, "data/db")
    table, indexes = postgres.sql("SELECT pg_table_size('assertion'), pg_indexes_size('assertion')").strip().split("|")
    files = sorted(f for f in os.listdir(os.path.join(db, "indexes")) if f.endswith(".kv"))
    print("\n### Disk bytes an assertion\n\n| | bytes |\n|---|---|")
    print("| StemeDB assertions.kv | %.0f |" % (du(os.path.join(db, "assertions.kv")) / count))
    for f in files:
        print("| StemeDB indexes/%s | %.0f |" % (f, du(os.path.join(db, "indexes", f)) / count))
    print("| PostgreSQL table | %.0f |\n| PostgreSQL indexes | %.0f |" % (int(table) / count, int(indexes) / count))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=int, default=1)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="stemedb-bench-")
    os.chmod(folder, 0o755)
    home = os.path.join(folder, "home")
    postgres = peer = None
    try:
        shutil.copy(os.path.join(HERE, "peer/insert.pgbench"), folder)
        load, lines, paths = make_data(folder, options.scale)
        postgres = Postgres(folder)
        peer, socket = start_peer(folder, postgres, max(CLIENTS))
        url = start_instance(os.path.abspath(options.build), home, os.cpu_count())
        add_peers_to_nginx(options.build, home, socket)
        load_both(url, postgres, load)
        settle(postgres)
        print_sizes(home, postgres, int(postgres.sql("SELECT count(*) FROM assertion")))
        measure(url, postgres, lines, paths, options.seconds, options.rounds)
    finally:
        subprocess.run([os.path.join(TOP, "scripts/instance.sh"), "stop", home], check=False)
        if peer:
            peer.kill()
            peer.wait()
        if postgres:
            postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
