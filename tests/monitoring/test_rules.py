#!/usr/bin/env python3
"""conf/prometheus: Prometheus takes the files, and each alert fires when it must and not when it must not. The cases are
promtool's unit tests, made from the table below: time begins at 0."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "harness"))
import tap  # noqa: E402

FOLDER = os.path.join(TOP, "conf", "prometheus")
RULES = os.path.join(FOLDER, "stemedb.rules.yml")
PROMTOOL = shutil.which("promtool") or os.path.join(TOP, "build", "tools", "bin", "promtool")

NODE = 'instance="a:1",job="stemedb"'
DAY = 24


def one(name, values, labels=""):
    """A series of the node: promtool's notation for its values."""
    return {f"{name}{{{labels + ',' if labels else ''}{NODE}}}": values}


def answers(status, step, method="GET", endpoint="/v1/query"):
    return one("stemedb_http_requests_total", f"0+{step}x100", f'endpoint="{endpoint}",method="{method}",status="{status}"')


def latency(fast, slow):
    """Of the requests of a minute, how many take up to 0.25 s, and how many up to 2.5 s."""
    series = {}
    for bound, step in (("0.25", fast), ("2.5", fast + slow), ("+Inf", fast + slow)):
        series.update(one("stemedb_http_request_duration_seconds_bucket", f"0+{step}x60", f'endpoint="/v1/query",le="{bound}"'))
    return series


# alert, series of a value a minute, minute, whether it fires then
MINUTES = [
    ("StemeDBBackupFailed", one("stemedb_backup_failures_total", "1x20"), 6, True),
    ("StemeDBBackupFailed", one("stemedb_backup_failures_total", "1x3 0x20"), 6, False),
    ("StemeDBArchiveLag", one("stemedb_wal_archive_lag_seconds", "301x20"), 6, True),
    ("StemeDBArchiveLag", one("stemedb_wal_archive_lag_seconds", "300x20"), 6, False),
    ("StemeDBArchiveLag", one("stemedb_wal_archive_lag_seconds", "900x3 0x20"), 6, False),
    ("StemeDBDrillFailed", {**one("stemedb_last_drill_success", "0x20"),
                            **one("stemedb_last_drill_timestamp_seconds", "60x20")}, 6, True),
    ("StemeDBDrillFailed", {**one("stemedb_last_drill_success", "1x20"),
                            **one("stemedb_last_drill_timestamp_seconds", "60x20")}, 6, False),
    # There was none yet: that is overdue, not failed.
    ("StemeDBDrillFailed", {**one("stemedb_last_drill_success", "0x20"),
                            **one("stemedb_last_drill_timestamp_seconds", "0x20")}, 6, False),
    ("StemeDBWritesRefused", one("stemedb_writable", "1x5 0x20"), 8, True),
    ("StemeDBWritesRefused", one("stemedb_writable", "1x5 0x1 1x20"), 8, False),
    ("StemeDBDiskLow", {**one("stemedb_data_free_bytes", "399x20"), **one("stemedb_data_min_free_bytes", "100x20")}, 6, True),
    ("StemeDBDiskLow", {**one("stemedb_data_free_bytes", "400x20"), **one("stemedb_data_min_free_bytes", "100x20")}, 6, False),
    ("StemeDBFsyncSlow", one("wal_fsync_latency_seconds", "0.2x20", 'quantile="0.99"'), 11, True),
    ("StemeDBFsyncSlow", one("wal_fsync_latency_seconds", "0.05x20", 'quantile="0.99"'), 11, False),
    ("StemeDBFsyncSlow", one("wal_fsync_latency_seconds", "0.2x20", 'quantile="0.5"'), 11, False),
    ("StemeDBDown", one("up", "1x5 0x20"), 8, True),
    ("StemeDBDown", one("up", "1x20"), 8, False),
    ("StemeDBNotReady", {**one("stemedb_workers", "0x20", 'state="ready"'), **one("stemedb_workers", "2x20", 'state="starting"')}, 6, True),
    ("StemeDBNotReady", {**one("stemedb_workers", "0x3 1x20", 'state="ready"')}, 6, False),
    ("StemeDBRestartLoop", one("stemedb_process_restarts_total", "0x10 1+1x10", 'role="committer",cause="signal"'), 18, True),
    ("StemeDBRestartLoop", one("stemedb_process_restarts_total", "0x10 1x20", 'role="committer",cause="node"'), 18, False),
    ("StemeDBRestartLoop", one("stemedb_process_restarts_total", "0x10 1+1x10", 'role="worker",cause="reload"'), 18, False),
    ("StemeDBRestartLoop", one("stemedb_uptime_seconds", "500 1 30 1 30 1 30 1 30 1"), 9, True),
    ("StemeDBRestartLoop", one("stemedb_uptime_seconds", "500 1+60x20"), 9, False),
    ("StemeDBErrorRate", {**answers(200, 98), **answers(500, 2)}, 11, True),
    ("StemeDBErrorRate", {**answers(200, 999), **answers(500, 1)}, 11, False),
    # A full disk has an alert of its own.
    ("StemeDBErrorRate", {**answers(200, 50), **answers(507, 50)}, 11, False),
    ("StemeDBErrorRate", {**answers(200, 50), **answers(422, 50)}, 11, False),
    ("StemeDBOverload", one("stemedb_requests_shed_total", "0+120x20"), 11, True),
    ("StemeDBOverload", one("stemedb_requests_shed_total", "0+30x20"), 11, False),
    ("StemeDBLatencyHigh", latency(900, 100), 20, True),
    ("StemeDBLatencyHigh", latency(1000, 1), 20, False),
    ("StemeDBWriteConflicts", answers(409, 1, "POST", "/v1/assert"), 16, True),
    ("StemeDBWriteConflicts", one("stemedb_http_requests_total", "0x5 9x20", 'endpoint="/v1/assert",method="POST",status="409"'), 16, False),
    # A cursor of an abandoned branch.
    ("StemeDBWriteConflicts", answers(409, 1, "GET"), 16, False),
]

