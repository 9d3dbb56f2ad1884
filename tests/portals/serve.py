"""Three invented government portals on loopback, as they stand on a given night.

The places are invented: 北原市, 松陂县 and 洺原区 do not exist, and their codes are unassigned
numbers of the right shape. From tests: `with ExamplePortals(night=1) as portals: ...`, and
`portals.night = 2` moves on at the same addresses. By hand:
`python tests/portals/serve.py --night 2 --port 8011 --registry portals.csv`.
"""

from __future__ import annotations

import argparse
import csv
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

if __package__ in (None, ""):
    # As a script Python puts this folder first; ours are modules of the project root.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.portals import hanweb, national, trs
from tests.portals.web import Entry, Request, Resource, Site

FAMILIES: Mapping[str, ModuleType] = {"beiyuan": trs, "songbei": hanweb, "mingyuan": national}
LAST_NIGHT = 2


@dataclass(frozen=True, slots=True)
class Hit:
    """A request as the portal's log has it: the time is in seconds since the epoch."""

    method: str
    target: str
    at: float
    user_agent: str
    referer: str
    status: int


class Server(ThreadingHTTPServer):
    """A thread for each connection, and room for many that knock at once."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor that hangs up, as a killed crawl does, is nobody's error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Portal:
    """One site behind one port. `log` has every request it was asked, in order."""

    def __init__(self, key: str, module: ModuleType, night: int, port: int) -> None:
        self.key = key
        self.module = module
        self.night = night
        self.log: list[Hit] = []
        self.visits = count(18_237 + 4_099 * night)
        self.server = Server(("127.0.0.1", port), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def site(self) -> Site:
        """The site tonight; every later night is like the second."""
        found: Site = self.module.site(max(1, min(self.night, LAST_NIGHT)))
        return found

    def answer(self, request: Request, target: str) -> Resource:
        """What tonight's site says to a request; `target` is its path and query as asked."""
        site = self.site
        return (
            site.answer(request)
            or site.resources.get(target)
            or site.resources.get(request.path)
            or site.not_found
        )


