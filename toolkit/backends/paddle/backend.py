"""PaddlePaddle on a device, in a process group: `toolkit.backends.base.Backend`."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import numpy.typing as npt
import paddle
import paddle.distributed as dist
from paddle import Tensor
from paddle.base import core
from typing_extensions import override

from toolkit.backends.allocator import keep_memory
from toolkit.backends.base import SGD, Adam, Backend, Precision, Trainable
from toolkit.backends.ops import Ops
from toolkit.backends.paddle.network import PaddleNetwork
from toolkit.backends.paddle.norms import Norm, SynchronisedTraining, Training
from toolkit.backends.paddle.ops import PaddleOps, PaddleParameters
from toolkit.backends.paddle.optimizer import PaddleAdam, PaddleSGD
from toolkit.backends.weights import initialise
from toolkit.errors import InputError
from toolkit.spaces import Plans, SearchSpace


class PaddleBackend(Backend):
    """Chooses the device, joins the process group that `paddle.distributed.launch` announces, and makes networks."""

    name = "paddle"
    out_of_memory: type[Exception] = MemoryError

    def __init__(self, device: str = "auto", precision: Precision = "fp32", threads: int | None = None) -> None:
        self.rank = int(os.environ.get("PADDLE_TRAINER_ID", "0"))
        self.world = int(os.environ.get("PADDLE_TRAINERS_NUM", "1"))
        self.device = _choose(device)
        self._precision = precision
        self.ops: Ops = PaddleOps()
        _set_precision(self.device, precision)
        if threads is not None:
            core.set_num_threads(threads)
        if self.device == "cpu":
            keep_memory()
        if self.world > 1 and not dist.is_initialized():
            dist.init_parallel_env()

    @override
    def network(self, space: SearchSpace, plans: Plans, seed: int) -> PaddleNetwork:
        training: Norm = SynchronisedTraining() if self.world > 1 else Training()
        network = PaddleNetwork(space, plans, self.ops, training, self._autocast)
        initialise(network, plans, seed)
        return network.to(dtype=self._dtype)

    @override
    def parameters(self, arrays: Mapping[str, npt.NDArray[Any]]) -> PaddleParameters:
        return PaddleParameters(arrays, self._dtype)

    @property
    def _dtype(self) -> Literal["float32", "float64"]:
        return "float64" if self._precision == "fp64" else "float32"

    def _autocast(self) -> AbstractContextManager[object]:
        return paddle.amp.auto_cast(dtype="bfloat16") if self._precision == "bf16" else nullcontext()

    @override
    def optimizer(self, trained: Trainable | Mapping[str, Trainable], config: SGD | Adam) -> PaddleSGD | PaddleAdam:
        if isinstance(config, Adam):
            return PaddleAdam(trained, config, self.world)
        return PaddleSGD(trained, config, self.world)

    @override
    def place(self, array: npt.NDArray[Any]) -> Tensor:
        tensor: Tensor = self.ops.place(array)
        return tensor

    @override
    def normalise(self, images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
        shape = (1, -1, 1, 1)
        scale = 1 / (255 * paddle.to_tensor(std, "float32")).reshape(shape)
        offset = (paddle.to_tensor(mean, "float32") / paddle.to_tensor(std, "float32")).reshape(shape)
        return images.astype(self._dtype) * scale.astype(self._dtype) - offset.astype(self._dtype)

    @override
    def synchronise(self) -> None:
        if self.device != "cpu":
            paddle.device.synchronize()

    @override
    def barrier(self) -> None:
        if self.world > 1:
            dist.barrier()


def _choose(device: str) -> str:
    """The device by name, or the best there is, made Paddle's own; each process of a group takes its own GPU."""
    there_is_one = paddle.device.is_compiled_with_cuda() and paddle.device.cuda.device_count() > 0
    if device == "auto":
        device = "cuda" if there_is_one else "cpu"
    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda"):
        raise InputError(f"unknown device {device!r}; there are: auto, cpu, cuda, cuda:N")
    if kind == "cpu":
        paddle.device.set_device("cpu")
        return "cpu"
    if not there_is_one:
        raise InputError(
            "this machine has no CUDA device that Paddle can use; choose device cpu, or install paddlepaddle-gpu"
        )
    number = number or os.environ.get("PADDLE_LOCAL_RANK", "0")
    paddle.device.set_device(f"gpu:{number}")
    return f"cuda:{number}"


def _set_precision(device: str, precision: Precision) -> None:
    """Allow a GPU to round as `precision` says.

    Raises:
        InputError: Paddle cannot compute so on this device.
    """
    if device == "cpu":
        if precision in ("tf32", "bf16"):
            raise InputError(f"precision {precision}: Paddle computes so on a GPU only; choose fp32, or backend torch")
        return
    if precision == "bf16" and not paddle.amp.is_bfloat16_supported():
        raise InputError(f"precision bf16: device {device} cannot compute so; choose fp32")
    for switch in (core.set_cublas_switch, core.set_cudnn_switch):
        switch(precision == "tf32")
