"""Workers on a Ray cluster. Ray is an optional extra: this module is imported only when somebody asks for it."""

import logging
import socket
import warnings
from collections.abc import Callable
from typing import Any, Generic

import ray
from ray.exceptions import ObjectLostError, RayActorError, RayError, RayTaskError
from typing_extensions import override

from toolkit.errors import InputError
from toolkit.executors.base import Crew, Lost, Make, Result, Task


class Actors(Crew[Task, Result], Generic[Task, Result]):
    """A crew of actors, each with a CPU or a GPU of its own. Where one dies Ray finds a place for a new one.

    Raises:
        InputError: there is no cluster at the address.
    """

    def __init__(self, make: Make[Task, Result], address: str, size: int | None, *, gpus: bool) -> None:
        self._own = not ray.is_initialized()
        if self._own:
            _connect(address)
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = gpus and resources.get("GPU", 0) >= 1
        self.size = size or max(1, int(resources["GPU" if gpus else "CPU"]))
        held = ray.put(make)  # one copy for each machine, however many actors it runs
        needs = {"num_gpus": 1, "num_cpus": 0} if gpus else {"num_cpus": 1}
        actor: Any = ray.remote(_Actor)
        self._hire: Callable[[], Any] = lambda: actor.options(**needs).remote(held)
        self._actors = [self._hire() for _ in range(self.size)]
        self._running: dict[Any, int] = {}

    @override
    def give(self, worker: int, task: Task) -> None:
        self._running[self._actors[worker].work.remote(task)] = worker

    @override
    def collect(self) -> list[tuple[int, Result | Lost]]:
        ray.wait(list(self._running))
        ready, _ = ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        workers = {reference: self._running.pop(reference) for reference in ready}
        return [(worker, self._result(worker, reference)) for reference, worker in workers.items()]

    def _result(self, worker: int, reference: Any) -> Result | Lost:
        try:
            return ray.get(reference)  # type: ignore[no-any-return]
        except RayTaskError as error:
            raise error.cause from error
        except (RayActorError, ObjectLostError):
            self._actors[worker] = self._hire()
            return Lost()

    @override
    def close(self) -> None:
        for actor in self._actors:
            ray.kill(actor)
        if self._own:
            ray.shutdown()


class _Actor:
    """A worker in a process that Ray runs. It is made with the first task, so that what goes wrong is told."""

    def __init__(self, make: Make[Any, Any]) -> None:
        self._make = make
        self._work: Callable[[Any], Any] | None = None

    def work(self, task: Any) -> Any:
        if self._work is None:
            # Ray's arrays are read-only, which PyTorch takes for a danger; nobody here writes to them.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self._work = self._make()
        return self._work(task)


def _connect(address: str) -> None:
    dashboard = False if address == "local" else None  # only who starts a cluster has a say
    try:
        if address not in ("local", "auto"):  # Ray would wait for minutes for a machine that is not there
            host, _, port = address.removeprefix("ray://").rpartition(":")
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address, logging_level=logging.ERROR, log_to_driver=False, include_dashboard=dashboard)
    except (OSError, RayError, RuntimeError, ValueError) as error:
        raise InputError(
            f"--ray {address}: no Ray cluster can be reached there ({error}); start one with `ray start --head` and "
            "give its address as HOST:PORT, or take --ray local"
        ) from error
