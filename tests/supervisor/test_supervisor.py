#!/usr/bin/env python3
"""The supervisor over fake children (fake_child.py): a copy of it lies beside them, so it starts them and not ours."""
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
import tap  # noqa: E402

PROGRAM = os.path.abspath(os.path.join(os.environ.get("BUILD", "."), "src", "stemedb-api"))


class Node:
    """A supervisor with two fake workers in a home of its own."""

    def __init__(self, data=True):
        self.home = tempfile.mkdtemp(prefix="stemedb-test-")
        self.bin = os.path.join(self.home, "bin")
        os.mkdir(self.bin)
        if data:
            os.mkdir(os.path.join(self.home, "data"))
        with open(os.path.join(self.home, "stemedb.conf"), "w") as f:
            f.write("workers = 2\n")
        shutil.copy(PROGRAM, self.bin)
        for role in "committer", "worker":
            shutil.copy(os.path.join(HERE, "fake_child.py"), os.path.join(self.bin, "stemedb-" + role))
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(self.home, "notify"))
        self.notify.setblocking(False)
        self.told = []
        self.process = None

    def behave(self, role, behaviour):
        with open(os.path.join(self.home, "behaviour-" + role), "w") as f:
            f.write(behaviour)

    def start(self, *options, ready=True):
        env = dict(os.environ, NOTIFY_SOCKET=os.path.join(self.home, "notify"))
        env.pop("JOURNAL_STREAM", None)
        with open(os.path.join(self.home, "log.txt"), "ab") as log:
            self.process = subprocess.Popen([self.bin + "/stemedb-api", "--home", self.home, *options], env=env,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if ready:
            tap.wait_for(lambda: len(self.pids("worker")) == 2 and self.notified("READY=1"), "ready node")
        return self

    def log(self):
        with open(os.path.join(self.home, "log.txt")) as f:
            return f.read()

    def events(self, event, role=None):
        try:
            with open(os.path.join(self.home, "events")) as f:
                all_events = [json.loads(line) for line in f]
        except FileNotFoundError:
            return []
        return [e for e in all_events if e["event"] == event and role in (None, e["role"])]

    def pids(self, role):
        try:
            with open(os.path.join(self.home, "run", "pids")) as f:
                return [int(line.split()[0]) for line in f if line.split()[1] == role]
        except FileNotFoundError:
            return []

    def notified(self, word):
        return self.told_times(word) > 0

    def told_times(self, word):
        try:
            while True:
                self.told.append(self.notify.recv(4096).decode())
        except BlockingIOError:
            return self.told.count(word)

    def wait_restart(self, count):
        """Waits until the node has become ready for the count-th time."""
        tap.wait_for(lambda: self.told_times("READY=1") >= count, f"start number {count}")

    def end(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        return self.process.wait(timeout=20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.notify.close()
        tap.wait_for(lambda: not any(alive(e["pid"]) for e in self.events("started")), "end of all children")
        shutil.rmtree(self.home)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@tap.case("all are started with their descriptors, and the service manager hears of it")
def _():
    with Node() as node:
        node.start()
        started = node.events("started")
        tap.equal(sorted(e["role"] for e in started), ["committer", "worker", "worker"])
        tap.ok(all(e["inherited"] for e in started))
        tap.ok(not any(e["notify"] for e in started), "a child can speak to the service manager")
        tap.equal([e["quick"] for e in started], [None] * 3, "the first start's STEMEDB_QUICK")
        tap.equal(node.pids("supervisor"), [node.process.pid])
        tap.equal(set(node.pids("committer") + node.pids("worker")), {e["pid"] for e in started})
        tap.wait_for(lambda: node.notified("READY=1"), "READY=1")
        for name in "api.sock", "committer.sock":
            st = os.stat(os.path.join(node.home, "run", name))
            tap.ok(stat.S_ISSOCK(st.st_mode))
            tap.equal(stat.S_IMODE(st.st_mode), 0o660)


def check_death(role):
    with Node() as node:
        node.start()
        before = set(node.pids("committer") + node.pids("worker"))
        victim = node.pids(role)[0]
        os.kill(victim, signal.SIGKILL)
        node.wait_restart(2)
        tap.ok("next one in" not in node.log(), "the restart had to wait")
        after = set(node.pids("committer") + node.pids("worker"))
        tap.equal(len(after), 3)
        tap.equal(before & after, set(), "survivors")
        tap.ok(not any(alive(p) for p in before))
        tap.contains(node.log(), f"{role} {victim} died: signal 9 (KILL)")
        tap.contains(node.log(), "Committer and 2 workers are back after ")
        tap.equal([e["quick"] for e in node.events("started", "committer")], [None, "1"])
        tap.equal(node.end(), 0)


@tap.case("a killed worker is one event for all: every process is replaced, without a pause before")
def _():
    check_death("worker")


@tap.case("a killed committer is one event for all: every process is replaced, without a pause before")
def _():
    check_death("committer")


@tap.case("what a killed committer had started is killed before the next one starts")
def _():
    with Node() as node:
        node.behave("committer", "parent")
        node.start()
        child = node.events("started", "committer")[0]["child"]
        tap.ok(alive(child))
        os.kill(node.pids("committer")[0], signal.SIGKILL)
        tap.wait_for(lambda: len(node.events("started", "committer")) == 2, "second committer")
        tap.ok(not alive(child))
        last = node.events("started", "committer")[1]["child"]
        tap.equal(node.end(), 0)
        tap.ok(not alive(last))


@tap.case("a worker that ends by itself, even with status 0, is the same event")
def _():
    with Node() as node:
        node.start()
        os.kill(node.pids("worker")[0], signal.SIGUSR2)
        node.wait_restart(2)
        tap.equal(len(node.events("started", "committer")), 2)


@tap.case("a committer that ends with 3 before it is ready stops the node with 3")
def _():
    with Node() as node:
        node.behave("committer", "exit 3")
        node.start(ready=False)
        tap.equal(node.process.wait(timeout=20), 3)
        tap.equal(len(node.events("started", "committer")), 1)
        tap.ok(not any(alive(e["pid"]) for e in node.events("started")))


@tap.case("corruption seen in the live environment is checked in full, and stops the node when it is seen again")
def _():
    with Node() as node:
        node.start()
        os.kill(node.pids("worker")[0], signal.SIGUSR1)
        node.wait_restart(2)
        tap.equal([e["quick"] for e in node.events("started", "committer")], [None, None])
        os.kill(node.pids("committer")[0], signal.SIGUSR1)
        tap.equal(node.process.wait(timeout=20), 3)


@tap.case("--quick never makes every recovery a full one")
def _():
    with Node() as node:
        node.start("--quick", "never")
        os.kill(node.pids("worker")[0], signal.SIGKILL)
        node.wait_restart(2)
        tap.equal([e["quick"] for e in node.events("started", "committer")], [None, None])


@tap.case("starts that fail in a row are spaced out, the first restart is immediate, and a good start ends it")
def _():
    with Node() as node:
        node.behave("committer", "exit 1")
        node.start(ready=False)
        tap.wait_for(lambda: "next one in 0.4 s" in node.log(), "back-off")
        ends = node.log().split("next one in")
        tap.equal([part.count("ended: status 1") for part in ends[:3]], [2, 1, 1], "failed starts before each pause")
        times = [e["time"] for e in node.events("started", "committer")]
        tap.ok(times[2] - times[1] >= 0.1 and times[3] - times[2] >= 0.2, f"pauses: {times}")
        node.behave("committer", "serve")
        node.wait_restart(1)
        tap.wait_for(lambda: node.notified("READY=1"), "READY=1")
        tap.ok(node.notified("EXTEND_TIMEOUT_USEC=30000000"))


@tap.case("SIGTERM drains the workers, then closes the committer, and exits with 0")
def _():
    with Node() as node:
        node.start()
        tap.equal(node.end(), 0)
        tap.equal([e["role"] for e in node.events("terminated")], ["worker", "worker", "committer"])
        tap.ok(node.notified("STOPPING=1"))
        tap.equal(sorted(os.listdir(os.path.join(node.home, "run"))), [])


@tap.case("SIGTERM before the node is ready ends it at once with 0")
def _():
    with Node() as node:
        node.behave("committer", "exit 1")
        node.start(ready=False)
        tap.wait_for(lambda: "next one in" in node.log(), "back-off")
        tap.equal(node.end(), 0)


@tap.case("SIGHUP replaces the workers one at a time, and nothing else")
def _():
    with Node() as node:
        node.start()
        committer, workers = node.pids("committer"), node.pids("worker")
        seen = []
        node.process.send_signal(signal.SIGHUP)

        def replaced():
            seen.append(node.pids("worker"))
            return len(seen[-1]) == 2 and not set(seen[-1]) & set(workers)
        tap.wait_for(replaced, "new workers", step=0.0005)
        tap.ok(all(2 <= len(pids) <= 3 for pids in seen), f"numbers of workers: {set(map(len, seen))}")
        tap.equal(node.pids("committer"), committer)
        order = [(e["event"], e["pid"] in workers) for e in node.events("started", "worker")[2:]]
        tap.equal(order, [("started", False)] * 2)
        tap.equal(sorted(e["pid"] for e in node.events("terminated")), sorted(workers))
        tap.equal(node.told_times("READY=1"), 1)


@tap.case("when the supervisor is killed its children die, and the next one takes over at once")
def _():
    with Node() as node:
        node.start()
        before = node.pids("committer") + node.pids("worker")
        node.end(signal.SIGKILL)
        node.start(ready=False)
        node.wait_restart(2)
        tap.ok(not any(alive(p) for p in before))
        tap.equal([e["quick"] for e in node.events("started", "committer")], [None, None])


@tap.case("a second supervisor on the same home is refused and harms nothing")
def _():
    with Node() as node:
        node.start()
        second = subprocess.run([node.bin + "/stemedb-api", "--home", node.home], capture_output=True, text=True)
        tap.equal(second.returncode, 1)
        tap.contains(second.stderr, f"process {node.process.pid} uses this home")
        tap.equal(len(node.events("started")), 3)
        tap.equal(node.end(), 0)


@tap.case("a home without data has no history: exit 3")
def _():
    with Node(data=False) as node:
        node.start(ready=False)
        tap.equal(node.process.wait(timeout=20), 3)
        tap.contains(node.log(), f"No history in {node.home}/data")


@tap.case("wrong options are a usage error, and --version names the version")
def _():
    for options in [], ["--home"], ["--home", "/tmp", "more"], ["--home", "/tmp", "--quick", "always"], ["--what"]:
        tap.equal(subprocess.run([PROGRAM, *options], capture_output=True).returncode, 2, f"status of {options}")
    version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True)
    tap.equal((version.returncode, version.stdout), (0, "stemedb 0.1.0\n"))


tap.run()
