"""Work on untrusted documents, in processes of their own with bounded time and memory.

A document can make a parser loop, take all memory or abort its process. It then costs its own
reading and nothing else, and leaves neither processes nor files behind.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as OverdueError
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from multiprocessing import connection, forkserver, get_context, parent_process, resource_tracker
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

# Loaded once, in the process all workers are forked from.
PRELOADED = ("archive.__main__", "archive.files", "archive.extract.web")
# Tasks given out before the first of them is answered, and tasks a worker does in its life:
# the libraries beneath the readers leak.
AHEAD, MOST_TASKS = 64, 200
# Pools that may break before the task at hand is given up.
MOST_BREAKS = 3
MOST_OF_MESSAGE = 300
CRASHED = "读取程序异常终止"
FAILED = "读取失败"

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may cost.

    A scan takes 10 s of CPU a page, and no report has more than some 30 pages. The clock may run
    twice as long, for the machine has other work, and a document that sleeps uses no CPU.
    """

    cpu_seconds: int = 300
    wall_seconds: int = 600
    memory_bytes: int = 4 << 30


@dataclass(frozen=True, slots=True)
class Failure:
    """A task without a result, and the reason for readers, in Chinese."""

    reason: str


def start() -> None:
    """Begin to load the readers in the background, as a command that is about to read may do.

    Workers are forked from a small process that has loaded these and nothing else: they inherit
    neither the memory of a build, which would count towards their limit, nor its locks.
    """
    forkserver.set_forkserver_preload(list(PRELOADED))
    # It would let signals through in the midst of what follows.
    resource_tracker.ensure_running()
    # Ctrl-C is for the command, which ends what it started. Processes inherit that they are not to
    # be told; while they load the readers they could not see to it for themselves.
    with _held(signal.SIGINT):
        forkserver.ensure_running()


