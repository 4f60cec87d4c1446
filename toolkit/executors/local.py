"""Several processes on this machine, which share one copy of all arrays."""

import contextlib
import os
import signal
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, cast

from typing_extensions import override

from toolkit.executors.base import Crew, Lost, Make, Result, Task
from toolkit.executors.shared import Shared

_CONTEXT = get_context("spawn")  # a forked process would inherit the framework's threads, dead


@dataclass(frozen=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection


class Processes(Crew[Task, Result], Generic[Task, Result]):
    """A crew of processes, each started when it gets its first task."""

    def __init__(self, make: Make[Task, Result], size: int) -> None:
        self.size = size
        self._make = Shared.of(make)
        self._workers: dict[int, _Worker] = {}

    @override
    def give(self, worker: int, task: Task) -> None:
        if worker not in self._workers:
            self._workers[worker] = _start(self._make)
        with contextlib.suppress(ConnectionError):  # it is dead; `collect` will find out
            self._workers[worker].pipe.send(task)

    @override
    def collect(self) -> list[tuple[int, Result | Lost]]:
        found: list[tuple[int, Result | Lost]] = []
        numbers = {worker.pipe: number for number, worker in self._workers.items()}
        for pipe in cast(list[Connection], wait(numbers)):
            number = numbers[pipe]
            try:
                done, result = pipe.recv()
            except (EOFError, ConnectionError):  # only a dead process closes its end
                _end(self._workers.pop(number))
                found.append((number, Lost()))
                continue
            if not done:
                raise result
            found.append((number, result))
        return found

    @override
    def close(self) -> None:
        while self._workers:
            _end(self._workers.popitem()[1])


def _start(make: Shared[Make[Any, Any]]) -> _Worker:
    own, others = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_serve, args=(make, others), daemon=True)
    with _deaf():
        process.start()
    others.close()  # so that its end is closed when the process dies
    return _Worker(process, own)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Processes started within are deaf to Ctrl-C, which is for their parent, from their first moment."""
    resource_tracker.ensure_running()  # it starts with the first process otherwise, and lets signals in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a new process inherits this
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()


def _serve(make: Shared[Make[Any, Any]], pipe: Connection) -> None:
    """What a process does: make its worker, then one task after the other, until it is killed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        work = make.open()()
        while True:
            pipe.send((True, work(pipe.recv())))
    except Exception as error:
        error.add_note(traceback.format_exc())
        pipe.send((False, error))


def _end_with_parent() -> None:
    """Wait until the parent is gone, however it ended, and follow it: nobody would stop this process any more."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)
