"""What training measures: one JSON object a line in the run folder, and the same as TensorBoard event files."""

import json
from typing import Any

from toolkit.files import write_text
from toolkit.training.run import RunFolder


class MetricLog:
    """Appends records to a run; every line is complete as soon as it is written.

    A record has `step` (optimiser steps done) and `epoch` (a float: 1.5 is the middle of the second); all others are
    numbers, such as `loss`, `lr`, `grad_norm`, `images_per_second`.
    """

    def __init__(self, run: RunFolder) -> None:
        from tensorboard.summary import Writer  # half a second, and only training needs it

        run.path.mkdir(parents=True, exist_ok=True)
        self._file = run.metrics.open("a", encoding="utf-8")
        self._events = Writer(str(run.tensorboard))

    def write(self, step: int, epoch: float, **values: float) -> None:
        """Add one record. NaN is written as null, for JSON has none."""
        record = {"step": step, "epoch": round(epoch, 4)} | {
            name: value if value == value and abs(value) != float("inf") else None for name, value in values.items()
        }
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()
        for name, value in values.items():
            self._events.add_scalar(name, value, step)
        self._events.flush()

    def close(self) -> None:
        """Close both files."""
        self._file.close()
        self._events.close()


def read_metrics(run: RunFolder) -> list[dict[str, Any]]:
    """All records of a run, oldest first; empty before training. A line cut off by a crash is left out."""
    if not run.metrics.is_file():
        return []
    records = []
    for line in run.metrics.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get("step"), int):
            records.append(record)
    return records


def rewind_metrics(run: RunFolder, step: int) -> None:
    """Forget records after `step`, which a resumed run will write again."""
    if run.metrics.is_file():
        kept = [json.dumps(record) + "\n" for record in read_metrics(run) if record["step"] <= step]
        write_text(run.metrics, "".join(kept))
