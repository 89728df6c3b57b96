#!/usr/bin/env python3
"""What goes wrong around a node: clients that are slow, many or greedy; ports, permissions, limits and leftovers. One instance for most."""
import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "node"))
from harness import BUILD, Instance, alive, read_answer, tap  # noqa: E402
import openloop  # noqa: E402

API = os.path.join(BUILD, "src", "stemedb-api")
SLOW_CLIENTS, HEADER_TIMEOUT_S = 300, 10

node = Instance(options={"workers": 2})
loris = []
loris_began = time.monotonic()


def descriptors(wanted):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise tap.Skip(f"this process may have {hard} open files only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@tap.case("clients that send their headers byte by byte do not keep others from being served")
def _():
    for _ in range(SLOW_CLIENTS):
        client = node.connect()
        client.sendall(b"POST /v1/assert HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        loris.append(client)
    for n in range(50):
        for client in loris[:100]:
            client.sendall(b"x")
        node.assert_one("fast", n)


@tap.case("headers that are too large are 431, and a request line is 414, as problems")
def _():
    for request, status in ((b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
                            (b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 7000) for n in range(9)) +
                             b"\r\n", 431),
                            (b"GET /v1/health?" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414)):
        answer = node.raw(request)
        tap.contains(answer.split(b"\r\n", 1)[0].decode(), str(status))
        tap.contains(answer.decode().lower(), "application/problem+json")


@tap.case("10,000 idle connections do not keep others from being served")
def _():
    descriptors(12000)
    idle = []
    try:
        for _ in range(10000):
            idle.append(node.connect())
        for n in range(50):
            node.assert_one("beside/idle", n)
        tap.equal(node.get("/v1/health/ready").status, 200)
    finally:
        for client in idle:
            client.close()


def load():
    node.import_lines([{"concept_path": f"load/{topic}", "predicate": "p", "value": (topic + source) % 3, "source": f"s/{source}"}
                       for topic in range(150) for source in range(10)])
    return b"GET /v1/query?concept_path=load&match=subtree&lens=consensus&limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n"


@tap.case("ten times what can be served: some are served, the rest is told 503 with Retry-After, and nobody is cut off")
def _():
    descriptors(6000)
    request = load()
    full = openloop.capacity(node.api_port, request, 1.5)
    # As many as one process can send, if it is not ten times.
    flood = openloop.offer(node.api_port, request, min(10 * full.rate, 4000), 2)
    told = (f"capacity {full.rate:.0f}/s p99 {full.quantile(0.99):.3f}; flood {flood.rate:.0f}/s p50 {flood.quantile(0.5):.3f} "
            f"p99 {flood.quantile(0.99):.3f} refused {flood.refused} other {flood.other} unsent {flood.unsent} broken {flood.broken}")
    print(f"# {told}")
    tap.ok(flood.refused.get(503, 0) > 100, told)
    tap.equal((flood.no_retry_after, flood.other, flood.broken), (0, {}, 0), "refusals without Retry-After, other answers, cut ones")
    tap.ok(node.metric("stemedb_requests_shed_total") > 0)
    # How fast they are is bench/overload.py's.
    tap.ok(flood.rate > 0, told)
    # It is over when it is over.
    for n in range(20):
        node.assert_one("after/the/flood", n)


@tap.case("one client that asks for more than rate_limit gets 429 with Retry-After, a problem")
def _():
    with Instance(options={"rate_limit": 20}) as limited:
        answers = [limited.get("/v1/concepts") for _ in range(60)]
        refused = [answer for answer in answers if answer.status == 429]
        tap.ok(10 <= len(answers) - len(refused) and refused, f"{len(refused)} of 60 refused")
        tap.ok(all("retry-after" in answer.headers and answer.json["status"] == 429 for answer in refused))


@tap.case("a worker without a free descriptor lets requests wait, does not spin, and answers them all")
def _():
    (first, second) = node.pids("worker")
    for pid in (first, second):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (48, 48))
    committer = node.pids("committer")[0]
    body = json.dumps({"concept_path": "waits", "predicate": "p", "value": 1})
    head = f"POST /v1/assert HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    os.kill(committer, signal.SIGSTOP)
    try:
        clients = [node.connect() for _ in range(120)]
        for client in clients:
            client.sendall((head + body).encode())
        tap.wait_for(lambda: "no new connection can be taken: Too many open files" in node.log(), "word of it in the log")
        before = processor_seconds(first) + processor_seconds(second)
        time.sleep(1)  # what is used in this time is what is tested
        used = processor_seconds(first) + processor_seconds(second) - before
        tap.ok(used < 0.5, f"{used} s of processor time in a second")
    finally:
        os.kill(committer, signal.SIGCONT)
    statuses = []
    for client in clients:
        response = http.client.HTTPResponse(client)
        response.begin()
        statuses.append(read_answer(response).status)
        client.close()
    tap.equal(statuses, [201] * 120)


