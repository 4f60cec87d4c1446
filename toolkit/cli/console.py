"""What the command prints: results on standard output, everything else on standard error."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
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
from rich.segment import Segment
from rich.table import Column
from rich.text import Text

from toolkit.errors import printable

if TYPE_CHECKING:
    from toolkit.methods import Method
    from toolkit.sampling import Sampler

_FIRST = os.environ.get("RANK", os.environ.get("PADDLE_TRAINER_ID", "0")) == "0"
"""Of the processes of a data-parallel run only one reports."""


class _Console(Console):
    """A console on which names from files cannot do anything: control characters in what is printed are spelled out."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """See `Console.render`, through which all text passes; Rich's own sequences are segments of their own."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control or text.isprintable() else Segment(_harmless(text), style)


def _harmless(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


console = _Console(highlight=False, quiet=not _FIRST)
errors = _Console(stderr=True, highlight=False)


def print_problems(problems: Iterable[str]) -> None:
    """List problems on standard error, one a line."""
    for problem in problems:
        errors.print(f"[bold red]✗[/] {escape(problem)}", soft_wrap=True)


def print_json(value: Any) -> None:
    """Print one JSON object and nothing else on standard output."""
    console.file.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


def print_listing(listed: "Mapping[str, type[Method]] | Mapping[str, type[Sampler]]", *, as_json: bool) -> None:
    """What there is to choose from, by name: what each is and, in JSON, the schema of its options."""
    if not as_json:
        for name, each in listed.items():
            console.print(f"[bold]{name:12}[/] {each.summary}", soft_wrap=True)
        return
    found = {}
    for name, each in listed.items():
        schema = each.options_type.model_json_schema(ref_template=f"#/{name}/definitions/{{model}}")
        found[name] = {"summary": each.summary, "options": schema["properties"], "definitions": schema.get("$defs", {})}
    print_json(found)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.1f}/s" if task.speed else "", style="cyan")


@contextmanager
def progress_bars() -> Iterator["Bars"]:
    """Bars with rate and time left on standard error."""
    columns = (
        TextColumn("{task.description:>14}"),
        BarColumn(20, table_column=Column(no_wrap=True)),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[note]}", style="dim", table_column=Column()),  # the one that gives way, by wrapping
    )
    with Progress(*columns, console=errors, speed_estimate_period=20, disable=not _FIRST) as progress:
        yield Bars(progress)


class Bars:
    """A `toolkit.runs.setup.Progress`: one bar for each thing that goes on."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` is finished; a new `what` begins a new bar."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total, completed=done, note="")
        self._progress.update(self._tasks[what], completed=done, total=total)

    def note(self, text: str) -> None:
        """Say how it goes beside the bar that was begun last."""
        if self._tasks:
            self._progress.update([*self._tasks.values()][-1], note=text)
