#!/usr/bin/env python3
"""The commands of docs/runbooks/restore-from-backup.md, run as printed from a home without systemd: sudo, systemctl, journalctl,
crontab and ssh are stand-ins that do the same by scripts/instance.sh and the log file; curl's port is the instance's."""
import os
import shutil
import subprocess

import runbook
from harness import TOP, Instance, tap
from runbook import prepare, run


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
