"""What the command prints: results on standard output, everything else on standard error."""

import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from typing_extensions import override

from toolkit.errors import printable

if TYPE_CHECKING:
    from toolkit.methods import Method
    from toolkit.sampling import Sampler

FIRST = os.environ.get("RANK", os.environ.get("PADDLE_TRAINER_ID", "0")) == "0"
"""Of the processes of a data-parallel run only one reports."""


class _Console(Console):
    """A console on which names from files cannot do anything: control characters in what is printed are spelled out."""

    @override
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """All text passes through here; Rich's own sequences are segments of their own."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control or text.isprintable() else Segment(_harmless(text), style)


def _harmless(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


console = _Console(highlight=False, quiet=not FIRST)
errors = _Console(stderr=True, highlight=False)


def print_problems(problems: Iterable[str]) -> None:
    """List problems on standard error, one a line."""
    for problem in problems:
        errors.print(f"[bold red]✗[/] {escape(problem)}", soft_wrap=True)


def print_line(line: str) -> None:
    """One line as it is: file names and codes are no markup, and are not cut."""
    console.print(line, markup=False, soft_wrap=True)


def print_notes(notes: Iterable[str]) -> None:
    """Notes, one a line."""
    for note in notes:
        print_line(f"  note: {note}")


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
