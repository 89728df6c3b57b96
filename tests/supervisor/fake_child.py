#!/usr/bin/env -S python3 -S -E
"""Stands in for stemedb-committer and stemedb-worker: checks what it was given, notes it in HOME/events, and behaves as
HOME/behaviour-ROLE says: "serve" (the default), "exit N" (before it is ready), "parent" (serves, and has a child)."""
import json
import os
import signal
import stat
import sys
import time

role = os.path.basename(sys.argv[0]).replace("stemedb-", "")
home = sys.argv[sys.argv.index("--home") + 1]


def note(what, **more):
    line = json.dumps({"event": what, "role": role, "pid": os.getpid(), "time": time.monotonic(), **more}) + "\n"
    fd = os.open(home + "/events", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(fd, line.encode())
    os.close(fd)


def terminated(*_):
    note("terminated")
    os._exit(0)


signal.signal(signal.SIGTERM, terminated)
signal.signal(signal.SIGUSR1, lambda *_: os._exit(3))
signal.signal(signal.SIGUSR2, lambda *_: os._exit(0))
try:
    with open(f"{home}/behaviour-{role}") as f:
        behaviour = f.read().split()
except FileNotFoundError:
    behaviour = ["serve"]
listening = stat.S_ISSOCK(os.fstat(int(os.environ["STEMEDB_LISTEN_FD"])).st_mode)
segment = stat.S_ISREG(os.fstat(int(os.environ["STEMEDB_SEGMENT_FD"])).st_mode)
child = 0
if behaviour[0] == "parent":
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1)
note("started", quick=os.environ.get("STEMEDB_QUICK"), inherited=listening and segment, child=child,
     notify="NOTIFY_SOCKET" in os.environ)
if behaviour[0] == "exit":
    os._exit(int(behaviour[1]))
os.write(int(os.environ["STEMEDB_READY_FD"]), b"ready\n")
os.close(int(os.environ["STEMEDB_READY_FD"]))
while True:
    signal.pause()