@tap.case("a client that has not sent its headers in time is cut off")
def _():
    tap.ok(loris, "the first case made them")
    left = HEADER_TIMEOUT_S + 15 - (time.monotonic() - loris_began)
    for client in loris:
        client.settimeout(max(left, 1))
        try:
            data = client.recv(65536)
        except ConnectionResetError:
            data = b""
        tap.ok(data == b"" or b" 408 " in data, f"{data[:100]}")
        client.close()


@tap.case("a port that is taken is named, and the node of another home is left alone")
def _():
    with Instance() as other:
        other.stop()
        taken = socket.socket()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", other.api_port))
        taken.listen()
        out = other.start(status=1)
        tap.contains(out, f"127.0.0.1:{other.api_port} failed (98: Address already in use)")
        tap.equal(other.pids(), [])
        taken.close()
        other.start()
    node.assert_one("left/alone", 1)


@tap.case("sockets, pid files and a lock file that a killed node left do not keep it from starting")
def _():
    with Instance() as other:
        stored = other.assert_one("a", 1)
        for pid in other.pids("supervisor"):
            os.kill(pid, signal.SIGKILL)
        tap.wait_for(lambda: not any(alive(pid) for pid in other.pids() if pid not in other.pids("nginx")), "end of all")
        tap.ok(os.path.exists(other.path("run", "api.sock")))
        for name in ("data/LOCK", "run/stemedb-api.pid"):  # of a process that lives, and is another one
            with open(other.path(*name.split("/")), "w") as f:
                f.write("999999\n")
        other.start()
        tap.equal(other.get("/v1/assertions/" + stored["id"]).json, stored)


def run_node(home, seconds, **limits):
    """Runs the supervisor under limits until it ends, or for so long; status and what it said."""
    def limit():
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))
    process = subprocess.Popen([API, "--home", home], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=limit)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stderr))
    reader.start()
    try:
        until = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < until and not any("starts in a row failed" in line for line in lines):
            time.sleep(0.02)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=30)
        reader.join()
    return process.returncode, "".join(lines)


@tap.case("too few descriptors and too little memory are told, are no corruption, and harm nothing")
def _():
    with Instance() as other:
        stored = other.assert_one("a", 1)
        other.stop()
        status, said = run_node(other.home, 20, RLIMIT_NOFILE=16)
        tap.equal(status, 0, f"status (it said: {said})")
        tap.contains(said, "only 16 open files are allowed (ulimit -n, LimitNOFILE)")
        tap.contains(said, "Too many open files")
        tap.contains(said, "2 starts in a row failed")
        status, said = run_node(other.home, 20, RLIMIT_AS=60 << 20)
        tap.equal(status, 0, f"status (it said: {said})")
        tap.contains(said, "Cannot allocate memory")
        other.start()
        tap.equal(other.get("/v1/assertions/" + stored["id"]).json, stored)


@tap.case("a home that the user may not write is told with the command that helps")
def _():
    if os.geteuid() != 0:
        raise tap.Skip("only root can become somebody else")
    with Instance(start=False) as other:
        os.makedirs(other.path("data"))
        os.chown(other.path("data"), 0, 0)
        os.chmod(other.path("data"), 0o755)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", API, "--home", other.home],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        tap.equal(done.returncode, 1)
        tap.contains(done.stderr, f"{other.home}/data/LOCK: Permission denied")
        tap.contains(done.stderr, f"chown -R nobody {other.home}")


@tap.case("every process of the node is alive after all of it, and none was started anew")
def _():
    tap.ok("Restarting all processes" not in node.log(), "a restart")
    node.assert_one("all/well", True)


tap.run(finish=node.close, on_failure=lambda: "\n" + "\n".join(node.log().splitlines()[-20:]))