# The same with a step of an hour.
HOURS = [
    ("StemeDBBackupMissing", one("stemedb_last_backup_timestamp_seconds", "0x50"), 26, True),
    ("StemeDBBackupMissing", one("stemedb_last_backup_timestamp_seconds", "0x50"), 25, False),
    ("StemeDBBackupMissing", one("stemedb_last_backup_timestamp_seconds", "0+3600x50"), 40, False),
    ("StemeDBDrillOverdue", one("stemedb_last_drill_timestamp_seconds", "60x900"), 35 * DAY + 3, True),
    ("StemeDBDrillOverdue", one("stemedb_last_drill_timestamp_seconds", "60x900"), 34 * DAY, False),
    # One is full in some hours, the other in some days.
    ("StemeDBDiskFillsUp", {**one("stemedb_data_free_bytes", "30-1x20"), **one("stemedb_data_min_free_bytes", "1x20")}, 10, True),
    ("StemeDBDiskFillsUp", {**one("stemedb_data_free_bytes", "90-1x20"), **one("stemedb_data_min_free_bytes", "1x20")}, 10, False),
    ("StemeDBDiskFillsUp", {**one("stemedb_data_free_bytes", "10x20"), **one("stemedb_data_min_free_bytes", "1x20")}, 10, False),
]


def alerts():
    with open(RULES) as f:
        return re.findall(r"alert: (\w+)", f.read())


def firing(unit, alert, series, moment, fires):
    """One of promtool's tests (YAML is a superset of JSON)."""
    return {
        "interval": f"1{unit}",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{
            "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
            "eval_time": f"{moment}{unit}",
            "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
        }],
    }


def promtool(*arguments):
    if not os.path.exists(PROMTOOL):
        raise tap.Skip("no promtool")
    done = subprocess.run([PROMTOOL, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    tap.equal(done.returncode, 0, f"exit status of promtool {arguments[0]} {arguments[1]} (it printed: {done.stdout})")
    return done.stdout


@tap.case("promtool takes the configuration and the rules")
def _():
    tap.contains(promtool("check", "config", os.path.join(FOLDER, "prometheus.yml")), "SUCCESS")
    tap.contains(promtool("check", "rules", "--lint-fatal", RULES), f"SUCCESS: {len(alerts())} rules found")


@tap.case("the alerts of the runbook are there word for word")
def _():
    with open(os.path.join(TOP, "docs", "runbooks", "restore-from-backup.md")) as f:
        printed = f.read().split("```yaml\n")[1].split("```")[0]
    rules = printed[printed.index("      - alert"):] if "      - alert" in printed else printed[printed.index("- alert"):]
    with open(RULES) as f:
        ours = f.read()
    for line in rules.splitlines():
        if line.strip():
            tap.contains(ours, line.strip())


@tap.case("each alert is tested both ways")
def _():
    for alert in alerts():
        tap.equal({fires for name, _, _, fires in MINUTES + HOURS if name == alert}, {True, False}, f"how {alert} is tested")
    tap.equal({name for name, _, _, _ in MINUTES + HOURS} - set(alerts()), set(), "tests of no alert")


@tap.case("each alert fires when it must, and does not when it must not")
def _():
    with tempfile.TemporaryDirectory() as folder:
        for unit, table in ("m", MINUTES), ("h", HOURS):
            path = os.path.join(folder, f"tests-{unit}.yml")
            with open(path, "w") as f:
                json.dump({"rule_files": [RULES], "evaluation_interval": f"1{unit}",
                           "tests": [firing(unit, *row) for row in table]}, f)
            tap.contains(promtool("test", "rules", path), "SUCCESS")


@tap.case("each alert is explained in docs/monitoring.md")
def _():
    with open(os.path.join(TOP, "docs", "monitoring.md")) as f:
        text = f.read()
    tap.equal([alert for alert in alerts() if f"`{alert}`" not in text], [], "alerts that are not explained")


tap.run()
