"""Deep-learning frameworks behind one seam (`base.py`), each loaded only when asked for."""

from typing import Literal

from toolkit.backends.base import Backend, Precision
from toolkit.errors import InputError

BACKENDS = ("torch",)
Device = Literal["auto", "cpu", "cuda"]


def get_backend(name: str = "torch", device: str = "auto", precision: Precision = "fp32") -> Backend:
    """The backend called `name` on `device` ("auto" takes a GPU if there is one).

    Raises:
        InputError: unknown backend, or a device that this machine lacks.
    """
    if name == "torch":
        from toolkit.backends.torch.backend import TorchBackend

        return TorchBackend(device, precision)
    raise InputError(f"unknown backend {name!r}; there is: {', '.join(BACKENDS)}")
