"""What executors have in common: dealing out tasks to workers that may die, so that none is lost or done twice."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from typing_extensions import override

from toolkit.errors import InputError

Task = TypeVar("Task")
Result = TypeVar("Result")
TaskIn = TypeVar("TaskIn", contravariant=True)

Make = Callable[[], Callable[[Task], Result]]
"""Makes a worker: the function that does tasks."""

ATTEMPTS = 3
"""Workers that one task may kill before nobody tries it again."""


class Lost:
    """In place of a result: the worker died. Whatever it is given next is for a new one."""


class Crew(Protocol[TaskIn, Result]):
    """Workers, numbered from 0 to `size` - 1, each with one task at a time."""

    size: int

    def give(self, worker: int, task: TaskIn) -> None:
        """Hand a task to a worker that has none."""

    def collect(self) -> list[tuple[int, Result | Lost]]:
        """Wait until at least one worker has finished or died: the numbers and results of those that have.

        Raises:
            Exception: what a task raised.
        """

    def close(self) -> None:
        """Let all workers go at once, whatever they have in hand."""


class InProcess(Crew[Task, Result], Generic[Task, Result]):
    """No other process: a task is done when its result is asked for."""

    size = 1

    def __init__(self, make: Make[Task, Result]) -> None:
        self._work = make()
        self._task: list[Task] = []

    @override
    def give(self, worker: int, task: Task) -> None:
        self._task = [task]

    @override
    def collect(self) -> list[tuple[int, Result | Lost]]:
        return [(0, self._work(*self._task))]

    @override
    def close(self) -> None:
        """There is no process to end."""


def deal(crew: Crew[Task, Result], tasks: Iterable[Task]) -> Iterator[list[Result]]:
    """Keep all workers of a crew at work until every task is done. What a dead worker had in hand is done again.

    Raises:
        InputError: a task killed its worker `ATTEMPTS` times.
    """
    waiting = iter(tasks)
    again: deque[tuple[Task, int]] = deque()
    in_hand: dict[int, tuple[Task, int]] = {}  # by worker: the task, and how many workers it has killed

    def occupy(worker: int) -> None:
        if again:
            in_hand[worker] = again.popleft()
        else:
            for task in waiting:
                in_hand[worker] = task, 0
                break
            else:
                return
        crew.give(worker, in_hand[worker][0])

    for worker in range(crew.size):
        occupy(worker)
    while in_hand:
        results: list[Result] = []
        for worker, result in crew.collect():
            task, deaths = in_hand.pop(worker)
            if not isinstance(result, Lost):
                results.append(result)
            elif deaths + 1 < ATTEMPTS:
                again.append((task, deaths + 1))
            else:
                raise InputError(
                    f"{ATTEMPTS} workers died on the same task, perhaps because the system ran out of memory; "
                    "take fewer workers or less memory for each, then start the same command again to go on"
                )
            occupy(worker)
        if results:
            yield results