def _handler(portal: Portal) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "nginx"
        sys_version = ""
        # Head and body in one packet: two would wait for each other's acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._reply("")

        def do_HEAD(self) -> None:
            self._reply("")

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self._reply(self.rfile.read(length).decode("utf-8", "replace"))

        def _reply(self, form: str) -> None:
            asked = urlsplit(self.path)
            request = Request(
                asked.path,
                dict(parse_qsl(asked.query) + parse_qsl(form)),
                self.headers.get("Referer", ""),
                self.headers.get("Host", ""),
            )
            answer = portal.answer(request, self.path)
            body = answer.body(next(portal.visits))
            portal.log.append(
                Hit(
                    self.command,
                    self.path,
                    time.time(),
                    self.headers.get("User-Agent", ""),
                    request.referer,
                    answer.status,
                )
            )
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type())
            self.send_header("Content-Length", str(len(body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: `Portal.log` is the log."""

    return Handler


class ExamplePortals:
    """The three portals together. `port` 0 takes free ports; otherwise port, port+1, port+2."""

    def __init__(self, night: int = 1, port: int = 0) -> None:
        self.port = port
        self.portals: dict[str, Portal] = {}
        self._night = night
        self._threads: list[threading.Thread] = []

    @property
    def night(self) -> int:
        """The night the portals stand on; set it and they move on, at the same addresses."""
        return self._night

    @night.setter
    def night(self, night: int) -> None:
        self._night = night
        for portal in self.portals.values():
            portal.night = night

    def start(self) -> ExamplePortals:
        """Bind the ports and serve from threads. OSError when a port is taken."""
        try:
            for at, (key, module) in enumerate(FAMILIES.items()):
                port = self.port + at if self.port else 0
                self.portals[key] = Portal(key, module, self.night, port)
        except (OSError, OverflowError):
            self.stop()
            raise
        for portal in self.portals.values():
            thread = threading.Thread(target=portal.server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self) -> None:
        """Close the ports."""
        for portal in self.portals.values():
            if self._threads:
                portal.server.shutdown()
            portal.server.server_close()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self.portals.clear()

    def __enter__(self) -> ExamplePortals:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def log(self) -> dict[str, list[Hit]]:
        """Every request so far, by portal id."""
        return {key: portal.log for key, portal in self.portals.items()}

    def registry(self, path: Path | str) -> Path:
        """Write the registry of these portals, with home pages only, and give its path."""
        where = Path(path)
        with where.open("w", encoding="utf-8", newline="") as out:
            table = csv.writer(out, lineterminator="\n")
            table.writerow(
                ("id", "name", "division", "level", "home_url", "column_url", "family", "note")
            )
            for key, portal in self.portals.items():
                module = portal.module
                table.writerow(
                    (
                        key,
                        module.NAME,
                        module.DIVISION,
                        module.LEVEL,
                        f"{portal.url}/",
                        "",
                        "",
                        "虚构",
                    )
                )
        return where

    def truth(self) -> list[dict[str, Any]]:
        """Every report published tonight, and what a perfect reader would say of it.

        `cells` has every key of the form (None where no number is printed), `printed` the raw
        strings; `failing` names identities that are wrong at source.
        """
        return [
            _truth(portal, entry)
            for portal in self.portals.values()
            for entry in portal.site.entries
            if entry.report is not None
        ]

    def lookalikes(self) -> list[dict[str, str]]:
        """Pages in the same columns that are no reports."""
        return [
            {
                "portal": portal.key,
                "path": entry.target,
                "url": portal.url + entry.target,
                "title": entry.title,
            }
            for portal in self.portals.values()
            for entry in portal.site.entries
            if entry.report is None
        ]


def _truth(portal: Portal, entry: Entry) -> dict[str, Any]:
    report = entry.report
    assert report is not None
    return {
        "portal": portal.key,
        "portal_name": portal.module.NAME,
        "path": entry.target,
        "url": portal.url + entry.target,
        "title": entry.title,
        "issuer": report.issuer,
        "year": report.year,
        "form": report.form,
        "style": report.style,
        "published_on": report.published_on,
        "listed_on": [portal.url + path for path in portal.site.listed_on[entry.target]],
        "cells": report.numbers(),
        "printed": dict(report.cells),
        "attachments": [
            {"path": link.target, "url": portal.url + link.target, "name": link.name}
            for link in entry.attachments
        ],
        "failing": list(report.failing),
    }


def main() -> int:
    """Serve until interrupted; 1 when the ports are taken."""
    parser = argparse.ArgumentParser(description="三个虚构的政府网站，仅供测试和试用。")
    parser.add_argument("--night", type=int, default=1, help="第几夜（1、2、3……）")
    parser.add_argument("--port", type=int, default=8011, help="第一个端口，其后两个也会占用")
    parser.add_argument("--registry", type=Path, help="把网站登记表写到这个 CSV 文件")
    options = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    last = options.port + len(FAMILIES) - 1
    portals = ExamplePortals(night=options.night, port=options.port)
    try:
        portals.start()
    except (OSError, OverflowError) as error:
        sys.stderr.write(
            f"端口 {options.port}–{last} 无法使用，请用 --port 换一个。"
            f" Cannot listen on ports {options.port}-{last} ({error}); try another --port.\n"
        )
        return 1
    if options.registry:
        try:
            portals.registry(options.registry)
        except OSError as error:
            portals.stop()
            sys.stderr.write(
                f"无法写入登记表 {options.registry}，请换一个位置。"
                f" Cannot write the registry to {options.registry} ({error}).\n"
            )
            return 1
    for portal in portals.portals.values():
        sys.stdout.write(f"{portal.url}/  {portal.module.NAME}\n")
    sys.stdout.flush()
    done.wait()
    portals.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
