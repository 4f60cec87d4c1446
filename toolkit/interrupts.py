"""Ctrl-C at a safe point: finish what is in hand, keep it, then stop."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class StopRequest:
    """Set once the user pressed Ctrl-C; the loop looks at it where stopping loses nothing."""

    def __init__(self) -> None:
        self.requested = False


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[StopRequest]:
    """Within this context the first Ctrl-C (or SIGTERM) only asks to stop; the second interrupts at once.

    Outside the main thread signals cannot be caught, and everything stays as it was.
    """
    request = StopRequest()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        if request.requested:
            raise KeyboardInterrupt
        request.requested = True

    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
