#!/usr/bin/env python3
"""stemedb doctor: each ailment of a home is named with the section of the runbook to follow, and nothing is changed. And
docs/runbooks/server-wont-start.md: its commands run, and every line that a start can end with is in it."""
import glob
import hashlib
import os
import re
import shutil
import subprocess

from harness import TOOL, TOP, Instance, tap

RUNBOOK = os.path.join(TOP, "docs", "runbooks", "server-wont-start.md")
node = Instance()
home = node.home + "-doctor"
tap.equal(node.import_lines([{"concept_path": f"a/{i % 9}", "predicate": "p", "value": "v" * (i % 300)}
                             for i in range(4000)]).status, 200)


def snapshot(path):
    """Every file and folder with its bytes, mode and times but that of the last reading."""
    seen = {}
    for folder, names, files in os.walk(path):
        for name in [".", *names, *files]:
            at = os.path.join(folder, name)
            st = os.lstat(at)
            digest = None
            if os.path.isfile(at):
                with open(at, "rb") as f:
                    digest = hashlib.sha256(f.read()).hexdigest()
            seen[at] = (st.st_mode, st.st_uid, st.st_size, st.st_mtime_ns, st.st_ctime_ns, st.st_ino, digest)
    return seen


def examine(of):
    """(exit status, output), having made sure that nothing was changed."""
    before = snapshot(of)
    run = subprocess.run([TOOL, "doctor", of], capture_output=True, text=True, timeout=60)
    tap.equal(snapshot(of), before, "the home")
    return run.returncode, run.stdout + run.stderr


def fresh():
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(node.home, home, ignore=shutil.ignore_patterns("*.sock"))
    return home


def data(*names):
    return os.path.join(home, "data", *names)


def damage(path, offset):
    with open(path, "r+b") as f:
        f.seek(offset)
        byte = f.read(1)[0]
        f.seek(offset)
        f.write(bytes([byte ^ 0x40]))


@tap.case("a home whose node runs is not examined")
def _():
    run = subprocess.run([TOOL, "doctor", node.home], capture_output=True, text=True)
    tap.equal(run.returncode, 1)
    tap.contains(run.stderr, "uses this home")


@tap.case("a home that stopped clean is well")
def _():
    node.stop()
    tap.equal(examine(fresh()), (0, f"{home}: nothing is wrong with what a start reads\n"))


def first_log():
    return data("wal", min(n for n in os.listdir(data("wal")) if n.startswith("log.")))


def remove(*names):
    target = data(*names)
    shutil.rmtree(target) if os.path.isdir(target) else os.remove(target)


def shorten(path, size):
    with open(path, "r+b") as f:
        f.truncate(size)


def log_end():
    with open(first_log(), "rb") as f:
        return len(f.read().rstrip(b"\0"))


def set_option(line):
    with open(os.path.join(home, "stemedb.conf"), "a") as f:
        f.write(line + "\n")


AILMENTS = [
    ("a damaged page", lambda: damage(data("db", "assertions.kv"), 5 * 4096 + 77), 3, ["page 5 (offset 20480)", "§1 Complete Restore"]),
    ("a damaged log magic", lambda: damage(first_log(), 12), 3, ["WAL magic byte validation failed", "§2 WAL-Only Restore"]),
    ("a mark that is damaged", lambda: damage(data("db", "acked.mark"), 41), 3, ["acked.mark", "§1 Complete Restore"]),
    ("no mark", lambda: remove("db", "acked.mark"), 1, ["what was acknowledged is not known", "§6"]),
    ("no log", lambda: remove("wal"), 1, ["the WAL is missing or older", "§6"]),
    ("no indexes", lambda: remove("db", "indexes"), 1, ["the indexes are missing", "§4 Validation and Rebuild"]),
    ("a damaged index", lambda: damage(data("db", "indexes", "ids.kv"), 2 * 4096 + 99), 1, ["ids.kv, page 2", "§4 Validation"]),
    ("no database", lambda: remove("db", "assertions.kv"), 3, ["No history in", "server-wont-start.md §2"]),
    ("no data", lambda: remove(), 3, ["No history in", "Is its disk mounted?", "server-wont-start.md §2"]),
    ("an interrupted init", lambda: (remove("db"), os.mkdir(data(".init"))), 3, ["was interrupted", "§2 No history"]),
    ("a database that was renamed", lambda: os.rename(data("db"), data("db.backup.20261124-000000")), 3, ["db.*", "§1 Complete Restore"]),
    ("half a database", lambda: shorten(data("db", "assertions.kv"), 40 * 4096), 3, ["§1 Complete Restore"]),
    ("a wrong option", lambda: set_option("workers = many"), 3, ["workers", "§3 Configuration"]),
    ("a file of another user", lambda: os.chown(data("db", "acked.mark"), 12345, 12345), 3, ["chown -R", "§3 Configuration"]),
    ("too little space", lambda: set_option("min_free_bytes = 1024G"), 3, ["writes are refused", "§4 Disk space"]),
]


