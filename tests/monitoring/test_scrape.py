#!/usr/bin/env python3
"""The metrics of a running node: Prometheus scrapes them, sums are exact over workers and their deaths, and every metric that an
alert, the dashboard for Grafana or the documents name is there."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse
import http.client

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "node"))
from harness import TOP, Instance, tap  # noqa: E402
import socket  # noqa: E402

CONF = os.path.join(TOP, "conf")
DASHBOARD = os.path.join(CONF, "grafana", "stemedb.json")
TOOLS = os.path.join(TOP, "build", "tools", "bin")
QUERY = 'stemedb_http_requests_total{endpoint="/v1/query",method="GET",status="200"}'
NAME = re.compile(r"\b(?:stemedb|wal)_[a-z0-9_]+\b")

node = Instance()


def tool(name):
    path = shutil.which(name) or os.path.join(TOOLS, name)
    if not os.path.exists(path):
        raise tap.Skip(f"no {name}")
    return path


def metrics():
    return node.get("/metrics").body.decode()


def families():
    return set(re.findall(r"^# TYPE (\S+) ", metrics(), re.M))


def family(name):
    """The family of a series' name."""
    known = families()
    for suffix in ("", "_bucket", "_sum", "_count"):
        if name.endswith(suffix) and name[:len(name) - len(suffix)] in known:
            return name[:len(name) - len(suffix)]
    return None


def dashboard():
    with open(DASHBOARD) as f:
        return json.load(f)


