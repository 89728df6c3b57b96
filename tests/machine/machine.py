"""A real Debian 12, booted with systemd as its first process: a copy of a bare machine, which is kept in $STEMEDB_MACHINE_CACHE
(default /var/tmp/stemedb-machine) between runs. Needs root, debootstrap and systemd-nspawn; else tests are skipped."""
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "node"))
from harness import BUILD, tap  # noqa: E402

CACHE = os.environ.get("STEMEDB_MACHINE_CACHE", "/var/tmp/stemedb-machine")
PACKAGES = ("systemd,systemd-sysv,dbus,sudo,curl,jq,cron,procps,ca-certificates,openssh-server,openssh-client,nginx-light,"
            "db5.3-util,libdb5.3,libjson-c5,libsodium23,libfcgi0ldbl,libcurl4,zlib1g")
BOOT_SECONDS = 240
TOOLS = ("debootstrap", "systemd-nspawn")
UNIT = """[Unit]
Description=Test job
After=multi-user.target network.target
[Service]
Type=oneshot
ExecStart=/job/run
[Install]
WantedBy=default.target
"""


def base_machine():
    """The bare Debian, made once."""
    base = os.path.join(CACHE, "base")
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(base):
            make_base(base)
    return base


def make_base(base):
    part = tempfile.mkdtemp(prefix="part-", dir=CACHE)
    done = subprocess.run(["debootstrap", "--variant=minbase", "--include=" + PACKAGES, "bookworm", part],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        shutil.rmtree(part)
        raise tap.Skip("debootstrap made no machine: " + done.stdout[-300:].replace("\n", " "))
    os.rename(part, base)


class Machine:
    """A machine of its own, gone when the `with` ends. `boot` runs a script as root in it, and powers off."""

    def __init__(self):
        if os.geteuid() != 0 or not all(shutil.which(tool) for tool in TOOLS):
            raise tap.Skip("needs root, " + " and ".join(TOOLS))
        base = base_machine()
        self.root = tempfile.mkdtemp(prefix="stemedb-machine-")
        os.chmod(self.root, 0o755)
        self.console = ""
        subprocess.run(["cp", "-a", "--reflink=auto", os.path.join(base, "."), self.root], check=True)
        self.write("/etc/hostname", "machine\n")
        self.write("/etc/hosts", "127.0.0.1 localhost machine\n")
        self.write("/etc/systemd/system/test-job.service", UNIT)
        wants = self.path("/etc/systemd/system/default.target.wants")
        os.makedirs(wants, exist_ok=True)
        os.symlink("/etc/systemd/system/test-job.service", os.path.join(wants, "test-job.service"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), mode)

    def read(self, name):
        try:
            with open(self.path(name), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def make_install(self):
        subprocess.run(["make", "-C", BUILD, "install", "DESTDIR=" + self.root], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def boot(self, script):
        """Until it powers off; self.console is what was said there."""
        started = self.path("/job/started")
        if os.path.exists(started):
            os.remove(started)
        self.write("/job/run", "#!/bin/bash\nexport HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
                   "trap 'systemctl poweroff' EXIT\ncd /job || exit\n: >started\n" + script, 0o755)
        try:
            done = subprocess.run(["systemd-nspawn", "-D", self.root, "-b", "--register=no", "--keep-unit", "--private-network",
                                   "--console=pipe"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=BOOT_SECONDS)
            self.console = done.stdout.decode(errors="replace")
        except subprocess.TimeoutExpired as late:
            self.console = (late.stdout or b"").decode(errors="replace") + "\nIt did not power off."
        if not os.path.exists(started):
            raise tap.Skip("no machine boots here: " + self.console[-300:].replace("\n", " "))
