"""The same work and the same results in this process and in processes of their own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from archive import spread
from archive.spread import Cluster, ClusterError, each, opened
from archive.workers import Failure, Limits

SMALL = Limits(cpu_seconds=2, wall_seconds=20, memory_bytes=2 << 30)


def square(number: int) -> int:
    return number * number


def hostile(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 4:
        raise ValueError("no number")
    if number == 5:
        return len(bytearray(8 << 30))
    return number * number


def whoami(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_results_come_in_order(workers: int) -> None:
    with opened(workers) as executor:
        assert (executor is None) is (workers == 0)
        found = list(each(executor, square, range(100), ahead=7))
        # The processes stay for what is asked next.
        again = list(each(executor, square, range(3)))
    assert found == [(number, number * number) for number in range(100)]
    assert again == [(0, 0), (1, 1), (2, 4)]


def test_a_hostile_document_costs_only_itself() -> None:
    with opened(2, limits=SMALL) as executor:
        results = dict(each(executor, hostile, range(8)))
    assert {number for number, one in results.items() if isinstance(one, Failure)} == {3, 4, 5}
    assert results[7] == 49


def test_an_error_in_this_process_is_a_failure_too() -> None:
    ((_, outcome),) = each(None, hostile, [4])
    assert outcome == Failure("读取失败：ValueError no number")


@pytest.mark.parametrize("workers", [0, 2])
def test_only_so_many_are_asked_for_ahead(workers: int) -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    with opened(workers) as executor:
        results = each(executor, square, numbers(), ahead=5)
        assert next(results) == (0, 0)
        assert len(taken) == (5 if workers else 1)


def test_who_stops_half_way_can_go_on_with_other_work() -> None:
    with opened(1) as executor:
        results = each(executor, square, range(50))
        assert next(results) == (0, 0)
        results.close()  # type: ignore[attr-defined]
        assert list(each(executor, square, [7])) == [(7, 49)]


def test_the_executor_takes_calls_as_any_other() -> None:
    with opened(1) as executor:
        assert executor is not None
        assert executor.submit(square, 9).result() == 81
        assert executor.submit(int, "ff", base=16).result() == 255
        assert executor.submit(whoami, 0).result() != os.getpid()


def test_without_the_extra_requirements_a_cluster_names_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"requirements-cluster\.txt: make cluster"):
        opened(2, "tcp://127.0.0.1:8786").__enter__()


def test_both_sides_of_a_cluster_must_be_the_same_software() -> None:
    with pytest.raises(ClusterError, match=r"other software .*Python 2\.7"):
        spread.do_batch(square, [1], SMALL, "Python 2.7")


def test_a_result_that_comes_as_a_wait_ends_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(Future[int]):
        """Its result comes when somebody asks whether it has."""

        def done(self) -> bool:
            if not super().done():
                self.set_result(7)
            return True

    late = Late()
    monkeypatch.setattr(spread, "TELL_SECONDS", 0)
    monkeypatch.setattr(Cluster, "_threads", property(lambda _: int(late.done())))
    assert Cluster.__new__(Cluster)._result(late) == 7
