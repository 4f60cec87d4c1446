"""The `supernet` command, assembled. Start-up is quick: frameworks load inside the subcommands that need them."""

import sys

import typer
from rich.markup import escape

from toolkit.cli import (
    app,
    demo,
    evaluation,
    imports,
    plan,
    predict,
    priors,
    probe,
    rank,
    sampling,
    sharing,
    spaces,
    submission,
    sweep,
    table,
    training,
    weights,
)
from toolkit.cli.console import errors, print_problems
from toolkit.errors import InputError, Stopped
from toolkit.interrupts import explain_interrupt

command_line = typer.Typer(
    help="Train a supernet, evaluate every candidate, hand in a checked submission, see why its ranking is wrong.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for command in (
    demo.demo,
    spaces.spaces,
    training.methods,
    sampling.sampling,
    sharing.sharing,
    spaces.cost,
    spaces.candidates,
    plan.plan,
    training.train,
    training.standalone,
    evaluation.evaluate,
    evaluation.status,
    submission.submit,
    submission.check,
    submission.merge,
    submission.blend,
    table.table,
    predict.features,
    predict.predict,
    priors.prior,
    rank.rank,
    rank.budget,
    sweep.sweep,
    sweep.split_test,
    probe.probe,
    weights.convert,
    weights.export,
    app.app,
):
    command_line.command()(command)
command_line.command("import")(imports.import_run)


def main() -> None:
    """Run the command. Exit status: 0 done, 1 the input has problems or the user stopped, 2 wrong usage."""
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
