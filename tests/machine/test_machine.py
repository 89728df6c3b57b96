#!/usr/bin/env python3
"""A booted Debian on which `make install` was done and nothing else: every command of docs/runbooks/restore-from-backup.md, as
printed."""
from machine import Machine, tap
import runbook

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
mkdir -p -m 700 /root/.ssh
echo '127.0.0.1 prod staging' >>/etc/hosts
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
printf 'StrictHostKeyChecking no\nLogLevel ERROR\n' >/root/.ssh/config
ln -s /var/lib/stemedb/backups /backups
ln -s /var/lib/stemedb/scripts /root/scripts
"""
# Runs /job/NN.before and /job/NN.step in order.
JOB = r"""
(set -ex; . /job/install; . /job/hosts) >install.out 2>&1 </dev/null
cd /var/lib/stemedb || exit
for step in /job/*.step; do
  cp "${step%.step}.cron" /job/cron-lines
  before=${step%.step}.before
  bash -e "$before" >"$before.out" 2>&1 </dev/null; echo $? >"$before.rc"
  bash "$step" >"$step.out" 2>"$step.err" </dev/null; echo $? >"$step.rc"
done
"""
# What counts is that `systemctl start` has returned: then nginx listens and the node serves, however soon after a stop.
RESTARTS = r"""
set -e
for time in {1..7}; do
  systemctl stop stemedb-api
  systemctl start stemedb-api
  curl -fsS http://localhost:18180/v1/health >/dev/null
done
for time in {1..7}; do
  systemctl restart stemedb-web
  curl -fsS http://localhost:18180/v1/health >/dev/null
done
# And while it runs without a node, nginx says that it comes back.
systemctl kill -s KILL --kill-who=all stemedb-api
curl -sS -o /dev/null -w '%{http_code} retry after %header{retry-after}\n' http://localhost:18180/v1/health
"""


@tap.case("in a booted Debian, every command of the runbook, as printed, does what the runbook tells")
def _():
    with Machine() as machine:
        steps = runbook.steps()
        machine.make_install()
        machine.write("/job/install", INSTALL)
        machine.write("/job/hosts", HOSTS)
        # For `crontab -e`, which asks for an editor of that name, and looks at seconds to see whether it changed the file.
        machine.write("/usr/bin/editor", '#!/bin/sh\nsleep 1.1\ncat /job/cron-lines >>"$1"\n', 0o755)
        for number, step in enumerate(steps):
            machine.write(f"/job/{number:02}.before", step.before)
            machine.write(f"/job/{number:02}.step", step.script())
            machine.write(f"/job/{number:02}.cron", "\n".join(step.cron) + "\n")
        machine.write("/job/restarts", RESTARTS)
        machine.boot(JOB + "bash /job/restarts >/job/restarts.out 2>&1 </dev/null; echo $? >>/job/restarts.out\n"
                     "journalctl -u stemedb-api -u stemedb-web >/job/journal.out\n")
        for number, step in enumerate(steps):
            name = f"/job/{number:02}"
            context = (machine.read("/job/install.out")[-1500:] + machine.read("/job/journal.out")[-1500:] +
                       machine.console[-500:])
            tap.equal(machine.read(name + ".before.rc"), "0\n",
                      f"before {step.name}: {machine.read(name + '.before.out')[-3000:]}\n{context}")
            out = machine.read(name + ".step.out") + "\n" + machine.read(name + ".step.err")
            tap.equal(machine.read(name + ".step.rc"), f"{step.status}\n", f"{step.name}: {out[-4000:]}\n{context}")
            try:
                step.check(step, out)
            except AssertionError as problem:
                raise AssertionError(f"{step.name}: {problem}") from problem
        # systemd starts a unit no more than five times in ten seconds, unless it is told otherwise.
        tap.equal(machine.read("/job/restarts.out"), "503 retry after 1\n0\n", machine.read("/job/journal.out")[-3000:])


tap.run()
