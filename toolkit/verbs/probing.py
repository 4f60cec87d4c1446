"""Measure where sharing weights hurts."""

from collections.abc import Sequence
from pathlib import Path

from toolkit.data.base import Progress
from toolkit.interference.afterwards import Probed, probe_run
from toolkit.interference.probe import Settings
from toolkit.runs.folder import RunFolder
from toolkit.runs.setup import quiet


def probe(
    run: Path | str,
    checkpoints: Sequence[Path] = (),
    settings: Settings | None = None,
    *,
    progress: Progress = quiet,
) -> Probed:
    """Measure a run at its checkpoints (by default all that are kept), branch by branch, into its interference.parquet.

    Raises:
        InputError: no run, a bad checkpoint, data set or table.
    """
    folder = RunFolder.open(run)
    chosen = list(checkpoints) or list(folder.checkpoints().values()) or [folder.latest_checkpoint()]
    return probe_run(folder, chosen, settings or Settings(), progress)
