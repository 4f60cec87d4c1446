"""What training measures: one JSON object a line in the run folder, and the same as TensorBoard event files.

Trackers that the recipe names are told too: `toolkit/runs/trackers.py`.
"""

import contextlib
import json
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from toolkit.errors import InputError
from toolkit.files import parse_json, read_bytes, write_text
from toolkit.runs.folder import RunFolder
from toolkit.runs.trackers import Trackers

if TYPE_CHECKING:
    from tensorboard.summary.writer.event_file_writer import EventFileWriter


class MetricLog:
    """Appends records to a run; every line is complete as soon as it is written.

    A record has `step` (optimiser steps done) and `epoch` (a float: 1.5 is the middle of the second); all others are
    numbers, such as `loss`, `lr`, `grad_norm`, `images_per_second`.

    Raises:
        InputError: a file cannot be written, or the disk is full; so does every method. A tracker cannot begin.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        with _explained(run):
            run.path.mkdir(parents=True, exist_ok=True)
            self._file = run.metrics.open("a", encoding="utf-8")
            self._events = _open_events(run)
        self._trackers = Trackers(run)

    def write(self, step: int, epoch: float, **values: float) -> None:
        """Add one record. NaN is written as null, for JSON has none."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        record = {"step": step, "epoch": round(epoch, 4)} | {
            name: value if math.isfinite(value) else None for name, value in values.items()
        }
        scalars = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
        with _explained(self._run):
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()
            self._events.add_event(Event(wall_time=time.time(), step=step, summary=scalars))
            self._events.flush()
        self._trackers.write(step, {"epoch": epoch, **values})

    def close(self) -> None:
        """Close both files, and end what trackers were told."""
        self._trackers.close()
        with _explained(self._run):
            self._file.close()
            self._events.close()


def read_metrics(run: RunFolder) -> list[dict[str, Any]]:
    """All records of a run, oldest first; empty before training.

    Lines that are cut off, or not ours, are left out, and of others all values that are no number, text or null.
    """
    if not run.metrics.is_file():
        return []
    records = []
    for line in read_bytes(run.metrics).decode(errors="replace").splitlines():
        with contextlib.suppress(InputError):
            record = parse_json(run.metrics, line)
            if isinstance(record, dict) and type(record.get("step")) is int and _is_plain(record["step"]):
                records.append({name: value for name, value in record.items() if _is_plain(value)})
    return records


def _is_plain(value: object) -> bool:
    """Whether a record may hold it: a number, text or null. What is nested is not even written anew."""
    return value is None or isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 2**63)


def rewind_metrics(run: RunFolder, step: int) -> None:
    """Forget records after `step`, which a resumed run will write again."""
    if not run.metrics.is_file():
        return
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    kept = [json.dumps(record) + "\n" for record in read_metrics(run) if record["step"] <= step]
    write_text(run.metrics, "".join(kept))
    with _explained(run):
        events = _open_events(run)
        # Event files only grow; this is how they say that what they hold from here on is void.
        restart = SessionLog(status=SessionLog.START)
        events.add_event(Event(wall_time=time.time(), step=step + 1, session_log=restart))
        events.close()


def _open_events(run: RunFolder) -> "EventFileWriter":
    from tensorboard.summary.writer.event_file_writer import EventFileWriter  # slow, and only training needs it

    return EventFileWriter(str(run.tensorboard))


@contextlib.contextmanager
def _explained(run: RunFolder) -> Iterator[None]:
    """Tell in words that the metrics cannot be written."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{run.path}: metrics cannot be written ({error.strerror or error}); free some space, then go on with: "
            f"supernet train --resume --out {run.whole}"
        ) from error
