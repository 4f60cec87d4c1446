"""Deep-learning frameworks behind one seam (`base.py`), each loaded only when asked for."""

import os
from functools import lru_cache

from toolkit.backends.base import Backend, Precision
from toolkit.backends.precision import Chosen, faster
from toolkit.errors import InputError
from toolkit.names import did_you_mean

BACKENDS = ("torch", "paddle")

_LAUNCHERS = {
    "torch": ("torchrun", "WORLD_SIZE"),
    "paddle": ("python -m paddle.distributed.launch", "PADDLE_TRAINERS_NUM"),
}
"""What starts the processes of a data-parallel run, and where it tells them how many they are."""


def get_backend(
    name: str = "torch", device: str = "auto", precision: Chosen = "fp32", threads: int | None = None
) -> Backend:
    """The backend called `name` on `device` ("auto" takes a GPU if there is one).

    `precision` "auto" is the faster of fp32 and bf16 here; `settled` tells which. `threads` limits the CPU threads of
    this process; by default the framework decides.

    Raises:
        InputError: unknown backend, one that is not installed, a device that this machine lacks, or a precision that it
            lacks; or the process was started by the other framework's launcher.
    """
    if name not in BACKENDS:
        raise InputError(f"unknown backend {name!r}{did_you_mean(name, BACKENDS)}")
    _check_launcher(name)
    precision = settled(name, device, precision, threads)
    if name == "torch":
        from toolkit.backends.torch.backend import TorchBackend

        return TorchBackend(device, precision, threads)
    try:
        from toolkit.backends.paddle.backend import PaddleBackend
    except ImportError as error:
        raise InputError(
            f"backend paddle: PaddlePaddle is not installed here ({error}); "
            "pip install 'supernet-toolkit[paddle]', or choose backend torch"
        ) from error
    return PaddleBackend(device, precision, threads)


def settled(name: str, device: str, precision: Chosen, threads: int | None) -> Precision:
    """The precision itself; of "auto" the faster one, measured once a process (`faster`).

    Raises:
        InputError: as `get_backend` does.
    """
    return _faster(name, device, threads) if precision == "auto" else precision


@lru_cache
def _faster(name: str, device: str, threads: int | None) -> Precision:
    return faster(lambda precision: get_backend(name, device, precision, threads))


def _check_launcher(name: str) -> None:
    """Processes that do not know of each other would write one run.

    Raises:
        InputError: the other framework's launcher started this one.
    """
    processes = {each: int(os.environ.get(variable, "1")) for each, (_, variable) in _LAUNCHERS.items()}
    if processes[name] == 1 and max(processes.values()) > 1:
        raise InputError(
            f"backend {name}: the launcher of another framework started this process; start it with: "
            f"{_LAUNCHERS[name][0]}"
        )