def expressions(value):
    """Every expr anywhere in the dashboard, its variables filled in."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "expr":
                yield member.replace("$__rate_interval", "1m").replace("$instance", ".*")
            else:
                yield from expressions(member)
    elif isinstance(value, list):
        for element in value:
            yield from expressions(element)


@tap.case("promtool finds nothing to say about /metrics")
def _():
    node.assert_one("a/b", 1)
    node.get("/v1/query?concept_path=a/b")
    done = subprocess.run([tool("promtool"), "check", "metrics"], input=metrics(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    tap.equal((done.returncode, done.stdout), (0, ""))


@tap.case("every metric of docs/monitoring.md is there")
def _():
    with open(os.path.join(TOP, "docs", "monitoring.md")) as f:
        told = set(re.findall(r"^\| `((?:stemedb|wal)_\w+)", f.read(), re.M))
    tap.ok(len(told) > 20)
    tap.equal(sorted(told - families()), [], "metrics that are told and not there")


@tap.case("every metric that an alert or the dashboard names is there")
def _():
    with open(os.path.join(CONF, "prometheus", "stemedb.rules.yml")) as f:
        rules = "\n".join(line for line in f.read().splitlines() if "name: " not in line)
    for name in sorted(set(NAME.findall(rules + "\n".join(expressions(dashboard()))))):
        tap.ok(family(name), f"no metric {name}")


@tap.case("a count is exact over workers, over the death of one, over a reload, and never goes back")
def _():
    def ask(count):
        for _ in range(count):
            tap.equal(node.get("/v1/query?concept_path=a/b").status, 200)

    before = node.metric(QUERY)
    lens = node.metric('stemedb_queries_total{lens="recency"}')
    ask(100)
    os.kill(node.pids("worker")[0], signal.SIGKILL)
    restarts = 'stemedb_process_restarts_total{role="worker",cause="signal"}'
    tap.wait_for(lambda: f"\n{restarts} 1\n" in metrics(), "restart in the metrics")
    node.wait_ready()
    tap.equal(node.metric(QUERY), before + 100)
    ask(100)
    workers = set(node.pids("worker"))
    os.kill(node.pids("supervisor")[0], signal.SIGHUP)
    tap.wait_for(lambda: len(node.pids("worker")) == 2 and not set(node.pids("worker")) & workers, "new workers")
    ask(100)
    tap.equal((node.metric(QUERY) - before, node.metric('stemedb_queries_total{lens="recency"}') - lens), (300, 300))
    tap.equal(node.metric('stemedb_http_request_duration_seconds_count{endpoint="/v1/query"}'), before + 300)
    tap.equal(node.metric('stemedb_query_latency_seconds_count{lens="recency"}'), lens + 300)


@tap.case("the dashboard for Grafana has what Grafana 9 imports")
def _():
    board = dashboard()
    tap.ok(board["schemaVersion"] >= 36 and board["id"] is None and board["uid"] and board["title"])
    variables = {variable["name"]: variable["type"] for variable in board["templating"]["list"]}
    tap.equal(variables, {"datasource": "datasource", "instance": "query"})
    panels = board["panels"]
    tap.equal(len({panel["id"] for panel in panels}), len(panels), "distinct ids")
    taken = set()
    for panel in panels:
        grid = panel["gridPos"]
        cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        tap.ok(not cells & taken and grid["x"] + grid["w"] <= 24, f"{panel['title']} overlaps another one")
        taken |= cells
        tap.ok(panel["type"] in ("row", "stat", "timeseries"), panel["type"])
        if panel["type"] != "row":
            tap.equal(panel["datasource"], {"type": "prometheus", "uid": "${datasource}"})
            tap.ok(panel["targets"] and all(t["expr"] and t["refId"] for t in panel["targets"]), panel["title"])
            tap.equal(len({t["refId"] for t in panel["targets"]}), len(panel["targets"]))


class Prometheus:
    """Prometheus with the shipped files, but for the node's port and the pace of scraping."""

    def __init__(self):
        program = tool("prometheus")
        self.folder = tempfile.mkdtemp(prefix="stemedb-prometheus-")
        with open(os.path.join(CONF, "prometheus", "prometheus.yml")) as f:
            text = f.read()
        tap.contains(text, "127.0.0.1:18180")
        text = text.replace("18180", str(node.api_port)).replace("interval: 15s", "interval: 1s")
        with open(os.path.join(self.folder, "prometheus.yml"), "w") as f:
            f.write(text)
        shutil.copy(os.path.join(CONF, "prometheus", "stemedb.rules.yml"), self.folder)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        with open(os.path.join(self.folder, "log"), "w") as log:
            self.process = subprocess.Popen(
                [program, "--config.file", os.path.join(self.folder, "prometheus.yml"), "--storage.tsdb.path",
                 os.path.join(self.folder, "data"), "--web.listen-address", f"127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)

    def get(self, path, **parameters):
        """The data of an answer of its API; None while it starts."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", f"/api/v1/{path}?" + urllib.parse.urlencode(parameters))
            answer = json.loads(connection.getresponse().read())
        except (OSError, ValueError):
            return None
        finally:
            connection.close()
        tap.equal(answer["status"], "success", f"status of {answer}")
        return answer["data"]

    def value(self, expression):
        data = self.get("query", query=expression)
        return float(data["result"][0]["value"][1]) if data and data["result"] else None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        if kind:
            with open(os.path.join(self.folder, "log")) as f:
                print("\n".join("# " + line for line in f.read().splitlines()[-20:]))
        shutil.rmtree(self.folder)


@tap.case("Prometheus scrapes the node, has the rules, and answers every question of the dashboard")
def _():
    with Prometheus() as prometheus:
        tap.wait_for(lambda: prometheus.value('up{job="stemedb"}') == 1, "scrape", 30, step=0.2)
        (target,) = prometheus.get("targets")["activeTargets"]
        tap.equal((target["health"], target["lastError"]), ("up", ""))
        count = node.health()["assertion_count"]
        tap.equal(prometheus.value("stemedb_assertions_total"), count)
        node.assert_one("seen/by/prometheus", True)
        tap.wait_for(lambda: prometheus.value("stemedb_assertions_total") == count + 1, "new value", 30, step=0.2)
        groups = prometheus.get("rules")["groups"]
        rules = {rule["name"]: rule for group in groups for rule in group["rules"]}
        with open(os.path.join(CONF, "prometheus", "stemedb.rules.yml")) as f:
            tap.equal(sorted(rules), sorted(re.findall(r"alert: (\w+)", f.read())))
        tap.wait_for(lambda: all(rule["health"] == "ok" for group in prometheus.get("rules")["groups"] for rule in group["rules"]),
                     "evaluation of all rules", 30, step=0.2)
        for expression in expressions(dashboard()):
            tap.ok(prometheus.get("query", query=expression) is not None, expression)


tap.run(finish=node.close, on_failure=lambda: "\n" + "\n".join(node.log().splitlines()[-20:]))
