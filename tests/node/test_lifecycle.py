#!/usr/bin/env python3
"""Starting, stopping, reloading, being killed: what operators and accidents do to a node."""
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

from harness import TOOL, Answer, Instance, alive, read_answer, tap
import http.client


class Load:
    """Clients that assert and query without pause on kept connections; every answer is noted."""

    def __init__(self, node, clients=8, retry=False):
        self.node, self.stopping = node, threading.Event()
        self.statuses, self.stored, self.errors, self.slowest = {}, [], [], 0.0
        self.retry = retry
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.client, args=(n,)) for n in range(clients)]

    def client(self, number):
        connection, count = None, 0
        while not self.stopping.is_set():
            count += 1
            body = json.dumps({"concept_path": f"load/{number}", "predicate": "p", "value": count})
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.node.api_port, timeout=30)
                    connection.connect()
                started = time.monotonic()
                if count % 2:
                    connection.request("POST", "/v1/assert", body, {"Content-Type": "application/json"})
                else:
                    connection.request("GET", f"/v1/query?concept_path=load/{number}&limit=1")
                answer = read_answer(connection.getresponse())
                with self.lock:
                    self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
                    self.slowest = max(self.slowest, time.monotonic() - started)
                    if answer.status == 201:
                        self.stored.append((answer.json["seq"], answer.json["id"]))
                    elif answer.status != 200:
                        self.errors.append(answer)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
                # nginx closes idle connections when it reloads: a client must retry on a kept connection.
                if connection is None or not self.retry:
                    self.errors.append(repr(error))
                connection = None

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def wait(self, count, what):
        """Until so many more answers came."""
        wanted = sum(self.statuses.values()) + count
        tap.wait_for(lambda: sum(self.statuses.values()) >= wanted, what)

    def check_stored(self):
        """Every acknowledged assertion is there, under its seq."""
        answer = self.node.get("/v1/assertions?after_seq=0", headers={"Accept": "application/x-ndjson"})
        there = {}
        for line in answer.body.splitlines():
            entry = json.loads(line)
            there[entry["seq"]] = entry["id"]
        missing = [pair for pair in self.stored if there.get(pair[0]) != pair[1]]
        tap.equal(missing, [], "what is missing")
        tap.equal(sorted(there), list(range(1, len(there) + 1)), "seqs")


standing = {}  # a node whose committer stands still while the first cases run, since that takes 10 s to be found


@tap.case("a node starts, whose committer will stand still")
def _():
    node = standing["node"] = Instance()
    standing["stored"] = node.assert_one("a", 1)
    standing["committer"] = node.pids("committer")[0]
    os.kill(standing["committer"], signal.SIGSTOP)


def finish():
    if "node" in standing:
        standing["node"].close()


@tap.case("a stop keeps everything, tells it in metadata.json, and a start has it again")
def _():
    with Instance() as node:
        stored = node.assert_one("a/b", {"x": [1, 2.5, None]})
        health = node.health()
        tap.ok(not os.path.exists(node.path("data", "db", "__db.stop")))
        node.stop()
        tap.equal(node.pids(), [], "pids after the stop")
        with open(node.path("data", "metadata.json")) as f:
            metadata = json.load(f)
        tap.equal((metadata["assertion_count"], metadata["last_seq"], metadata["history_root"], metadata["history"]),
                  (1, 1, health["history_root"], health["history"]))
        node.start()
        tap.equal(node.get("/v1/assertions/" + stored["id"]).json, stored)
        after = node.health()
        tap.equal([after[k] for k in ("last_seq", "history_root", "history")],
                  [health[k] for k in ("last_seq", "history_root", "history")])
        starts = [line.split(": ", 1)[1] for line in node.log().splitlines()
                  if re.search(r"WAL recovery|Replayed|Startup complete", line)]
        tap.equal(starts[-3:], ["Starting WAL recovery...", "Replayed 0 entries from WAL", "Startup complete"])


@tap.case("time and seq go on after a restart")
def _():
    with Instance() as node:
        first = node.assert_one("a", 1)
        node.stop()
        node.start()
        second = node.assert_one("a", 2)
        tap.equal((first["seq"], second["seq"]), (1, 2))
        tap.ok(first["timestamp"] < second["timestamp"])


