"""Names for sites on loopback, and a server that writes down when each request came and went."""

import itertools
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.internet import defer
from twisted.internet.error import DNSLookupError

from crawler.manners import GuardResolver


class NamedHosts(GuardResolver):
    """Every name under .test is our own machine, but for those that say where they lead."""

    def getHostByName(self, name, timeout=()):
        if not name.endswith(".test"):
            return super().getHostByName(name, timeout)
        if name.startswith("private."):
            return defer.fail(DNSLookupError(f"{name} leads to 10.0.0.8"))
        return defer.succeed("127.0.0.1")


@dataclass
class Asked:
    """A request as the server saw it, in seconds of its own clock."""

    host: str
    path: str
    headers: dict[str, str]
    began: float
    answered: float = float("inf")  # just before the last of it was sent
    ended: float = float("inf")


@dataclass
class Say:
    """An answer: raw chunks, a wait before it, and what else to do when it is asked for."""

    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Callable = b""
    wait: float = 0.0
    then: Callable[[], object] | None = None


class LoggingServer:
    """Answers by (host, path), or by path for any host; keeps every request with its times."""

    def __init__(self, pages: dict):
        self.pages = {
            key: list(says) if isinstance(says, (list, tuple)) else [says]
            for key, says in pages.items()
        }
        self.log: list[Asked] = []
        self.sent = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def named(self, name: str) -> str:
        return f"http://{name}.test:{self.port}"

    def paths(self, host: str = "") -> list[str]:
        """What was asked for, in order, but for the one address that cannot be there."""
        known = {key if isinstance(key, str) else key[1] for key in self.pages} | {"/robots.txt"}
        return [a.path for a in self.log if host in a.host and a.path in known]

    def most_at_once(self, *hosts: str) -> int:
        """How many requests to these hosts were under way at one moment."""
        spans = [a for a in self.log if not hosts or a.host.split(".")[0] in hosts]
        return max(
            (sum(o.began <= a.began < o.ended for o in spans) for a in spans),
            default=0,
        )

    def gaps(self, *hosts: str) -> list[float]:
        """Seconds from the end of each answer to the next request."""
        spans = [a for a in self.log if not hosts or a.host.split(".")[0] in hosts]
        spans.sort(key=lambda asked: asked.began)
        return [later.began - first.answered for first, later in itertools.pairwise(spans)]

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *reason):
        self.listener.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection, connection.makefile("rb") as incoming:
            try:
                while line := incoming.readline():
                    headers = {}
                    while (header := incoming.readline().strip()) != b"":
                        name, _, value = header.decode("latin-1").partition(":")
                        headers[name.lower()] = value.strip()
                    self._answer(connection, line.split()[1].decode("latin-1"), headers)
            except OSError:
                return

    def _answer(self, connection, path, headers):
        host = headers.get("host", "").partition(":")[0]
        asked = Asked(host, path, headers, time.monotonic())
        with self.lock:
            self.log.append(asked)
            says = self.pages.get((host.removesuffix(".test"), path)) or self.pages.get(path)
            say = Say("404 Not Found") if not says else says.pop(0) if len(says) > 1 else says[0]
        if say.then:
            say.then()
        time.sleep(say.wait)
        if not callable(say.body):
            asked.answered = time.monotonic()
        try:
            self._send(connection, say)
        finally:
            asked.ended = time.monotonic()
            asked.answered = min(asked.answered, asked.ended)

    def _send(self, connection, say):
        if callable(say.body):
            head = "".join(f"{name}: {value}\r\n" for name, value in say.headers.items())
            connection.sendall(f"HTTP/1.1 {say.status}\r\n{head}".encode("latin-1"))
            for chunk in say.body():
                connection.sendall(chunk)
                self.sent += len(chunk)
            raise OSError("an endless answer has ended")
        given = {"Content-Type": "text/html; charset=utf-8", "Content-Length": len(say.body)}
        head = "".join(f"{name}: {value}\r\n" for name, value in (given | say.headers).items())
        connection.sendall(f"HTTP/1.1 {say.status}\r\n{head}\r\n".encode("latin-1") + say.body)
