"""The `supernet` command, run in this process as a user would run it."""

import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from unittest.mock import patch

from toolkit.cli.main import main


@dataclass(frozen=True)
class Outcome:
    """Exit status, standard output and standard error of one command."""

    status: int
    out: str
    err: str


def supernet(*arguments: object) -> Outcome:
    """Run `supernet ARGUMENTS`; an exception other than the exit of the command goes through and fails the test."""
    out, err, status = StringIO(), StringIO(), 0
    with patch.object(sys, "argv", ["supernet", *map(str, arguments)]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    return Outcome(status, out.getvalue(), err.getvalue())
