"""Requests at a fixed pace, whatever becomes of them: what a crowd of clients does, who do not wait for each other.

One thread, epoll, kept connections; as many as are needed at once, up to a limit (a request without a free one counts as
`unsent`). The time of an answer is counted from when its request was due."""
import select
import socket
import time


class Connection:
    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect_ex(("127.0.0.1", port))
        self.due, self.received, self.wanted = None, b"", None

    def take(self):
        """Reads what is there; the head and whether the connection is kept once an answer is whole, else None."""
        while True:
            try:
                part = self.socket.recv(262144)
            except BlockingIOError:
                return None
            if not part:
                raise ConnectionError("closed")
            self.received += part
            if self.wanted is None:
                end = self.received.find(b"\r\n\r\n")
                if end < 0:
                    continue
                head = self.received[:end].lower()
                at = head.find(b"content-length:")
                if at >= 0:
                    self.wanted = end + 4 + int(head[at + 15:].split(b"\r\n", 1)[0])
                    self.chunked = False
                else:
                    self.wanted, self.chunked = end + 4, True
            if self.chunked and not self.received.endswith(b"0\r\n\r\n"):
                continue
            if len(self.received) >= self.wanted:
                head = self.received.split(b"\r\n\r\n", 1)[0]
                self.received, self.wanted = b"", None
                return head


class Result:
    def __init__(self):
        self.times = []        # of the answers 200 and 201, in seconds
        self.refused = {}      # status: count, of 429 and 503
        self.other = {}        # status: count, of all else
        self.no_retry_after = 0
        self.unsent = self.broken = 0
        self.seconds = 0.0

    def note(self, head, seconds):
        status = int(head.split(b" ", 2)[1])
        if status in (200, 201):
            self.times.append(seconds)
        elif status in (429, 503):
            self.refused[status] = self.refused.get(status, 0) + 1
            self.no_retry_after += b"\r\nretry-after:" not in head.lower()
        else:
            self.other[status] = self.other.get(status, 0) + 1

    def quantile(self, part):
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")

    @property
    def rate(self):
        return len(self.times) / self.seconds


def offer(port, request, rate, seconds, connections_max=4000, drain=10.0):
    """Sends `request` (bytes) `rate` times a second for so long; waits up to `drain` seconds for the last answers."""
    result, epoll = Result(), select.epoll()
    free, by_fd = [], {}
    started = time.monotonic()
    count, total = 0, int(rate * seconds)

    def send(due):
        while free:
            connection = free.pop()
            if connection.socket.fileno() in by_fd:
                break
        else:
            if len(by_fd) >= connections_max:
                result.unsent += 1
                return
            connection = Connection(port)
            by_fd[connection.socket.fileno()] = connection
            epoll.register(connection.socket, select.EPOLLIN | select.EPOLLOUT)
            connection.due = due
            return  # sent when it is connected
        connection.due = due
        try:
            connection.socket.send(request)
        except OSError:
            drop(connection)

    def drop(connection):
        if connection.due is not None:
            result.broken += 1
        by_fd.pop(connection.socket.fileno(), None)
        connection.socket.close()

    def serve(fd, events):
        connection = by_fd.get(fd)
        if connection is None:
            return
        try:
            if events & select.EPOLLOUT:
                epoll.modify(fd, select.EPOLLIN)
                connection.socket.send(request)
            if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                head = connection.take()
                if head is not None:
                    result.note(head, time.monotonic() - connection.due)
                    connection.due = None
                    free.append(connection)
        except OSError:
            drop(connection)

    while True:
        now = time.monotonic() - started
        while count < total and count / rate <= now:
            send(started + count / rate)
            count += 1
        busy = any(connection.due is not None for connection in by_fd.values()) if count == total else True
        if not busy or now > seconds + drain:
            break
        wait = max(0.0, count / rate - now) if count < total else 0.05
        for fd, events in epoll.poll(min(wait, 0.05)):
            serve(fd, events)
    result.seconds = seconds
    for connection in list(by_fd.values()):
        drop(connection)
    epoll.close()
    return result


def capacity(port, request, seconds, clients=32):
    """Answers a second that so many clients get who each wait for the last answer before they ask again."""
    result, epoll = Result(), select.epoll()
    by_fd = {}
    started = time.monotonic()
    for _ in range(clients):
        connection = Connection(port)
        by_fd[connection.socket.fileno()] = connection
        epoll.register(connection.socket, select.EPOLLIN | select.EPOLLOUT)
    while time.monotonic() - started < seconds:
        for fd, events in epoll.poll(0.05):
            connection = by_fd[fd]
            if events & select.EPOLLOUT:
                epoll.modify(fd, select.EPOLLIN)
            head = connection.take() if events & select.EPOLLIN else None
            if head is not None:
                result.note(head, time.monotonic() - connection.due)
            if head is not None or events & select.EPOLLOUT:
                connection.due = time.monotonic()
                connection.socket.send(request)
    result.seconds = time.monotonic() - started
    for connection in by_fd.values():
        connection.socket.close()
    epoll.close()
    return result
