"""The command blocks of docs/runbooks/restore-from-backup.md as steps, with what must be there before each, and what each must
have printed. They are run as printed, in bash, from the home: by test_runbook.py with stand-ins for sudo, systemctl, journalctl and
ssh, by tests/machine in a booted Debian without any."""
import json
import os
import re
import subprocess

from harness import TOOL, TOP, tap

RUNBOOK = os.path.join(TOP, "docs", "runbooks", "restore-from-backup.md")
COUNT = 10234
RESTORE_LINES = ["Stopping StemeDB API service...",
                 "Renaming existing data/wal to data/wal.backup.STAMP",
                 "Renaming existing data/db to data/db.backup.STAMP",
                 "Copying WAL from backup...",
                 "Copying DB from backup...",
                 "Copying metadata...",
                 "Restore complete. Starting StemeDB API service...",
                 "StemeDB API service started successfully."]
CRON_LINE = re.compile(r"^\d+ \d+ \* \* \* .*$", re.M)

# 10,234 assertions, some by a source that turns out to be bad, and two backups with the names that the runbook has.
SETUP = r"""
awk 'BEGIN { for (n = 0; n < %d; n++)
  printf "{\"concept_path\":\"%%s\",\"predicate\":\"p%%d\",\"value\":\"v%%d\",\"source\":\"%%s\"}\n",
    n %% 1000 ? "test/c" n %% 97 : "test/restore", n %% 5, n, n %% 100 ? "source/good" : "source/bad_source" }' >lines.ndjson
curl -fsS -X POST --data-binary @lines.ndjson -H 'Content-Type: application/x-ndjson' http://localhost:18180/v1/import
""" % COUNT
COPIES = r"""
cp -a backups/latest/ backups/stemedb-backup-20260211-100000
cp -a backups/latest/ backups/stemedb-backup-20260210-230000
"""
MORE = r"""
curl -fsS -X POST http://localhost:18180/v1/assert -H 'Content-Type: application/json' \
  -d '{"concept_path": "%s", "predicate": "p", "value": "later"}'
"""
# The file header of the newest log, which is behind the checkpoint of the clean stop.
DAMAGE_WAL = r"""
sudo systemctl stop stemedb-api
printf '\377' | dd of=data/wal/$(ls data/wal | grep '^log' | tail -n 1) bs=1 seek=13 conv=notrunc 2>/dev/null
! sudo systemctl start stemedb-api
"""


def blocks(heading):
    """The bash blocks below a heading, up to the next one of its level or above."""
    with open(RUNBOOK) as f:
        lines = f.read().splitlines()
    found, block, inside, language = [], None, False, ""
    for line in lines:
        fence = re.match(r"( *)```(\w*)$", line)
        if fence and block is None:
            block, language, indent = [], fence.group(2), fence.group(1)
        elif fence:
            if inside and language == "bash":
                found.append("\n".join(re.sub("^" + indent, "", text) for text in block) + "\n")
            block = None
        elif block is not None:
            block.append(line)
        elif line.startswith(heading):
            inside = True
        elif inside and re.match(r"#+ ", line) and len(line.split(" ")[0]) <= len(heading.split(" ")[0]):
            break
    return found


class Step:
    def __init__(self, name, block, check, before="", status=0, follows=False):
        self.name, self.check, self.before, self.status, self.follows = name, check, before, status, follows
        self.cron = CRON_LINE.findall(block)
        # What is to be typed into the editor of `crontab -e` is no command.
        self.block = CRON_LINE.sub("", block)
        self.printed = block

    def script(self):
        """For bash; `journalctl -f`, which never ends, is ended when the last expected line has had time to come."""
        parts = ['BACKUP_DIR="backups/stemedb-backup-20260211-100000"']
        block = self.block
        if self.follows:
            block = block.replace("journalctl -u stemedb-api -f", "timeout -s INT 4 journalctl -u stemedb-api -f || true")
        return "\n".join(parts + [block])


def restored(lines):
    return [re.sub(r"\d{8}-\d{6}$", "STAMP", line) for line in lines]


