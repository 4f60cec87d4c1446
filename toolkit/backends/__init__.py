"""Deep-learning frameworks behind one seam (`base.py`), each loaded only when asked for."""

from toolkit.backends.base import Backend, Precision
from toolkit.errors import InputError
from toolkit.names import did_you_mean

BACKENDS = ("torch",)


def get_backend(
    name: str = "torch", device: str = "auto", precision: Precision = "fp32", threads: int | None = None
) -> Backend:
    """The backend called `name` on `device` ("auto" takes a GPU if there is one).

    `threads` limits the CPU threads of this process; by default the framework decides.

    Raises:
        InputError: unknown backend, or a device that this machine lacks.
    """
    if name == "torch":
        from toolkit.backends.torch.backend import TorchBackend

        return TorchBackend(device, precision, threads)
    raise InputError(f"unknown backend {name!r}{did_you_mean(name, BACKENDS)}")
