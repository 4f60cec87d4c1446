"""Keep large activations in the process instead of mapping them anew on every call."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_memory() -> None:
    """Tell glibc's malloc not to map and unmap big blocks; does nothing elsewhere.

    Activations of tens of megabytes otherwise cost page faults on every forward pass, which is a third to a half of the
    time on a CPU. The price: memory once used is not given back to the system until the process ends.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 256 << 20)