def expected_lines(block, after="# Expected output:"):
    return [re.sub(r"\d{8}-\d{6}$", "STAMP", line[2:])
            for line in block.split(after + "\n")[1].splitlines() if line.startswith("# ")]


def expect_restore(step, out):
    tap.equal(restored(out.splitlines())[:len(RESTORE_LINES)], RESTORE_LINES, out[:3000])
    if "# Expected output:" in step.printed:
        tap.equal(expected_lines(step.printed), RESTORE_LINES)


def objects(out):
    """The JSON objects in what was printed."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while True:
        at = out.find("{", at)
        if at < 0:
            return found
        try:
            value, at = decoder.raw_decode(out, at)
            found.append(value)
        except ValueError:
            at += 1


def expect_metadata(step, out):
    data = [o for o in objects(out) if "backup_type" in o]
    tap.ok(data, out)
    for one in data:
        tap.equal(list(one)[:5], ["version", "timestamp", "assertion_count", "wal_segment_count", "backup_type"])
        tap.equal((one["version"], one["assertion_count"]), ("0.1.0", COUNT))
        tap.ok(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one["timestamp"]), out)


def expect_layout(step, out):
    expect_metadata(step, out)
    for name in "wal", "db", "metadata.json":
        tap.ok(re.search(rf" {name}$", out, re.M), out)


def health_of(out):
    found = [o for o in objects(out) if o.get("status") in ("healthy", "unhealthy", "recovering")]
    tap.equal([o["status"] for o in found], ["healthy"], out)
    tap.equal(list(found[0])[:4], ["status", "version", "uptime_seconds", "assertion_count"])
    return found[0]


def expect_validated(step, out):
    tap.equal((health_of(out)["version"], health_of(out)["assertion_count"]), ("0.1.0", COUNT))
    expect_metadata(step, out)
    answers = [o for o in objects(out) if "resolved" in o]
    tap.equal([a["concept_path"] for a in answers], ["test/restore"], out)


def expect_all(*texts):
    def check(step, out):
        at = 0
        for text in texts:
            found = re.compile(text, re.M).search(out, at)
            tap.ok(found, f"{text!r} is not in its place in:\n{out}")
            at = found.start()
    return check


def expect_wal_health(step, out):
    tap.ok(health_of(out)["assertion_count"] >= COUNT, out)
    tap.ok(re.search(r'^wal_segments_total\{history="[^"]+"\} \d+$', out, re.M), out)
    latencies = re.findall(r'^wal_fsync_latency_seconds\{quantile="[\d.]+"\} (\S+)$', out, re.M)
    tap.equal(len(latencies), 2, out)


def expect_rollback(step, out):
    expect_restore(step, out)
    answers = [o for o in objects(out) if "retraction_id" in o]
    if '"status":501' in out.replace(" ", ""):
        return
    tap.equal(len(answers), 1, out)
    tap.ok(answers[0]["retracted_count"] + answers[0]["cascaded_count"] > 100, out)


def expect_bad_gone(step, out):
    tap.equal(out.split()[0], str(COUNT), out)
    answers = [o for o in objects(out) if "resolved" in o]
    tap.equal([a["assertions"] for a in answers], [[]], out)


def expect_same_count(step, out):
    counts = re.search(r"^Health: (\d+), Metadata: (\d+)$", out, re.M)
    tap.ok(counts, out)
    tap.equal(counts.group(1), counts.group(2), out)
    tap.equal([a["concept_path"] for a in objects(out) if "resolved" in a], ["test/validation"], out)


def expect_ingest(step, out):
    stored = [o for o in objects(out) if "seq" in o]
    tap.equal([(o["concept_path"], o["value"], o["status"]) for o in stored], [("test/restore_validation", True, "active")], out)


def expect_cron(step, out):
    for line in step.cron:
        tap.contains(out, line)


def steps():
    """All of them, in the runbook's order, but that a backup is made first."""
    ready = blocks("## Prerequisites")
    complete, wal, point, rebuild = (blocks(h) for h in ("### §1.", "### §2.", "### §3.", "### §4."))
    valid, made = blocks("## Validation"), blocks("## Backup Script Reference")
    cron, drill = blocks("### Automated Backups"), blocks("### Backup Validation")
    return [
        Step("Backup Script Reference", made[0], expect_all(r"^Backup complete: .*/backups/stemedb-backup-\d{8}-\d{6} "),
             before=SETUP),
        Step("Prerequisites: backups", ready[0], expect_all(r"stemedb-backup-\d{8}-\d{6}"), before=COPIES),
        Step("Prerequisites: metadata", ready[1], expect_metadata),
        Step("Prerequisites: stopped", ready[2], expect_all(r"inactive \(dead\)"), status=3),
        Step("Prerequisites: space", ready[3], expect_all("Avail")),
        Step("§1: diagnostic", complete[0], expect_layout),
        Step("§1: restore", complete[1], expect_restore),
        Step("§1: validate", complete[2], expect_validated),
        Step("§2: diagnostic", wal[0], expect_all("WAL magic byte validation failed", "Failed to recover WAL",
                                                  r"assertions\.kv", "indexes"),
             before=MORE % "test/later" + DAMAGE_WAL),
        Step("§2: replace the log", wal[1], expect_all(r"Starting WAL recovery\.\.\.", r"Replayed \d+ entries from WAL",
                                                       r"Rebuilding indexes\.\.\.", "Startup complete"), follows=True),
        Step("§2: validate", wal[2], expect_wal_health),
        Step("§3: diagnostic: when", point[0].split("# Find")[0], expect_all(r'^"\d{4}-\d\d-\d\dT'),
             before=MORE % "bad/data/path"),
        Step("§3: diagnostic: which", "# Find" + point[0].split("# Find")[1], lambda step, out: None, status=1),
        Step("§3: restore and retract", point[1], expect_rollback),
        Step("§3: validate", point[2], expect_bad_gone),
        Step("§3: which moments", point[3], expect_all(r"^  from entry 1, of ", r"^  to entry \d+, of ", r"^  not further: ",
                                                       "The last entry to be restored is 10, of ", "Nothing was changed")),
        Step("§4: diagnostic", rebuild[0], expect_all(str(COUNT), str(COUNT), "[Ii]ndex")),
        Step("§4: rebuild", rebuild[1], expect_all(r"Index rebuild started\.\.\.",
                                                   r"Rebuilding predicate index from \d+ assertions\.\.\.",
                                                   r"Rebuilding concept index\.\.\.", r"Index rebuild complete in \d+\.\d+s"),
             follows=True),
        Step("§4: validate", rebuild[2], expect_same_count),
        Step("Validation: started", valid[0], expect_all(r"active \(running\)")),
        Step("Validation: count", valid[1], expect_all(rf"^{COUNT}$")),
        Step("Validation: query", valid[2], expect_all('"concept_path":"test/restore"')),
        Step("Validation: ingest", valid[3], expect_ingest),
        Step("Validation: metrics", valid[4], expect_all("^stemedb_assertions_total", "^stemedb_last_backup_timestamp_seconds",
                                                         "^stemedb_backup_failures_total 0$")),
        Step("Prevention: cron", cron[0], expect_cron),
        # Old ones go, the newest stay. find has gone into a folder that is not there any more: status 1.
        Step("Prevention: retention", cron[1] + "\nls -A backups/\n",
             lambda step, out: tap.equal(("\nstemedb-backup-20200101" in "\n" + out, "\nlatest\n" in out), (False, True)),
             before="cp -r backups/latest/ backups/stemedb-backup-20200101-000000\n"
                    "touch -d '9 days ago' backups/stemedb-backup-20200101-000000\n"),
        Step("Prevention: drill", drill[0], lambda step, out: (expect_restore(step, out), health_of(out))),
        Step("Prevention: drill on this machine", drill[1], expect_all("^Drill of .*: passed$", r"^RTO: \d+\.\d+ s")),
    ]


# --- without systemd: stand-ins that do the same by scripts/instance.sh and the log file; curl's port is the instance's ---

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
