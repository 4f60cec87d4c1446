"""What reading a file of weights may cost: bytes, elements and seconds, in proportion to the file's size.

A few bytes of a hostile pickle can ask for a copy of everything that was read before, as often as they like. So nothing
is copied, multiplied or compared for a file unless it was charged here first.
"""

import time

COPIES = 6
"""How often over, in bytes, the numbers of a file may be given out: one tensor may have several names."""

SPARE = 64 * 2**20
"""Bytes that any file may cost beside that."""

ELEMENTS = 2_000_000
"""Parts of pickles: some 30 for each of 30,000 tensors, and as many for an optimiser. Each may take 100 bytes."""

SECONDS, PACE = 20.0, 4 * 2**20
"""Seconds that any file may take, and bytes for each further second."""

_LOOKS = 4096
"""Charges between two looks at the clock."""


class OverBudget(ValueError):  # noqa: N818 (as in the phrase)
    """The file asks for more than reading it may cost."""


class Budget:
    """Of one file; `opaque` counts, by name, the objects in it that are no weights and were not looked into."""

    def __init__(self, size: int) -> None:
        """For a file of `size` bytes."""
        self._bytes = COPIES * size + SPARE
        self._elements = min(ELEMENTS, 2 * size + 100_000)
        self._until = time.monotonic() + SECONDS + size / PACE
        self._charges = 0
        self.opaque: dict[str, int] = {}

    def charge(self, elements: int = 1, size: int = 0) -> None:
        """Take account of so many elements and bytes before they are made.

        Raises:
            OverBudget: that is more than the file may cost.
        """
        self._elements -= elements
        self._bytes -= size
        self._charges += 1
        if self._elements < 0 or self._bytes < 0:
            raise OverBudget("it asks for far more work or memory than a file of its size needs; nothing was converted")
        if self._charges % _LOOKS == 0 and time.monotonic() > self._until:
            raise OverBudget("it takes far longer to read than a file of its size needs; nothing was converted")
