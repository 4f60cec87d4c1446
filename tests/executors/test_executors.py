"""Every executor does every task once, whoever dies; workers share arrays, and none outlives its parent."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit import executors
from toolkit.errors import InputError
from toolkit.executors import spread
from toolkit.executors.base import Crew, Lost, deal
from toolkit.executors.shared import Shared

Workers = dict[str, Any]

HERE: Workers = {}
LOCAL: Workers = {"workers": 2}


def every(make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any], where: Workers) -> list[Any]:
    with closing(spread(make, tasks, **where)) as results:
        return [result for some in results for result in some]


# Workers. They stand here so that other processes can import them.


def squaring() -> Callable[[int], int]:
    return lambda x: x * x


def dying(folder: Path, times: int) -> Callable[[int], tuple[int, int]]:
    """Task 3 kills the first `times` processes that try it."""

    def work(x: int) -> tuple[int, int]:
        if x == 3 and len(list(folder.iterdir())) < times:
            (folder / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x, os.getpid()

    return work


def complaining() -> Callable[[int], int]:
    def work(x: int) -> int:
        raise InputError([f"{x} is wrong", "and so is this"])

    return work


def unable() -> Callable[[int], int]:
    raise InputError("no such device")


def writing(array: np.ndarray[Any, Any]) -> Callable[[int], list[float]]:
    """Each task leaves a mark in the array and waits for the marks of all others."""

    def work(x: int) -> list[float]:
        array[x, 0, 0, 0] = 1 + x
        end = time.monotonic() + 60
        while not array[:, 0, 0, 0].all() and time.monotonic() < end:
            time.sleep(0.01)
        return [*array[:, 0, 0, 0].tolist(), *array.strides]

    return work


def reading(array: np.ndarray[Any, Any]) -> Callable[[int], tuple[tuple[int, ...], bool]]:
    """How the array is laid out, and whether it is the process's own, to be written to."""
    return lambda _: (array.strides, array.flags.writeable)


def listening() -> Callable[[int], bool]:
    """Whether Ctrl-C would reach the worker."""
    return lambda _: signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.parametrize("where", [HERE, LOCAL], ids=["here", "local"])
def test_every_task_once(where: Workers) -> None:
    assert sorted(every(squaring, range(20), where)) == [x * x for x in range(20)]
    assert every(squaring, [], where) == []
    assert not active_children()


def test_a_worker_that_dies_is_replaced_and_its_task_done_again(tmp_path: Path) -> None:
    results = every(partial(dying, tmp_path, 2), range(8), LOCAL)
    assert sorted(x for x, _ in results) == list(range(8))
    dead = {int(path.name) for path in tmp_path.iterdir()}
    assert len(dead) == 2
    assert len(dead | {process for _, process in results}) >= 3
    assert not active_children()


def test_a_task_that_kills_every_worker(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"3 workers died on the same task, perhaps because .* out of memory"):
        every(partial(dying, tmp_path, 99), range(8), LOCAL)
    assert not active_children()


@pytest.mark.parametrize("where", [HERE, LOCAL], ids=["here", "local"])
def test_what_a_task_or_a_worker_raises_comes_through(where: Workers) -> None:
    with pytest.raises(InputError) as caught:
        every(complaining, [7], where)
    assert caught.value.problems == ("7 is wrong", "and so is this")
    with pytest.raises(InputError, match="no such device"):
        every(unable, [7], where)
    assert not active_children()


def test_arrays_are_in_memory_once() -> None:
    """Laid out as they were, also where that is not row by row."""
    array = np.zeros((2, 3, 5, 4), np.float32).transpose(0, 3, 1, 2)
    for *marks, _, _, _, _ in (results := every(partial(writing, array), range(2), LOCAL)):
        assert marks == [1, 2]
    assert all(tuple(strides) == array.strides for _, _, *strides in results)
    assert not array.any(), "the parent's own is another"


def test_shared_memory_has_no_name_to_leave_behind() -> None:
    shared = Shared.of({"a": np.arange(10_000), "b": np.zeros((0, 3)), "text": "x" * 1000})
    assert not [path for path in Path("/dev/shm").iterdir() if str(os.getpid()) in path.name]
    found = shared.open()
    np.testing.assert_array_equal(found["a"], np.arange(10_000))
    assert (found["b"].shape, found["text"]) == ((0, 3), "x" * 1000)
    assert found["a"].ctypes.data % 64 == 0


def test_ctrl_c_is_for_the_parent() -> None:
    assert every(listening, [0], LOCAL) == [False]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_ray_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"--ray needs Ray, an optional extra; install it: pip install"):
        every(squaring, [1], {"ray": "local"})


def test_a_cluster_that_is_not_there() -> None:
    pytest.importorskip("ray", reason="needs Ray, an optional extra")
    with pytest.raises(InputError, match="no Ray cluster can be reached there"):
        every(squaring, [1], {"ray": "127.0.0.1:1"})


class Simulation:
    """A crew whose workers die and finish at random."""

    def __init__(self, size: int, seed: int, deaths: float) -> None:
        self.size, self.dice, self.deaths = size, random.Random(seed), deaths
        self.busy: dict[int, int] = {}
        self.most = 0

    def give(self, worker: int, task: int) -> None:
        assert worker not in self.busy, "one task at a time"
        assert 0 <= worker < self.size
        self.busy[worker] = task
        self.most = max(self.most, len(self.busy))

    def collect(self) -> list[tuple[int, int | Lost]]:
        ready = self.dice.sample(sorted(self.busy), self.dice.randint(1, len(self.busy)))
        return [(w, Lost() if self.dice.random() < self.deaths else t) for w in ready for t in [self.busy.pop(w)]]

    def close(self) -> None:
        """Nothing to do."""


@given(st.integers(1, 9), st.integers(0, 40), st.integers(0, 10**6), st.sampled_from([0.0, 0.1]))
def test_tasks_are_dealt_out_once(size: int, tasks: int, seed: int, deaths: float) -> None:
    simulation = Simulation(size, seed, deaths)
    crew: Crew[int, int] = simulation
    done: list[int] = []
    try:
        for some in deal(crew, iter(range(tasks))):
            assert some
            done += some
    except InputError:
        assert deaths
        assert len(done) == len(set(done)) < tasks
    else:
        assert sorted(done) == list(range(tasks))
        assert simulation.most == min(size, tasks)
