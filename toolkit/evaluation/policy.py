"""Where a candidate's batch-norm statistics come from when it is tested. Recorded with every result."""

import re
from dataclasses import dataclass
from typing import Literal

from toolkit.errors import InputError

DEFAULT_IMAGES = 128


@dataclass(frozen=True, slots=True)
class NormPolicy:
    """`stored`: running statistics as trained. `batch`: those of the test images themselves, chunk by chunk.
    `calibrate`: exact statistics of `images` training images that were kept out of training.
    """

    source: Literal["stored", "batch", "calibrate"]
    images: int = 0

    @classmethod
    def parse(cls, text: str) -> "NormPolicy":
        """`stored`, `batch`, `calibrate` or `calibrate:N`.

        Raises:
            InputError: anything else.
        """
        match = re.fullmatch(r"(stored|batch)|calibrate(?::([1-9][0-9]{0,8}))?", text)
        if not match:
            raise InputError(f"batch-norm policy {text!r}: write stored, batch, calibrate or calibrate:IMAGES")
        if match[1]:
            return cls("stored" if match[1] == "stored" else "batch")
        return cls("calibrate", int(match[2] or DEFAULT_IMAGES))

    def __str__(self) -> str:
        return f"calibrate:{self.images}" if self.source == "calibrate" else self.source
