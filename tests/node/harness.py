"""A private instance of the build for tests: started in a home of its own by scripts/instance.sh, through nginx, as users
start it. $BUILD is the build (default: the current folder), $TMPDIR where homes are made.

    from harness import Instance, tap

    with Instance() as node:
        answer = node.post("/v1/assert", {"concept_path": "a/b", "predicate": "p", "value": 1})
        tap.equal(answer.status, 201)
"""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "harness"))
import tap  # noqa: E402

BUILD = os.path.abspath(os.environ.get("BUILD", "."))
TOOL = os.path.join(BUILD, "src", "stemedb")


class Answer:
    """Status, headers (names in lower case) and body of a response."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:2000]!r}"


def read_answer(response):
    return Answer(response.status, response.getheaders(), response.read())


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Instance:
    """A home. `options` go to stemedb.conf, `env` to the node's environment."""

    def __init__(self, options=None, env=None, start=True):
        self.home = tempfile.mkdtemp(prefix="stemedb-test-")
        os.chmod(self.home, 0o755)
        self.env = dict(os.environ, BUILD=BUILD, **(env or {}))
        self.env.pop("JOURNAL_STREAM", None)
        self.options = {"workers": 2, "projection_cache_bytes": "64M", "ballast_bytes": "4M", **(options or {})}
        self.api_port = self.dashboard_port = None
        self.write_options()
        if start:
            self.start()

    # --- life ---

    def write_options(self):
        with open(self.path("stemedb.conf"), "w") as f:
            for name, value in self.options.items():
                f.write(f"{name} = {value}\n")
            if self.api_port:
                f.write(f"api_port = {self.api_port}\ndashboard_port = {self.dashboard_port}\n")

    def script(self, *arguments, timeout=120):
        """Runs scripts/instance.sh with these arguments, the home after the first."""
        action, *rest = arguments
        return subprocess.run([os.path.join(TOP, "scripts", "instance.sh"), action, self.home, *rest], env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=timeout)

    def start(self, status=0):
        """Starts it, expecting this exit status of the script; returns what that printed."""
        run = self.script("start")
        tap.equal(run.returncode, status, f"exit status of instance.sh start (it printed: {run.stdout})")
        if status == 0:
            with open(self.path("instance.env")) as f:
                values = dict(line.strip().split("=", 1) for line in f)
            self.api_port = int(values["API_URL"].rsplit(":", 1)[1])
            self.dashboard_port = int(values["DASHBOARD_URL"].rsplit(":", 1)[1])
        return run.stdout

    def stop(self, status=0):
        run = self.script("stop")
        tap.equal(run.returncode, status, f"exit status of instance.sh stop (it printed: {run.stdout})")
        return run.stdout

    def close(self):
        self.script("stop")
        for pid in self.pids():
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print("\n".join("# " + line for line in self.log().splitlines()[-30:]))
        self.close()

    # --- what it shows ---

    def path(self, *names):
        return os.path.join(self.home, *names)

    def pids(self, role=None):
        """Pids in run/pids, of one role or all."""
        try:
            with open(self.path("run", "pids")) as f:
                lines = [line.split() for line in f]
        except FileNotFoundError:
            return []
        return [int(pid) for pid, name in lines if role in (None, name)]

    def log(self):
        try:
            with open(self.path("log", "stemedb-api.log"), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def health(self):
        return self.get("/v1/health").json

    def wait_ready(self, seconds=20):
        def ready():
            try:
                return self.get("/v1/health/ready", timeout=5).status == 200
            except OSError:
                return False
        tap.wait_for(ready, "ready node", seconds)

    def metric(self, name):
        """The value of a metric, its labels written as they are shown; None if it is not there."""
        answer = self.get("/metrics")
        tap.equal(answer.status, 200, f"status of {answer}")
        for line in answer.body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        return None

    # --- HTTP ---

    def request(self, method, path, body=None, headers=None, timeout=30, port=None):
        """One request on a connection of its own; a body that is not bytes or str is sent as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None and "Content-Type" not in headers:
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", port or self.api_port, timeout=timeout)
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, headers)
            return read_answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body, **more):
        return self.request("POST", path, body, **more)

    def assert_one(self, path, value, predicate="p", **more):
        """POST /v1/assert, 201 expected; returns the stored assertion."""
        answer = self.post("/v1/assert", {"concept_path": path, "predicate": predicate, "value": value, **more})
        tap.equal(answer.status, 201, f"status of {answer}")
        return answer.json

    def import_lines(self, lines, key=None, **more):
        """POST /v1/import of objects."""
        headers = {"Content-Type": "application/x-ndjson"}
        if key:
            headers["Idempotency-Key"] = key
        body = "".join(json.dumps(line) + "\n" for line in lines)
        return self.post("/v1/import", body, headers=headers, **more)

    def connect(self, port=None, timeout=30):
        """A raw socket to the API."""
        return socket.create_connection(("127.0.0.1", port or self.api_port), timeout=timeout)

    def raw(self, data, port=None, timeout=30):
        """Sends bytes as they are, and returns all that comes back until the other side closes (or, having left some of
        what was sent unread, resets)."""
        with self.connect(port, timeout) as s:
            s.sendall(data)
            parts = []
            while True:
                try:
                    part = s.recv(65536)
                except ConnectionResetError:
                    part = b""
                if not part:
                    return b"".join(parts)
                parts.append(part)


def wait(seconds):
    """Only where time itself is what is tested."""
    time.sleep(seconds)
