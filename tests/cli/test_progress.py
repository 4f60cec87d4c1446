"""How far a command is: lines in a file, one line per bar on any terminal, and nothing where nothing is asked for."""

import io

import pytest
from rich.console import Console

from tests.command import supernet
from toolkit.cli import progress
from toolkit.cli.progress import Lines, bars


class Clock:
    """A clock that the test winds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(steps: list[tuple[float, int]], total: int, notes: dict[int, str] = {}, **options: bool) -> list[str]:  # noqa: B006
    """What is said, without the time of day, of a thing that has done so much at such times."""
    out, clock = io.StringIO(), Clock()
    reporter = Lines(Console(file=out, width=40), clock=clock, **options)
    for seconds, done in steps:
        clock.now = 100 + seconds
        if done in notes:
            reporter.note(notes[done])
        reporter("training", done, total)
    return [line[20:] for line in out.getvalue().splitlines()]


def test_a_line_at_each_tenth_with_rate_and_time_left() -> None:
    found = lines([(2.0 * done, done) for done in range(101)], 100)
    assert found[0] == "training 0/100 (0%)"
    assert found[1] == "training 10/100 (10%), 0.5/s, 0:03:00 left"
    assert found[-1] == "training 100/100 (100%), 0.5/s, 0:03:20 in all"
    assert len(found) == 11


def test_a_line_every_minute_however_slow() -> None:
    found = lines([(30.0 * done, done) for done in range(9)], 1000)
    assert [line.split()[1] for line in found] == ["0/1,000", "2/1,000", "4/1,000", "6/1,000", "8/1,000"]


def test_a_line_at_each_epoch_with_its_words() -> None:
    notes = {done: f"epoch {done / 4:.1f}, loss 1.00" for done in range(1, 21)}
    found = lines([(2.0 * done, done) for done in range(21)], 2000, notes)
    assert [line.partition("; ")[2] for line in found[1:]] == [f"epoch {epoch}.0, loss 1.00" for epoch in range(1, 6)]


def test_no_two_lines_within_a_second_but_the_last() -> None:
    found = lines([(0.01 * done, done) for done in range(101)], 100)
    assert [line.split()[1] for line in found] == ["0/100", "100/100"]
    assert len(lines([(0.01 * done, done) for done in range(101)], 100, verbose=True)) == 101


def test_a_message_stays_whole_in_a_narrow_file() -> None:
    out = io.StringIO()
    Lines(Console(file=out, width=20)).say("a [path] that is rather long and has no end in sight")
    (line,) = out.getvalue().splitlines()
    assert line.endswith("a [path] that is rather long and has no end in sight")


@pytest.mark.parametrize("width", [30, 50, 80, 100, 200])
def test_a_bar_is_one_line_on_any_terminal(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with bars(console) as shown:
        shown("training step 3 of 4", 5, 10_000)
        shown.note("epoch 12.0, loss 2.345, top-1: largest 12.3%, smallest 4.5%")
        rendered = console.render_lines(shown._progress.make_tasks_table(shown._progress.tasks), pad=False)
    assert len(rendered) == 1
    assert sum(segment.cell_length for segment in rendered[0]) <= width


def test_bars_that_nobody_moved_print_nothing() -> None:
    console = Console(file=io.StringIO(), force_terminal=True)
    with bars(console):
        pass
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]


@pytest.fixture
def _normal() -> object:
    yield
    progress.set_level("normal")


@pytest.mark.usefixtures("_normal")
def test_quiet_and_verbose(tmp_path: object) -> None:
    changes = ("training.epochs=1", "training.warmup_epochs=0", "data.calibration=1300", "training.batch_size=32")
    changes += ("space=resnet48-mini", "data.source=digits")
    small = ("train", "demo", *(part for change in changes for part in ("--set", change)))
    plain = supernet(*small, "--out", f"{tmp_path}/plain")
    quiet = supernet(*small, "--out", f"{tmp_path}/quiet", "--quiet")
    verbose = supernet(*small, "--out", f"{tmp_path}/verbose", "-v")
    assert "training" in plain.err
    assert "epoch 1.0, loss" in plain.err
    assert quiet.err == ""
    assert quiet.out.startswith("Trained: ")
    assert len(verbose.err.splitlines()) == 3, "a line for each step"
    assert supernet(*small, "-q", "-v").status == 2
