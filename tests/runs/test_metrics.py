import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer
from tensorboard.summary.writer.event_file_writer import AtomicCounter

from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import MetricLog, read_metrics, rewind_metrics


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """With event files counted from 0: of one second TensorBoard reads the tenth before the ninth."""
    monkeypatch.setattr(event_file_writer, "_global_uid", AtomicCounter(0))
    return RunFolder(tmp_path / "run")


def events(run: RunFolder) -> dict[str, list[tuple[int, float]]]:
    """(step, value) by name, as TensorBoard reads them."""
    accumulator = EventAccumulator(str(run.tensorboard))
    accumulator.Reload()
    return {
        name: [(event.step, event.value) for event in accumulator.Scalars(name)]
        for name in accumulator.Tags()["scalars"]
    }


def lines(run: RunFolder) -> dict[str, list[tuple[int, float]]]:
    """The same out of `metrics.jsonl`, rounded as event files round."""
    found: dict[str, list[tuple[int, float]]] = {}
    for record in read_metrics(run):
        for name, value in record.items():
            if name not in ("step", "epoch"):
                found.setdefault(name, []).append((record["step"], float(np.float32(value))))
    return found


def write(run: RunFolder, *steps: int, **values: float) -> None:
    log = MetricLog(run)
    for step in steps:
        log.write(step, step / 10, **({"loss": 1 / step, "lr": 0.1 * step} | values))
    log.close()


def test_records_are_read_as_written(folder: RunFolder) -> None:
    assert read_metrics(folder) == []
    write(folder, 5, 10)
    assert read_metrics(folder) == [
        {"step": 5, "epoch": 0.5, "loss": 0.2, "lr": 0.5},
        {"step": 10, "epoch": 1.0, "loss": 0.1, "lr": 1.0},
    ]
    assert all(json.loads(line) for line in folder.metrics.read_text().splitlines())


def test_a_line_is_there_as_soon_as_it_is_written(folder: RunFolder) -> None:
    log = MetricLog(folder)
    log.write(1, 0.1, loss=2.0)
    assert read_metrics(folder) == [{"step": 1, "epoch": 0.1, "loss": 2.0}]
    assert events(folder) == {"loss": [(1, 2.0)]}
    log.close()


def test_event_files_hold_the_same(folder: RunFolder) -> None:
    write(folder, 5, 10, top1=0.25)
    assert events(folder) == lines(folder)
    assert set(events(folder)) == {"loss", "lr", "top1"}


def test_what_is_no_number_is_null(folder: RunFolder) -> None:
    write(folder, 1, loss=math.nan, grad_norm=math.inf)
    assert read_metrics(folder) == [{"step": 1, "epoch": 0.1, "loss": None, "lr": 0.1, "grad_norm": None}]
    assert "NaN" not in folder.metrics.read_text()
    assert math.isnan(events(folder)["loss"][0][1])


@pytest.mark.parametrize(
    "tail", [b'{"step": 30, "lo', b'{"step": 30}'[:-1], b"\xff\xfe\0", b"[1, 2]\n", b'"x"\n', b"\n"]
)
def test_a_cut_off_last_line_is_left_out(folder: RunFolder, tail: bytes) -> None:
    write(folder, 10, 20)
    with folder.metrics.open("ab") as file:
        file.write(tail)
    assert [record["step"] for record in read_metrics(folder)] == [10, 20]
    rewind_metrics(folder, 20)
    write(folder, 30)
    assert [record["step"] for record in read_metrics(folder)] == [10, 20, 30]


def test_rewinding_forgets_what_will_be_written_again(folder: RunFolder) -> None:
    rewind_metrics(folder, 0)
    assert not folder.path.exists()
    write(folder, 10, 20, 30, 40)
    rewind_metrics(folder, 20)
    write(folder, 30, loss=7.0)
    assert [(record["step"], record["loss"]) for record in read_metrics(folder)] == [(10, 0.1), (20, 0.05), (30, 7.0)]
    assert events(folder) == lines(folder)
    rewind_metrics(folder, 0)
    write(folder, 10)
    assert events(folder) == lines(folder) == {"loss": [(10, float(np.float32(0.1)))], "lr": [(10, 1.0)]}


def test_a_full_disk(folder: RunFolder) -> None:
    full: Any = Path("/dev/full")
    if not full.is_char_device():
        pytest.skip("this system has no device that is always full")
    folder.path.mkdir()
    folder.metrics.symlink_to(full)
    log = MetricLog(folder)
    with pytest.raises(InputError, match=r"metrics cannot be written .No space left on device.; free some space"):
        log.write(1, 0.1, loss=2.0)


def test_a_place_that_cannot_be_written(folder: RunFolder) -> None:
    folder.path.write_text("in the way")
    with pytest.raises(InputError, match="metrics cannot be written"):
        MetricLog(folder)
    assert folder.path.read_text() == "in the way"
