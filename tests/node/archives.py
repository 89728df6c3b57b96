"""Archives of log files, as tests look at them: names proven with nothing of StemeDB's own."""
import hashlib
import os
import re
import shutil
import subprocess

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


def roll_forward(backup, folder, data):
    """Makes a data folder of a backup and of what is archived of its timeline, recovered by Berkeley DB's own tool."""
    shutil.copytree(backup, data)
    subprocess.run(["chmod", "-R", "u+w", data], check=True)
    # All of it, also what is older than the backup's own log: where the log was about to change files, the copy's recovery may
    # have begun a file of its own, and so the first one that it has is not the first one that it needs.
    for number, path in proven(folder).items():
        shutil.copyfile(path, os.path.join(data, "wal", f"log.{number:010d}"))
    for name in ("MANIFEST.sha256", "metadata.json", "db/acked.mark"):
        if os.path.exists(os.path.join(data, name)):
            os.unlink(os.path.join(data, name))
    subprocess.run(["db5.3_recover", "-c", "-h", data], check=True)
