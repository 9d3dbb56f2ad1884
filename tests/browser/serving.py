"""A published site behind its real server, on a free port of this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from crawler.__main__ import SELFCHECK, self_checks

START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(site: Path) -> Iterator[str]:
    """The address of `datasette serve` on a site folder, with the server of self-checks beside.

    It runs in the folder above the site: in the project root the folder datasette/ would hide the
    package. What it prints goes to server.log there.
    """
    port, folder = free_port(), site.parent
    address = f"http://127.0.0.1:{port}"
    command = [str(Path(sys.executable).with_name("datasette")), "serve", str(site)]
    with self_checks() as checks, (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env={**os.environ, SELFCHECK: checks, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=log,
            stderr=log,
        )
        try:
            until = time.monotonic() + START_SECONDS
            while not _answers(address):
                said = (folder / "server.log").read_text(encoding="utf-8", errors="replace")
                assert server.poll() is None, said[-3000:]
                assert time.monotonic() < until, f"no answer on port {port}: {said[-3000:]}"
                time.sleep(0.1)
            yield address
        finally:
            server.terminate()
            server.wait()


def _answers(address: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{address}/about", timeout=20, trust_env=False).status_code == 200
    return False
