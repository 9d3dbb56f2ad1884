"""Who does the work: this process, processes of this machine, or a Dask cluster?

Wherever it is done, a document runs in a process bounded in time and memory, results come in the
order of the items, and only so many are asked for ahead of the one that is wanted next.
"""

from __future__ import annotations

import logging
import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, wait
from contextlib import contextmanager
from functools import cache, partial
from importlib import import_module
from itertools import islice
from multiprocessing import current_process
from multiprocessing.util import Finalize
from threading import local
from typing import Any, TypeVar

from archive import source
from archive.workers import AHEAD, CRASHED, Failure, Limits, Processes, attempt

# Documents a task of the cluster holds: a task costs a millisecond, a document twenty.
BATCH = 16
# Tasks asked for ahead, a thread of the cluster: one that is done, one that is next.
AHEAD_OF_THREAD, LEAST_AHEAD = 2, 4
JOIN_SECONDS, TELL_SECONDS = 60, 60
ADDRESS = re.compile(r"(?:tcp|tls|ws|wss)://(?:[^\s/:\[\]]+|\[[0-9A-Fa-f:.%]+\]):[0-9]{1,5}/?")

log = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")


class ClusterError(ValueError):
    """A cluster cannot be used, or was lost; the message names it and what to do."""


@contextmanager
def opened(
    workers: int, cluster: str | None = None, limits: Limits | None = None
) -> Iterator[Executor | None]:
    """What `each` works with: the Dask scheduler at an address (`tcp://…`, `tls://…`), or so many
    processes of this machine, or nothing with 0 workers: then this process does it, unbounded.

    Raises ClusterError where the cluster has no worker, or is not installed for.
    """
    if cluster:
        with Cluster(cluster, limits) as there:
            yield there
    elif workers:
        with Processes(workers, limits) as here:
            yield here
    else:
        yield None


def each(
    executor: Executor | None,
    work: Callable[[Item], Result],
    items: Iterable[Item],
    ahead: int = AHEAD,
    batch: int = BATCH,
) -> Iterator[tuple[Item, Result | Failure]]:
    """Each item with what `work` gives for it, in order; a Failure where it raises, dies or
    exceeds a limit.

    Work, items and results must pickle; work is found by its name, so not in `__main__`. On this
    machine `ahead` items are under way; a cluster takes them in batches of so many, which lie
    close together where items come by segment.
    """
    if isinstance(executor, Processes):
        return executor.each(work, items, ahead)
    if isinstance(executor, Cluster):
        return executor.each(work, items, batch)
    if executor is not None:
        raise TypeError(f"{executor!r} was not opened here")
    return ((item, attempt(partial(work, item))) for item in items)


class Cluster(Executor):
    """The workers of a Dask scheduler. A worker that dies costs nothing: another does its tasks."""

    def __init__(self, address: str, limits: Limits | None = None) -> None:
        # A client that cannot be made for its address waits for itself when Python ends.
        if not ADDRESS.fullmatch(address):
            raise ClusterError(
                f"--cluster {address}: no address of a Dask scheduler; give scheme://host:port, "
                "such as tcp://10.0.0.1:8786"
            )
        try:
            distributed: Any = import_module("distributed")
        except ImportError as error:
            raise ClusterError(
                f"--cluster {address}: {error}; install requirements-cluster.txt: make cluster"
            ) from error
        encrypted = distributed.Security().get_connection_args("client").get("ssl_context")
        if address.startswith("tls:") and encrypted is None:
            raise ClusterError(
                f"--cluster {address}: Dask's settings name no certificates to use with it "
                "(distributed.comm.tls); set them, or give tcp://host:port"
            )
        self.address = address
        self._limits = limits or Limits()
        self._killed: type[Exception] = distributed.KilledWorker
        try:
            self._client = distributed.Client(address, timeout=JOIN_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"no Dask scheduler answers at {address}: {error}. Start one, or name another"
            ) from error
        try:
            self._client.wait_for_workers(1, timeout=JOIN_SECONDS)
        except TimeoutError as error:
            self._client.close()
            raise ClusterError(
                f"the Dask scheduler at {address} has no worker; start one: dask worker {address}"
            ) from error
        self._calls = self._client.get_executor(pure=False)

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """A call to be made by one of the workers, in its own process and without limits."""
        return self._calls.submit(fn, *args, **kwargs)  # type: ignore[no-any-return]

    def each(
        self, work: Callable[[Item], Result], items: Iterable[Item], batch: int = BATCH
    ) -> Iterator[tuple[Item, Result | Failure]]:
        """Each item with what `work` gives for it or a Failure, in order.

        A batch that took several workers with it is done in halves, down to the item that did.
        """
        coming = iter(items)
        asked: deque[tuple[list[Item], Future[list[Result | Failure]]]] = deque()

        def ask(some: list[Item]) -> tuple[list[Item], Future[list[Result | Failure]]]:
            return some, self.submit(do_batch, work, some, self._limits, software())

        try:
            while True:
                while len(asked) < self._most_ahead and (some := list(islice(coming, batch))):
                    asked.append(ask(some))
                if not asked:
                    return
                some, future = asked.popleft()
                try:
                    outcomes = self._result(future)
                except self._killed:
                    if len(some) > 1:
                        half = len(some) // 2
                        asked.extendleft((ask(some[half:]), ask(some[:half])))
                        continue
                    outcomes = [Failure(CRASHED)]
                yield from zip(some, outcomes, strict=True)
        finally:
            for _, future in asked:
                future.cancel()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let go of the cluster; it goes on for others."""
        self._client.close()

    @property
    def _most_ahead(self) -> int:
        return max(LEAST_AHEAD, AHEAD_OF_THREAD * self._threads)

    @property
    def _threads(self) -> int:
        return sum(self._client.nthreads().values())

    def _result(self, future: Future[Result]) -> Result:
        while wait([future], TELL_SECONDS).not_done:
            if not self._threads:
                log.warning("%s has no workers at the moment; waiting for one", self.address)
        try:
            return future.result()
        except CancelledError as error:
            raise ClusterError(
                f"the Dask cluster at {self.address} was lost; start the same command again"
            ) from error


@cache
def software() -> str:
    """What must be the same on both sides of a cluster: Python, our source, the converters."""
    from archive import extract

    major, minor = sys.version_info[:2]
    return f"Python {major}.{minor}, {extract.tools()}, source {source.digest()[:12]}"


# --- on a worker of a cluster ---------------------------------------------------------------------

own = local()


def do_batch(
    work: Callable[[Item], Result], items: Sequence[Item], limits: Limits, wanted: str
) -> list[Result | Failure]:
    """What `work` gives for each item, done in a bounded process that this thread keeps.

    Raises ClusterError where this worker would not read as its caller does.
    """
    if (here := software()) != wanted:
        raise ClusterError(
            f"a Dask worker has other software ({here}) than the command ({wanted}): "
            "give both the same image or checkout"
        )
    if getattr(own, "limits", None) != limits:
        # A nanny starts its worker as a daemon, which may have no processes of its own. They end
        # with it all the same: each is watched.
        current_process().daemon = False
        own.processes, own.limits = Processes(1, limits), limits
        # A worker that leaves would wait for a process that the pool replaces for ever.
        Finalize(None, own.processes.shutdown, exitpriority=1)
    return [outcome for _, outcome in own.processes.each(work, items)]
