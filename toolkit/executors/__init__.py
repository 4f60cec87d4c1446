"""Where work is done: in this process, in several, or on a Ray cluster. The work itself is the same everywhere."""

from collections.abc import Generator, Iterable
from contextlib import closing
from importlib.util import find_spec

from toolkit.errors import InputError
from toolkit.executors.base import Crew, InProcess, Make, Result, Task, deal
from toolkit.executors.local import Processes

__all__ = ["Crew", "Make", "deal", "hire", "spread"]


def hire(
    make: Make[Task, Result], workers: int | None = None, ray: str | None = None, *, gpus: bool = False
) -> Crew[Task, Result]:
    """Workers, to whom `deal` gives tasks. Close the crew when they are done, or to stop at once.

    Args:
        make: makes a worker, the function that does tasks; called once in every process, to which it is pickled. Arrays
            in it are in memory only once, whatever the number of processes.
        workers: processes; by default only this one, or as many as the Ray cluster has room for.
        ray: the address of a Ray cluster, or `local` for one on this machine.
        gpus: on a cluster that has GPUs, each worker gets one of its own, otherwise a CPU.

    Raises:
        InputError: Ray is missing, or there is no cluster at the address.
    """
    if ray is not None:
        if find_spec("ray") is None:
            raise InputError("--ray needs Ray, an optional extra; install it: pip install 'supernet-toolkit[ray]'")
        from toolkit.executors.ray import Actors

        return Actors(make, ray, workers, gpus=gpus)
    if workers is not None and workers > 1:
        return Processes(make, workers)
    return InProcess(make)


def spread(
    make: Make[Task, Result],
    tasks: Iterable[Task],
    workers: int | None = None,
    ray: str | None = None,
    *,
    gpus: bool = False,
) -> Generator[list[Result]]:
    """Hire workers and do all tasks; results come as they are finished, several at once where several are there.

    Close the generator to stop at once (`contextlib.closing`).

    Raises:
        InputError: as `hire` and `deal` do.
    """
    with closing(hire(make, workers, ray, gpus=gpus)) as crew:
        yield from deal(crew, tasks)