@tap.case("SIGHUP under load replaces every worker, and not one request fails")
def _():
    with Instance() as node, Load(node) as load:
        for _ in range(3):
            load.wait(200, "answers")
            workers = set(node.pids("worker"))
            os.kill(node.pids("supervisor")[0], signal.SIGHUP)
            tap.wait_for(lambda: len(node.pids("worker")) == 2 and not set(node.pids("worker")) & workers, "new workers")
            tap.ok(not any(alive(pid) for pid in workers))
        load.wait(200, "answers")
        load.__exit__()
        tap.equal(load.errors, [], "errors")
        tap.equal(set(load.statuses), {200, 201})
        load.check_stored()


@tap.case("nginx reloads under load, and not one request fails")
def _():
    with Instance() as node, Load(node, retry=True) as load:
        for _ in range(3):
            load.wait(200, "answers")
            tap.equal(node.script("reload").returncode, 0)
        load.wait(200, "answers")
        load.__exit__()
        tap.equal(load.errors, [], "errors")
        load.check_stored()


class Import:
    """An import that is sent piece by piece."""

    def __init__(self, node):
        self.socket, self.count = node.connect(), 0
        self.socket.sendall(b"POST /v1/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")

    def send(self, lines):
        data = b""
        for _ in range(lines):
            self.count += 1
            data += b'{"concept_path":"import/%d","predicate":"p","value":1}\n' % self.count
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self):
        self.socket.sendall(b"0\r\n\r\n")
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        answer = read_answer(response)
        self.socket.close()
        return answer


@tap.case("an import that is under way at a SIGHUP comes to its end, however long it takes")
def _():
    with Instance() as node:
        slow = [Import(node) for _ in range(2)]
        for one in slow:
            one.send(1500)
        tap.wait_for(lambda: node.health()["last_seq"] >= 2000, "first chunks")
        workers = set(node.pids("worker"))
        os.kill(node.pids("supervisor")[0], signal.SIGHUP)
        tap.wait_for(lambda: set(node.pids("worker")) - workers, "new worker")
        node.assert_one("meanwhile", 1)
        for one in slow:
            one.send(1500)
        for answer in [one.end() for one in slow]:
            tap.equal((answer.status, answer.json["accepted"]), (200, 3000))
        tap.wait_for(lambda: len(node.pids("worker")) == 2 and not set(node.pids("worker")) & workers, "end of the old")


def kill_under_load(role):
    with Instance() as node, Load(node) as load:
        load.wait(100, "answers")
        for _ in range(3):
            victim = node.pids(role)[0]
            committer = node.pids("committer")
            os.kill(victim, signal.SIGKILL)
            tap.wait_for(lambda: node.pids("committer") not in (committer, []), "new committer")
            load.wait(50, "answers after the kill")
        load.__exit__()
        for error in load.errors:
            tap.ok(isinstance(error, Answer) and error.status == 503 and "retry-after" in error.headers, repr(error))
        load.check_stored()
        tap.contains(node.log(), f"{role} {victim} died: signal 9 (KILL)")
        node.wait_ready()
        tap.equal(node.metric(f'stemedb_process_restarts_total{{role="{role}",cause="signal"}}'), 3)
        tap.ok(load.slowest < 5, f"slowest answer: {load.slowest}")


@tap.case("kill -9 of a worker loses nothing that was acknowledged, and clients see 503 at worst")
def _():
    kill_under_load("worker")


@tap.case("kill -9 of the committer loses nothing that was acknowledged, and clients see 503 at worst")
def _():
    kill_under_load("committer")


@tap.case("kill -9 of the supervisor ends the node, nginx answers 503, and a start brings all back")
def _():
    with Instance() as node:
        stored = node.assert_one("a", 1)
        before = node.pids("committer") + node.pids("worker")
        os.kill(node.pids("supervisor")[0], signal.SIGKILL)
        tap.wait_for(lambda: not any(alive(pid) for pid in before), "end of all processes")
        answer = node.get("/v1/health")
        tap.equal((answer.status, answer.headers["content-type"]), (503, "application/problem+json"))
        tap.ok("retry-after" in answer.headers)
        node.start()
        tap.equal(node.get("/v1/assertions/" + stored["id"]).json, stored)


@tap.case("a committer that stands still is found, and the node restarts")
def _():
    tap.wait_for(lambda: not alive(standing["committer"]), "end of the committer", seconds=30)
    node = standing["node"]
    node.wait_ready()
    tap.contains(node.log(), f"committer {standing['committer']} hangs")
    tap.equal(node.get("/v1/assertions/" + standing["stored"]["id"]).json, standing["stored"])
    tap.equal(node.assert_one("a", 2)["seq"], 2)


