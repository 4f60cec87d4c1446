"""What ends a command without a traceback: an error the user can repair, or the user's wish to stop."""

from collections.abc import Iterable, Iterator

LONGEST = 1_000
"""Characters of one problem; of a longer one the middle is left out, for the file stands first and the remedy last."""

SHOWN = 30
"""Problems of one error; of more, the first are kept, a count, and the last, which tells what to do."""

SCREEN = 6_000
"""Characters of one error."""


class InputError(Exception):
    """Something the user gave cannot be used.

    Carries every problem found, not only the first; each is one sentence that names the file or value, the entry in it,
    and the remedy. The command prints them and exits with status 1; the app shows them in place.

    Problems quote what stands in files, so here, in one place, they become fit for a terminal: characters that do not
    print (escape sequences among them) are spelled out, and no error is longer than a screen.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems: tuple[str, ...] = _a_screen([problems] if isinstance(problems, str) else problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type["InputError"], tuple[tuple[str, ...]]]:
        """All problems come through from another process, each still one."""
        return InputError, (self.problems,)


class Stopped(Exception):  # noqa: N818 (nothing went wrong)
    """The user asked to stop. The message says what is kept and how to go on."""


def printable(text: str) -> str:
    """`text` on one line of characters that print: others are spelled out as in Python's source."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def middle_out(text: str, limit: int = LONGEST) -> str:
    """`text` of `limit` characters or so; what lies between is counted."""
    if len(text) <= limit:
        return text
    head, tail = 6 * limit // 10, 3 * limit // 10
    return f"{text[:head]}... ({len(text) - head - tail:,} characters left out) ...{text[-tail:]}"


def _a_screen(problems: Iterable[str]) -> tuple[str, ...]:
    """The problems that are shown, each cut to size: the first, a count, and the last."""
    kept: list[str] = []
    size, left_out, last = 0, 0, ""
    for problem in _once(_fit(problems)):
        if not left_out and (not kept or (len(kept) < SHOWN and size + len(problem) <= SCREEN)):
            kept.append(problem)
            size += len(problem)
        else:
            left_out, last = left_out + 1, problem
    if left_out > 1:
        kept.append(f"... and {left_out - 1:,} more like these")
    return (*kept, last) if left_out else tuple(kept)


def _once(problems: Iterable[str]) -> Iterator[str]:
    """Each problem once, for one file may be read as two things; a count of further ones goes with those before it."""
    told: set[str] = set()
    new = False
    for problem in problems:
        if not problem.startswith("... and "):
            new = problem not in told
            told.add(problem)
        if new:
            yield problem


def _fit(problems: Iterable[str]) -> Iterator[str]:
    return (middle_out(printable(middle_out(problem, 4 * LONGEST))) for problem in problems)
