#!/usr/bin/env python3
"""The commands of docs/runbooks/restore-from-backup.md, run as printed from a home without systemd: sudo, systemctl, journalctl,
crontab and ssh are stand-ins that do the same by scripts/instance.sh and the log file; curl's port is the instance's."""
import os
import shutil
import subprocess

import runbook
from harness import TOOL, TOP, Instance, tap

STAND_INS = {
    "sudo": 'exec "$@"',
    "systemctl": f"""
case $1 in
status)
  if {TOP}/scripts/instance.sh status "$NODE_HOME" >/dev/null 2>&1; then echo 'Active: active (running)'; else
    echo 'Active: inactive (dead)'; exit 3; fi ;;
*) exec {TOP}/scripts/instance.sh "$1" "$NODE_HOME" ;;
esac""",
    # -f follows, so the lines of the last start are looked at after it.
    "journalctl": 'tail -n 60 "$NODE_HOME/log/stemedb-api.log"',
    "curl": """
for argument; do
  shift
  case $argument in http://localhost:18180/*) argument=http://localhost:$NODE_PORT/${argument#http://localhost:18180/} ;; esac
  set -- "$@" "$argument"
done
exec /usr/bin/curl "$@" """,
    "chown": 'exit 0',
    "crontab": 'case $1 in -e) cat "$NODE_HOME/cron-lines" >"$NODE_HOME/crontab" ;; *) cat "$NODE_HOME/crontab" ;; esac',
    "scp": 'mkdir -p "$NODE_HOME/staging/backups"; exec cp -rL "$NODE_HOME/backups/latest/." "$NODE_HOME/staging/backups/test"',
    "ssh": 'shift; cd "$NODE_HOME"; exec sh -c "$(echo "$*" | sed "s|/backups/test|$NODE_HOME/staging/backups/test|")"',
}


def prepare(node):
    os.makedirs(node.path("bin"))
    for name, text in STAND_INS.items():
        with open(node.path("bin", name), "w") as f:
            f.write(f"#!/bin/sh\nPATH=${{PATH#*:}}\n{text}\n" if name in ("systemctl", "curl") else f"#!/bin/sh\n{text}\n")
        os.chmod(node.path("bin", name), 0o755)
    os.symlink(os.path.join(TOP, "scripts"), node.path("scripts"))
    os.symlink(TOOL, node.path("bin", "stemedb"))
    node.env.update(PATH=node.path("bin") + ":" + node.env["PATH"], NODE_HOME=node.home, NODE_PORT=str(node.api_port))


def run(node, text):
    done = subprocess.run(["bash", "-c", text], cwd=node.home, env=node.env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    return done.returncode, done.stdout + "\n" + done.stderr


@tap.case("every command of the runbook, as printed, does what the runbook tells")
def _():
    with Instance() as node:
        prepare(node)
        for step in runbook.steps():
            if step.before:
                status, out = run(node, "set -e\n" + step.before)
                tap.equal(status, 0, f"before {step.name}: {out}")
            with open(node.path("cron-lines"), "w") as f:
                f.write("\n".join(step.cron) + "\n")
            status, out = run(node, step.script())
            tap.equal(status, step.status, f"{step.name}: {out}")
            try:
                step.check(step, out)
            except AssertionError as problem:
                raise AssertionError(f"{step.name}: {problem}") from problem


@tap.case("the alerts of the runbook are rules that Prometheus takes")
def _():
    promtool = shutil.which("promtool") or os.path.join(TOP, "build", "tools", "bin", "promtool")
    if not os.path.exists(promtool):
        raise tap.Skip("no promtool")
    with open(runbook.RUNBOOK) as f:
        rules = f.read().split("```yaml\n")[1].split("```")[0]
    done = subprocess.run([promtool, "check", "rules", "/dev/stdin"], input=rules, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    tap.equal(done.returncode, 0, done.stdout)


tap.run()