@tap.case("too little disk space refuses writes with 507, and nothing else")
def _():
    body = {"concept_path": "a", "predicate": "p", "value": 1}
    with Instance() as node:
        stored = node.assert_one("a", 1)
        node.stop()
        node.options["min_free_bytes"] = "1000G"
        node.write_options()
        node.start()
        tap.equal(node.post("/v1/assert", body).status, 507)
        tap.equal(node.import_lines([body]).status, 507)
        tap.equal(node.post("/v1/query", {"concept_path": "a"}).json["assertions"], [stored])
        tap.equal(node.health()["last_seq"], 1)
        tap.contains(node.log(), "writes are refused")
        node.stop()
        node.options["min_free_bytes"] = "1M"
        node.write_options()
        node.start()
        tap.equal(node.post("/v1/assert", body).json["seq"], 2)


@tap.case("a second node on one home is refused, and harms nothing")
def _():
    with Instance() as node:
        node.assert_one("a", 1)
        second = subprocess.run([os.path.join(os.path.dirname(TOOL), "stemedb-api"), "--home", node.home],
                                capture_output=True, text=True, env=node.env)
        tap.equal(second.returncode, 1)
        tap.contains(second.stderr, f"process {node.pids('supervisor')[0]} uses this home")
        init = subprocess.run([TOOL, "init", "--home", node.home], capture_output=True, text=True, env=node.env)
        tap.equal(init.returncode, 1)
        tap.contains(init.stderr, "uses this home")
        node.start()
        tap.equal(node.assert_one("a", 2)["seq"], 2)


@tap.case("a home that holds no history is never served as an empty one: exit 3")
def _():
    with Instance(start=False) as node:
        os.mkdir(node.path("data"))
        os.chmod(node.path("data"), 0o777)
        tap.contains(node.start(status=3), f"No history in {node.path('data')}")
        tap.contains(node.log(), f"No history in {node.path('data')}")
        node.stop()
        os.rmdir(node.path("data")) if not os.listdir(node.path("data")) else shutil.rmtree(node.path("data"))
        node.start()  # a new home is initialised
        node.stop()
        shutil.move(node.path("data", "db"), node.path("db.away"))
        tap.contains(node.start(status=3), "No history in")
        shutil.move(node.path("db.away"), node.path("data", "db"))
        node.start()


@tap.case("what clients asked who are gone before their turn is never executed")
def _():
    with Instance() as node:
        last = node.health()["last_seq"]
        body = json.dumps({"concept_path": "gone", "predicate": "p", "value": 1}).encode()
        request = (b"POST /v1/assert HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   b"Content-Length: %d\r\n\r\n" % len(body)) + body
        processes = node.pids("worker") + node.pids("committer")
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            clients = [node.connect() for _ in range(16)]
            for client in clients:
                client.sendall(request)
            # nginx has taken them all, and passed on what it could.
            tap.wait_for(lambda: node.get("/", port=node.dashboard_port).status == 200, "nginx")
            for client in clients:
                client.close()
            tap.wait_for(lambda: node.get("/", port=node.dashboard_port).status == 200, "nginx")
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)
        tap.equal(node.assert_one("after", 1)["seq"], last + 1)


@tap.case("commands at the committer whose clients are gone before their turn are never executed")
def _():
    with Instance() as node:
        last = node.health()["last_seq"]
        committer = node.pids("committer")[0]
        os.kill(committer, signal.SIGSTOP)
        try:
            clients = []
            body = json.dumps({"concept_path": "gone", "predicate": "p", "value": 1}).encode()
            for _ in range(16):
                client = node.connect()
                client.sendall((b"POST /v1/assert HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                b"Content-Length: %d\r\n\r\n" % len(body)) + body)
                clients.append(client)
            # The workers have parked them: they answer what needs no committer, in the order of arrival.
            for _ in range(8):
                tap.equal(node.get("/v1/health").status, 200)
            for client in clients:
                client.close()
            for _ in range(8):
                tap.equal(node.get("/v1/health").status, 200)
        finally:
            os.kill(committer, signal.SIGCONT)
        tap.equal(node.assert_one("after", 1)["seq"], last + 1)


@tap.case("a request that is under way when the node is stopped is answered")
def _():
    with Instance() as node, Load(node, retry=True) as load:
        load.wait(100, "answers")
        os.kill(node.pids("supervisor")[0], signal.SIGTERM)
        tap.wait_for(lambda: "Stopped" in node.log(), "end of the supervisor")
        load.__exit__()
        for error in load.errors:
            tap.ok(isinstance(error, Answer) and error.status == 503 and "retry-after" in error.headers, repr(error))
        node.start()
        load.check_stored()


tap.run(finish)
