#!/usr/bin/env python3
"""A real Debian 12, booted with systemd as its first process, on which `make install` was done and nothing else: every command of
docs/runbooks/restore-from-backup.md, as printed. Needs root, debootstrap and systemd-nspawn; else it is skipped. The bare machine is
kept in $STEMEDB_MACHINE_CACHE (default /var/tmp/stemedb-machine) between runs."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "node"))
import runbook  # noqa: E402
from harness import BUILD, tap  # noqa: E402

CACHE = os.environ.get("STEMEDB_MACHINE_CACHE", "/var/tmp/stemedb-machine")
PACKAGES = ("systemd,systemd-sysv,dbus,sudo,curl,jq,cron,procps,ca-certificates,openssh-server,openssh-client,nginx-light,"
            "db5.3-util,libdb5.3,libjson-c5,libsodium23,libfcgi0ldbl,libcurl4,zlib1g")
BOOT_SECONDS = 240
TOOLS = ("debootstrap", "systemd-nspawn")

# What an administrator does after `make install`, as README tells.
INSTALL = r"""
systemd-sysusers
systemd-tmpfiles --create
sudo -u stemedb stemedb init --home /var/lib/stemedb
systemctl daemon-reload
systemctl disable --now nginx
systemctl enable --now stemedb-api
"""
# Production and staging are both this machine.
HOSTS = r"""
echo '127.0.0.1 prod staging' >>/etc/hosts
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
printf 'StrictHostKeyChecking no\nLogLevel ERROR\n' >/root/.ssh/config
ln -s /var/lib/stemedb/backups /backups
ln -s /var/lib/stemedb/scripts /root/scripts
"""
JOB = r"""#!/bin/bash
# Runs /job/NN.before and /job/NN.step in order, and powers off.
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd /job || exit
(set -ex; . /job/install; . /job/hosts) >install.out 2>&1 </dev/null
cd /var/lib/stemedb || systemctl poweroff
for step in /job/*.step; do
  cp "${step%.step}.cron" /job/cron-lines
  before=${step%.step}.before
  bash -e "$before" >"$before.out" 2>&1 </dev/null; echo $? >"$before.rc"
  bash "$step" >"$step.out" 2>"$step.err" </dev/null; echo $? >"$step.rc"
done
journalctl -u stemedb-api -u stemedb-web >/job/journal.out
systemctl poweroff
"""
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
    if os.path.isdir(base):
        return base
    os.makedirs(CACHE, exist_ok=True)
    part = tempfile.mkdtemp(prefix="part-", dir=CACHE)
    done = subprocess.run(["debootstrap", "--variant=minbase", "--include=" + PACKAGES, "bookworm", part],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        shutil.rmtree(part)
        raise tap.Skip("debootstrap made no machine: " + done.stdout[-300:].replace("\n", " "))
    os.rename(part, base)
    return base


def write(machine, name, text, mode=0o644):
    path = os.path.join(machine, name.lstrip("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)


def read(machine, name):
    try:
        with open(os.path.join(machine, name.lstrip("/")), errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def prepare(machine, steps):
    subprocess.run(["cp", "-a", os.path.join(base_machine(), "."), machine], check=True)
    subprocess.run(["make", "-C", BUILD, "install", "DESTDIR=" + machine], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    write(machine, "/etc/hostname", "machine\n")
    write(machine, "/etc/hosts", "127.0.0.1 localhost machine\n")
    write(machine, "/job/install", INSTALL)
    write(machine, "/job/hosts", "mkdir -p -m 700 /root/.ssh\n" + HOSTS)
    # For `crontab -e`, which asks for an editor of that name, and looks at seconds to see whether it changed the file.
    write(machine, "/usr/bin/editor", '#!/bin/sh\nsleep 1.1\ncat /job/cron-lines >>"$1"\n', 0o755)
    write(machine, "/job/run", JOB, 0o755)
    write(machine, "/etc/systemd/system/test-job.service", UNIT)
    wants = os.path.join(machine, "etc/systemd/system/default.target.wants")
    os.makedirs(wants, exist_ok=True)
    os.symlink("/etc/systemd/system/test-job.service", os.path.join(wants, "test-job.service"))
    for number, step in enumerate(steps):
        write(machine, f"/job/{number:02}.before", step.before)
        write(machine, f"/job/{number:02}.step", step.script())
        write(machine, f"/job/{number:02}.cron", "\n".join(step.cron) + "\n")


def boot(machine):
    """Until it powers off; what its console said."""
    try:
        done = subprocess.run(["systemd-nspawn", "-D", machine, "-b", "--register=no", "--keep-unit", "--private-network",
                               "--console=pipe"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=BOOT_SECONDS)
        return done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(errors="replace") + "\nIt did not power off."


@tap.case("in a booted Debian, every command of the runbook, as printed, does what the runbook tells")
def _():
    if os.geteuid() != 0 or not all(shutil.which(tool) for tool in TOOLS):
        raise tap.Skip("needs root, " + " and ".join(TOOLS))
    machine = tempfile.mkdtemp(prefix="stemedb-machine-")
    os.chmod(machine, 0o755)
    try:
        steps = runbook.steps()
        prepare(machine, steps)
        console = boot(machine)
        if not read(machine, "/job/install.out") and not os.path.exists(os.path.join(machine, "job/00.step.rc")):
            raise tap.Skip("no machine boots here: " + console[-300:].replace("\n", " "))
        for number, step in enumerate(steps):
            name = f"/job/{number:02}"
            context = read(machine, "/job/install.out")[-1500:] + read(machine, "/job/journal.out")[-1500:] + console[-500:]
            tap.equal(read(machine, name + ".before.rc"), "0\n",
                      f"before {step.name}: {read(machine, name + '.before.out')[-3000:]}\n{context}")
            out = read(machine, name + ".step.out") + "\n" + read(machine, name + ".step.err")
            tap.equal(read(machine, name + ".step.rc"), f"{step.status}\n", f"{step.name}: {out[-4000:]}\n{context}")
            try:
                step.check(step, out)
            except AssertionError as problem:
                raise AssertionError(f"{step.name}: {problem}") from problem
    finally:
        shutil.rmtree(machine, ignore_errors=True)


tap.run()
