"""Archives of log files, as tests look at them: names proven with nothing of StemeDB's own."""
import hashlib
import os
import re
import signal

from harness import alive, tap

OBJECT = re.compile(r"log\.(\d{10})-(\d+)-([0-9a-f]{64})\Z")
LIVE = re.compile(r"log\.(\d{10})\.live\Z")


def folders(target):
    """The folders of timelines."""
    return sorted(os.path.join(target, history, line)
                  for history in os.listdir(target) for line in os.listdir(os.path.join(target, history)))


def proven(folder):
    """{number: path} of the longest proven object of each log file; a live one where it is longer."""
    best = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        match, live = OBJECT.match(name), LIVE.match(name)
        if match:
            with open(path, "rb") as f:
                data = f.read()
            if len(data) != int(match[2]) or hashlib.sha256(data).hexdigest() != match[3]:
                raise AssertionError(f"{path} is not what its name says")
            number, length = int(match[1]), len(data)
        elif live:
            number, length = int(live[1]), os.path.getsize(path)
        else:
            continue
        if number not in best or best[number][0] < length:
            best[number] = (length, path)
    return {number: path for number, (_, path) in best.items()}


def kill_all(node):
    """kill -9 of all that runs of a node, nginx's own children too."""
    pids = node.pids()
    for pid in list(pids):
        try:
            with open(f"/proc/{pid}/task/{pid}/children") as f:
                pids += [int(child) for child in f.read().split() if int(child) not in pids]
        except FileNotFoundError:
            pass
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    tap.wait_for(lambda: not any(alive(pid) for pid in pids), "all dead")