@contextmanager
def _held(*signals: signal.Signals) -> Iterator[None]:
    """Signals wait until this is over; what is started meanwhile never gets them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Processes(Executor):
    """Processes of our own, each bounded in memory and time, replaced when they die.

    They start with the first task and end, with all they started, at `shutdown`. A future raises
    what pebble does of a process that died; `each` tells it as a Failure.
    """

    def __init__(self, workers: int, limits: Limits | None = None) -> None:
        self._workers = workers
        self._limits = limits or Limits()
        self._scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._pool: ProcessPool | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A call to be made in one of the processes; it and what it gives must pickle."""
        call = partial(fn, *args, **kwargs)
        if self._pool is not None:
            return self._ask(self._pool, call)
        start()
        # Loading the readers takes a second or two. Whoever is interrupted while a worker waits
        # for that leaves one that finds its locks gone; one that has none can be left.
        waiting = get_context("forkserver").Process(target=int)
        with suppress(OSError, EOFError):
            waiting.start()
            waiting.join()
        with _held(signal.SIGINT, signal.SIGTERM):
            self._pool = _pool(self._workers, self._limits, self._scratch.name)
            return self._ask(self._pool, call)

    def _ask(self, pool: ProcessPool, call: Callable[[], Any]) -> Future[Any]:
        seconds = self._limits.wall_seconds
        return pool.schedule(_limited, args=(call, self._limits), timeout=seconds)

    def each(
        self, work: Callable[[Task], Result], tasks: Iterable[Task], ahead: int = AHEAD
    ) -> Iterator[tuple[Task, Result | Failure]]:
        """Each task with what `work` gives for it or a Failure, in order, `ahead` under way.

        A pool that broke (pebble gives up when a worker dies unheard) is replaced, and what it
        left is done by the next.
        """
        coming = iter(tasks)
        waiting = deque(islice(coming, ahead))
        asked: deque[Future[Result | Failure]] = deque()
        breaks = 0
        try:
            while waiting:
                try:
                    for task in islice(waiting, len(asked), None):
                        asked.append(self.submit(work, task))
                    outcome = answered(asked.popleft(), self._limits)
                except (BrokenProcessPool, RuntimeError):
                    self._end_pool()
                    asked.clear()
                    breaks += 1
                    if breaks < MOST_BREAKS:
                        continue
                    outcome = Failure(CRASHED)
                breaks = 0
                yield waiting.popleft(), outcome
                waiting.extend(islice(coming, 1))
        finally:
            if asked:  # given up half-way: what was asked is not to be paid for
                self._end_pool()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all processes at once, whatever they do, and clear away what they left."""
        self._end_pool()
        self._scratch.cleanup()

    def _end_pool(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def read_each(
    tasks: Iterable[Task],
    work: Callable[[Task], Result],
    workers: int,
    limits: Limits | None = None,
) -> Generator[tuple[Task, Result | Failure], None, None]:
    """Each task with what `work` gives for it, in order; a Failure where it raises, dies or
    exceeds a limit.

    Tasks, work and results must pickle. With `workers` 0 all is done in this process, without
    limits.
    """
    if not workers:
        return ((task, attempt(partial(work, task))) for task in tasks)
    return _read_apart(iter(tasks), work, workers, limits)


def attempt(call: Callable[[], Result], memory: int = 0) -> Result | Failure:
    """The outer boundary: whatever a hostile document does to a parser is told in words, which
    pass between processes where errors of lxml do not."""
    try:
        return call()
    except MemoryError:
        return Failure(_too_large(memory))
    except Exception as error:
        return Failure(f"{FAILED}：{type(error).__name__} {error}"[:MOST_OF_MESSAGE])


def _read_apart(
    tasks: Iterator[Task], work: Callable[[Task], Result], workers: int, limits: Limits | None
) -> Generator[tuple[Task, Result | Failure], None, None]:
    first = list(islice(tasks, workers))
    with Processes(len(first), limits) as processes:
        yield from processes.each(work, chain(first, tasks))


def answered(future: Future[Result | Failure], limits: Limits) -> Result | Failure:
    """What a future of `Processes` comes to; a Failure where its process died or exceeded a limit.

    Raises CancelledError when it is cancelled, BrokenProcessPool or RuntimeError when its pool is
    no more.
    """
    try:
        return future.result()
    except OverdueError:
        return Failure(_too_long(limits.wall_seconds))
    except ProcessExpired as error:
        return Failure(_ending(error.exitcode or 0, limits))


def _ending(code: int, limits: Limits) -> str:
    if code == -signal.SIGXCPU:
        return _too_long(limits.cpu_seconds)
    return f"{CRASHED}（信号 {-code}）" if code < 0 else f"{CRASHED}（代码 {code}）"


def _too_long(seconds: int) -> str:
    return f"读取超过 {seconds} 秒，已放弃"


def _too_large(memory: int) -> str:
    if not memory:
        return "读取内存不足，已放弃"
    amount = f"{memory >> 30} GB" if memory >= 1 << 30 else f"{memory >> 20} MB"
    return f"读取内存超过 {amount}，已放弃"


def _pool(workers: int, limits: Limits, scratch: str) -> ProcessPool:
    return ProcessPool(
        workers,
        max_tasks=MOST_TASKS,
        initializer=_begin_worker,
        initargs=(limits.memory_bytes, scratch),
        context=get_context("forkserver"),
    )


# --- inside a worker ------------------------------------------------------------------------------


def _limited(call: Callable[[], Result], limits: Limits) -> Result | Failure:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + limits.cpu_seconds
    _lower(resource.RLIMIT_CPU, seconds)
    return attempt(call, limits.memory_bytes)


def _begin_worker(memory: int, scratch: str) -> None:
    """Bound a worker's memory, put its files where they are cleared away, and have it watched."""
    _watch()
    # What is left behind by converters and killed workers goes with the pool.
    tempfile.tempdir = os.environ["TMPDIR"] = scratch
    _lower(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        _lower(resource.RLIMIT_AS, memory)
        # Where memory runs short, the kernel is to end a worker and not the build.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")


def _lower(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _watch() -> None:
    """Fork a watcher that ends this worker when the build dies, and with the worker all that it
    started: converters are programs of several processes."""
    os.setpgid(0, 0)
    worker = os.getpid()
    build = parent_process()
    watcher_end, own_end = os.pipe()
    if os.fork():
        os.close(watcher_end)
        return
    try:
        os.close(own_end)
        os.setpgid(0, 0)
        connection.wait([watcher_end, *([build.sentinel] if build else [])])
        os.killpg(worker, signal.SIGKILL)
    finally:
        os._exit(0)
