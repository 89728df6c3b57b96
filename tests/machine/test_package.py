#!/usr/bin/env python3
"""The Debian package in a booted Debian: installed, used, the machine booted again, upgraded, removed, purged. Needs debhelper, too."""
import os
import re
import shutil
import subprocess
import tempfile

from machine import Machine, tap
from harness import TOP

NEXT = "0.1.0-2"
# How the node stands, as one line.
STATE = r"""
state() { curl -fsS http://localhost:18180/v1/health | jq -r '"\(.assertion_count) \(.history_root)"'; }
ready() { for try in {1..300}; do curl -fsS -o /dev/null http://localhost:18180/v1/health/ready 2>/dev/null && return; sleep 0.1; done; false; }
gone() { ! systemctl --quiet is-active stemedb-api && ! curl -sS http://localhost:18180/v1/health 2>/dev/null; }
pid() { systemctl show -p MainPID --value stemedb-api; }
"""
FIRST_BOOT = r"""
dpkg -i /job/one.deb
stat -c '%U %a %n' /var/lib/stemedb /var/lib/stemedb/data
systemctl is-enabled stemedb-api stemedb-backup.timer
systemctl start stemedb-api
curl -fsS http://localhost:18188/ | grep -i '<title>'
curl -fsS http://localhost:18180/v1/assert -H 'Content-Type: application/json' \
  -d '{"concept_path": "web/grid", "predicate": "since", "value": 57, "source": "source/me"}' >/dev/null
systemctl start stemedb-backup
systemctl start stemedb-drill
echo "drill: $(systemctl show -p Result --value stemedb-drill)"
curl -fsS http://localhost:18180/v1/backups | jq -r '.backups[] | "backup of \(.metadata.assertion_count), verified \(.verified)"'
# Told to the node by root, and kept where the contract has it.
token=$(stemedb token add me --role reader)
for try in {1..300}; do code=$(curl -s -o /dev/null -w '%{http_code}' http://localhost:18180/v1/concepts); [ $code = 401 ] && break; sleep 0.1; done
echo "without a token $code, with it $(curl -s -o /dev/null -w '%{http_code}' -H "X-API-Key: $token" http://localhost:18180/v1/concepts)"
stat -L -c '%U %a %n' /etc/stemedb/tokens /var/lib/stemedb/tokens
# What logrotate does.
mv /var/lib/stemedb/log/access.log /var/lib/stemedb/log/access.log.1
systemctl kill --signal=USR1 --kill-who=main stemedb-web.service
for try in {1..100}; do [ -e /var/lib/stemedb/log/access.log ] && break; sleep 0.1; done
stat -c '%U %n' /var/lib/stemedb/log/access.log
echo '# mine' >>/etc/stemedb/stemedb.conf
systemctl list-units --failed --no-legend 'stemedb-*'
state >/job/state
"""
SECOND_BOOT = r"""
ready
diff /job/state <(state) && echo 'the same after the reboot'
ls -d /var/lib/stemedb/backups/stemedb-backup-* | wc -l
before=$(pid)
dpkg -i /job/two.deb
ready
diff /job/state <(state) && [ $before != $(pid) ] && echo 'the same after the upgrade, by another process'
dpkg-query -W -f '${Version}\n' stemedb
tail -n 1 /etc/stemedb/stemedb.conf
dpkg -r stemedb
for try in {1..100}; do gone && break; sleep 0.1; done
gone && echo 'stopped'
ls -d /var/lib/stemedb/data /etc/stemedb/stemedb.conf
dpkg -P stemedb
ls -d /var/lib/stemedb/data /var/lib/stemedb/backups/latest /etc/stemedb/tokens
[ ! -e /etc/stemedb/stemedb.conf ]
dpkg -i /job/one.deb
ready
diff /job/state <(state) && echo 'the same after all'
"""


def build(folder):
    """The package, and the same with a higher version. Without optimisation, which is of no matter here."""
    if not all(shutil.which(tool) for tool in ("dpkg-buildpackage", "dh", "fakeroot")):
        raise tap.Skip("needs debhelper and fakeroot")
    env = dict(os.environ, DEB_BUILD_OPTIONS="noopt noautodbgsym")
    made = subprocess.run([os.path.join(TOP, "scripts", "package.sh"), os.path.join(folder, "package")], env=env, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    tap.equal(made.returncode, 0, made.stderr[-3000:])
    tap.equal(re.findall("^E: .*", made.stderr, re.M), [])
    one, two, tree = made.stdout.strip(), os.path.join(folder, "two.deb"), os.path.join(folder, "tree")
    subprocess.run(["dpkg-deb", "-R", one, tree], check=True)
    control = os.path.join(tree, "DEBIAN", "control")
    with open(control) as f:
        text = f.read()
    with open(control, "w") as f:
        f.write(re.sub("^Version: .*", "Version: " + NEXT, text, flags=re.M))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, two], check=True, stdout=subprocess.DEVNULL)
    return one, two


def boot(machine, script):
    """What the script printed, which must succeed."""
    machine.write("/job/script", STATE + script)
    machine.boot("bash -e /job/script >/job/out 2>/job/err </dev/null; echo $? >/job/rc; journalctl -b >/job/journal\n")
    out = machine.read("/job/out")
    tap.equal(machine.read("/job/rc"), "0\n", out[-2000:] + machine.read("/job/err")[-2000:] + machine.read("/job/journal")[-3000:])
    return out


@tap.case("the package is installed, used, found again after a reboot, upgraded, removed and purged, and no data is lost")
def _():
    with Machine() as machine, tempfile.TemporaryDirectory(prefix="stemedb-package-") as folder:
        os.makedirs(machine.path("/job"), exist_ok=True)
        one, two = build(folder)
        shutil.copy(one, machine.path("/job/one.deb"))
        shutil.copy(two, machine.path("/job/two.deb"))
        out = boot(machine, FIRST_BOOT)
        for line in ("stemedb 750 /var/lib/stemedb", "stemedb 750 /var/lib/stemedb/data", "drill: success", "backup of 1, verified true",
                     "without a token 401, with it 200", "stemedb 640 /etc/stemedb/tokens", "stemedb 640 /var/lib/stemedb/tokens",
                     "stemedb /var/lib/stemedb/log/access.log"):
            tap.ok(line in out.splitlines(), f"{line!r} is not in: {out}")
        tap.contains(out, "enabled\nenabled\n")
        tap.contains(out, "StemeDB</title>")
        tap.ok("failed" not in out, out)
        out = boot(machine, SECOND_BOOT)
        for line in ("the same after the reboot", "the same after the upgrade, by another process", NEXT, "# mine", "stopped",
                     "/etc/stemedb/stemedb.conf", "/var/lib/stemedb/backups/latest", "/etc/stemedb/tokens", "the same after all"):
            tap.ok(line in out.splitlines(), f"{line!r} is not in: {out}")
        tap.ok(re.search("^stemedb: history, backups and logs are left in /var/lib/stemedb", out, re.M), out)


tap.run()
