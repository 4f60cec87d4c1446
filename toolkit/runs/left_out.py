"""What of a data set is not used, said where a user sees it and kept in the run folder."""

import logging

from toolkit.data.base import Dataset
from toolkit.files import write_text
from toolkit.runs.folder import RunFolder

FIRST = 3
"""So many names are said; the file has all."""

_log = logging.getLogger(__name__)


def tell_what_was_left_out(data: Dataset, run: RunFolder) -> None:
    """Warn of folders that are not read and of images that were skipped; the names of these go into a file."""
    for remark in data.remarks:
        _log.warning(remark)
    if not data.skipped:
        return
    write_text(run.skipped_images, "".join(f"{name}\n" for name in data.skipped))
    first = ", ".join(data.skipped[:FIRST]) + (", ..." if len(data.skipped) > FIRST else "")
    count = len(data.skipped)
    _log.warning(f"{count:,} image{'s' * (count > 1)} cannot be decoded: {first} (all in {run.skipped_images})")