def ailment(name, do, status, words):
    @tap.case(f"{name} is named, with what to do")
    def _():
        if os.getuid() != 0 and "chown" in words[0]:
            raise tap.Skip("only root gives files away")
        fresh()
        do()
        got, output = examine(home)
        tap.equal(got, status, f"status for {name}: {output}")
        for word in words:
            tap.contains(output, word)


for ailing in AILMENTS:
    ailment(*ailing)


@tap.case("entries that lack are named, and a log that was set aside and has them")
def _():
    node.start()
    pids = node.pids("supervisor") + node.pids("committer") + node.pids("worker")
    for i in range(20):
        node.assert_one("late", i)
    last = node.health()["last_seq"]
    for pid in pids:
        os.kill(pid, 9)
    tap.wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), "end of the node")
    fresh()
    os.rename(data("wal"), data("wal.corrupted.1"))
    status, output = examine(home)
    tap.equal(status, 3, output)
    tap.contains(output, f"entries {last - 19} to {last} are missing")
    tap.contains(output, f"wal.corrupted.1 has entries {last - 19} to {last} of those that lack")
    node.start()
    node.stop()


@tap.case("every error and warning of a start is in the runbook")
def _():
    with open(RUNBOOK) as f:
        text = f.read()
    with open(os.path.join(TOP, "docs", "runbooks", "restore-from-backup.md")) as f:
        text += f.read()
    words = [w for w in re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.S)) if len(w) > 11]
    missing = []
    sources = glob.glob(os.path.join(TOP, "src", "store", "startup*.c"))
    for path in sources + [os.path.join(TOP, "src", "store", "superseded.c")]:
        with open(path) as f:
            source = f.read()
        for call in re.findall(r"(?:err_set\(err, ERR_(?:CORRUPT|NOTFOUND|IO)|log_warn\(\w+->log),\s*((?:\"[^\"]*\"|\s|PRIu\d\d)+)", source):
            line = re.sub(r"%s|%d", "\0", re.sub(r'%" PRIu\d\d "?|"\s*"|"$|^"', lambda m: "\0" if "%" in m[0] else "", call.strip()))
            parts = [part.strip(' ";:') for part in line.split("\0")]
            longest = max(parts, key=len)
            if len(longest) > 11 and not any(w in longest or longest[:16] in w for w in words):
                missing.append(longest)
    tap.equal(missing, [], "lines that the runbook does not have")
    tap.ok(len(words) > 20)


@tap.case("the commands of the runbook run as printed")
def _():
    os.symlink(os.path.join(TOP, "scripts"), node.path("scripts"))
    node.start()
    with open(RUNBOOK) as f:
        blocks = re.findall(r"```sh\n(.*?)```", f.read(), re.S)
    tap.ok(len(blocks) >= 7)
    env = dict(node.env, PATH=os.path.dirname(TOOL) + ":" + os.environ["PATH"])
    for text in blocks:
        done = subprocess.run(["sh", "-eu", "-c", text], cwd=node.home, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        tap.equal(done.returncode, 0, f"exit status of\n{text}\n{done.stdout}")
    tap.contains(done.stdout, '"status":"healthy"')


def finish():
    node.close()
    shutil.rmtree(home, ignore_errors=True)


tap.run(finish)
