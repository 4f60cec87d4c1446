"""How far a command is, on standard error: bars on a terminal, plain lines in a file."""

import functools
import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Protocol

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from toolkit.cli.console import FIRST, errors

Level = Literal["quiet", "normal", "verbose"]

EVERY_SECONDS, EVERY_SHARE, APART = 60.0, 0.1, 1.0
"""In a file, a line comes at least so often, after each such share and after each epoch; no two within `APART` s."""

_NARROW = 100
"""Columns of a terminal below which a bar says less, so that it stays on one line."""

_level: Level = "normal"


def set_level(level: Level) -> None:
    """How much is said from now on: `quiet`: problems and results alone; `verbose`: every word, as lines."""
    global _level
    _level = level


_OPTIONS = {
    "quiet": Annotated[bool, typer.Option("--quiet", "-q", help="say nothing but results and problems")],
    "verbose": Annotated[bool, typer.Option("--verbose", "-v", help="say how it goes in lines, and more often")],
}


def with_verbosity(command: Callable[..., None]) -> Callable[..., None]:
    """`command` with the options `--quiet` and `--verbose`."""

    @functools.wraps(command)
    def told(*arguments: Any, quiet: bool = False, verbose: bool = False, **options: Any) -> None:
        if quiet and verbose:
            raise typer.BadParameter("give one of --quiet and --verbose")
        set_level("quiet" if quiet else "verbose" if verbose else "normal")
        command(*arguments, **options)

    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
        for name, annotation in _OPTIONS.items()
    ]
    signature = inspect.signature(command)
    told.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *more])  # type: ignore[attr-defined]
    told.__annotations__ = command.__annotations__ | _OPTIONS
    return told


class Reporter(Protocol):
    """A `toolkit.data.base.Progress`, with words beside it."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` is finished; a new `what` begins anew."""

    def note(self, text: str) -> None:
        """Say how it goes beside what was begun last; the next note replaces it."""

    def say(self, text: str) -> None:
        """Say something that stays."""


@contextmanager
def progress_bars() -> Iterator[Reporter]:
    """Bars with rate and time left, or lines where standard error is no terminal. Of several processes one reports."""
    if _level == "quiet" or not FIRST:
        yield Silent()
    elif _level == "verbose" or not errors.is_terminal:
        yield Lines(errors, verbose=_level == "verbose")
    else:
        with bars(errors) as shown:
            yield shown


class Silent:
    """Says nothing."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""


class Lines:
    """Lines with the time of day, for files that somebody looks into now and then."""

    def __init__(self, console: Console, *, verbose: bool = False, clock: "Clock" = time.monotonic) -> None:
        self._console, self._verbose, self._clock = console, verbose, clock
        self._begun: dict[str, tuple[float, int]] = {}
        self._shown: dict[str, tuple[float, int]] = {}
        self._note, self._epoch = "", False

    def __call__(self, what: str, done: int, total: int) -> None:
        """Say it, if it is time for a line."""
        now = self._clock()
        if what not in self._begun:
            self._begun[what] = self._shown[what] = now, done
            if done < total:
                self._print(what, done, total, now)
            return
        at, before = self._shown[what]
        share = int(done / max(total, 1) / EVERY_SHARE) > int(before / max(total, 1) / EVERY_SHARE)
        apart = now - at >= (0 if self._verbose else APART)
        due = now - at >= EVERY_SECONDS or (apart and (share or self._epoch or self._verbose))
        if done > before and (due or done >= total):
            self._print(what, done, total, now)
            self._shown[what] = now, done
            self._epoch = False

    def note(self, text: str) -> None:
        """Keep it for the next line, which comes at once at the end of an epoch."""
        self._note = text
        head = text.removeprefix("epoch ").partition(",")[0]
        self._epoch = self._epoch or (text.startswith("epoch ") and head.endswith(".0"))

    def say(self, text: str) -> None:
        """A line of its own."""
        self._console.print(f"{_now()} {text}", markup=False, soft_wrap=True)

    def _print(self, what: str, done: int, total: int, now: float) -> None:
        since, first = self._begun[what]
        seconds, share = now - since, done / total if total else 1.0
        line = f"{what} {done:,}/{total:,} ({share:.0%})"
        if done > first and seconds > 0:
            rate = (done - first) / seconds
            left = "" if done >= total else f", {_duration((total - done) / rate)} left"
            line += f", {rate:,.3g}/s{left or f', {_duration(seconds)} in all'}"
        self.say(line + (f"; {self._note}" if self._note else ""))


class Clock(Protocol):
    """Seconds since some moment."""

    def __call__(self) -> float:
        """Now."""


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def _duration(seconds: float) -> str:
    """`H:MM:SS`."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.1f}/s" if task.speed else "", style="cyan")


@contextmanager
def bars(console: Console) -> Iterator["Bars"]:
    """Bars on a terminal, each on one line whatever its width: the words at the end are cut."""
    narrow = console.width < _NARROW
    fixed = Column(no_wrap=True)
    columns = [
        TextColumn("{task.description}" if narrow else "{task.description:>14}", table_column=fixed),
        BarColumn(6 if narrow else 20, table_column=fixed),
        MofNCompleteColumn(table_column=fixed),
        *([] if narrow else [_Rate(fixed)]),
        TimeRemainingColumn(elapsed_when_finished=True, table_column=fixed),
        TextColumn(
            "{task.fields[note]}", style="dim", table_column=Column(no_wrap=True, overflow="ellipsis", min_width=0)
        ),
    ]
    shown = Bars(Progress(*columns, console=console, speed_estimate_period=20))
    try:
        yield shown
    finally:
        shown.close()


class Bars:
    """One bar for each thing that goes on."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        """Move the bar."""
        if not self._tasks:
            self._progress.start()
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total, completed=done, note="")
        self._progress.update(self._tasks[what], completed=done, total=total)

    def note(self, text: str) -> None:
        """Put it beside the bar."""
        if self._tasks:
            self._progress.update([*self._tasks.values()][-1], note=text)

    def say(self, text: str) -> None:
        """A line above the bars."""
        self._progress.console.print(text, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the bars as they are. Where there were none, nothing is printed, not even a line feed."""
        if self._tasks:
            self._progress.stop()
