"""The `supernet` command, assembled. Start-up is quick: frameworks load inside the subcommands that need them."""

import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.markup import escape

from toolkit import __version__
from toolkit.cli import (
    app,
    demo,
    evaluation,
    imports,
    indicators,
    latency,
    plan,
    predict,
    priors,
    probe,
    rank,
    recipe,
    sampling,
    search,
    sharing,
    spaces,
    submission,
    sweep,
    table,
    training,
    truths,
    weights,
)
from toolkit.cli.console import console, errors, print_problems
from toolkit.cli.progress import with_verbosity
from toolkit.errors import InputError, Stopped, middle_out, printable
from toolkit.interrupts import explain_interrupt
from toolkit.plugins import PluginWarning

command_line = typer.Typer(
    help="Train a supernet, evaluate every candidate, hand in a checked submission, see why its ranking is wrong.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Begin": (demo.demo, app.app),
    "Spaces and candidates": (spaces.spaces, spaces.cost, latency.latency, spaces.candidates, truths.truth),
    "Train": (
        recipe.recipe,
        training.methods,
        sampling.sampling,
        sharing.sharing,
        training.train,
        training.standalone,
        sweep.sweep,
        sweep.split_test,
    ),
    "Evaluate": (plan.plan, evaluation.evaluate, evaluation.status),
    "Search": (search.search,),
    "Hand in": (submission.submit, submission.check, submission.merge, submission.blend, table.table),
    "Predict": (predict.features, predict.predict),
    "Judge": (rank.rank, rank.budget, priors.prior, probe.probe, indicators.indicator),
    "Weights": (weights.convert, imports.import_, weights.export),
}
"""By the panel of `--help` in which they stand."""

LONG = (
    demo.demo,
    latency.latency,
    training.train,
    training.standalone,
    sweep.sweep,
    sweep.split_test,
    plan.plan,
    evaluation.evaluate,
    search.search,
    rank.rank,
    priors.prior,
    probe.probe,
    imports.import_,
    weights.export,
)
"""Commands that say how far they are."""

for panel, commands in COMMANDS.items():
    for command in commands:
        told = with_verbosity(command) if command in LONG else command
        command_line.command(command.__name__.strip("_").replace("_", "-"), rich_help_panel=panel)(told)


def _version(asked: bool) -> None:
    if asked:
        console.print(f"supernet-toolkit {__version__}")
        raise typer.Exit


@command_line.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Options of the command itself."""


def _show_warning(message: Warning | str, category: type[Warning], *place: Any) -> None:
    """A warning is a line: of a plug-in that cannot be used, or what a library remarks, with the place in its code."""
    where = "" if issubclass(category, PluginWarning) else f" ({category.__name__} at {place[0]}:{place[1]})"
    errors.print(f"[yellow]![/] {escape(printable(middle_out(str(message))) + where)}", soft_wrap=True)


def main() -> None:
    """Run the command. Exit status: 0 done, 1 the input has problems or the user stopped, 2 wrong usage."""
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    try:
        with explain_interrupt():
            command_line()
    except InputError as error:
        print_problems(error.problems)
        sys.exit(1)
    except OSError as error:  # the system refused something in a place where nobody could say more
        print_problems([f"{error.filename or 'the system'}: {error.strerror or error}"])
        sys.exit(1)
    except Stopped as stopped:
        errors.print(f"[yellow]{escape(str(stopped))}[/]", soft_wrap=True)
        sys.exit(1)
