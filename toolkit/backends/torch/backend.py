"""PyTorch on a device, in a process group: `toolkit.backends.base.Backend`."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor
from typing_extensions import override

from toolkit.backends.allocator import keep_memory
from toolkit.backends.base import SGD, Adam, Backend, Precision, Trainable
from toolkit.backends.ops import Ops
from toolkit.backends.torch.check import check_arithmetic
from toolkit.backends.torch.network import TorchNetwork
from toolkit.backends.torch.norms import Norm, SynchronisedTraining, Training
from toolkit.backends.torch.ops import TorchOps, TorchParameters
from toolkit.backends.torch.optimizer import TorchAdam, TorchSGD
from toolkit.backends.weights import initialise
from toolkit.errors import InputError
from toolkit.spaces import Plans, SearchSpace


class TorchBackend(Backend):
    """Chooses the device, joins the process group that `torchrun` announces, and makes networks."""

    name = "torch"
    out_of_memory: type[Exception] = torch.OutOfMemoryError

    def __init__(self, device: str = "auto", precision: Precision = "fp32", threads: int | None = None) -> None:
        self.rank, self.world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        self.device = _choose(device)
        self._precision = precision
        self.ops: Ops = TorchOps(self.device)
        if threads is not None:
            torch.set_num_threads(threads)
        if self.device == "cpu":
            keep_memory()
        fast = precision == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = fast
        torch.backends.cudnn.allow_tf32 = fast
        if self.world > 1 and not dist.is_initialized():
            dist.init_process_group("gloo" if self.device == "cpu" else "nccl")

    @override
    def network(self, space: SearchSpace, plans: Plans, seed: int) -> TorchNetwork:
        training: Norm = SynchronisedTraining() if self.world > 1 else Training()
        network = TorchNetwork(space, plans, self.ops, training, self._autocast)
        initialise(network, plans, seed)
        return network.to(self.device, self._dtype, memory_format=self._memory_format)  # type: ignore[call-overload, no-any-return]

    @override
    def parameters(self, arrays: Mapping[str, npt.NDArray[Any]]) -> TorchParameters:
        return TorchParameters(arrays, self.device, self._dtype)

    @property
    def _dtype(self) -> torch.dtype:
        return torch.float64 if self._precision == "fp64" else torch.float32

    @property
    def _memory_format(self) -> torch.memory_format:
        return torch.channels_last

    def _autocast(self) -> AbstractContextManager[object]:
        if self._precision != "bf16":
            return nullcontext()
        return torch.autocast(self.device.split(":")[0], torch.bfloat16)

    @override
    def optimizer(self, trained: Trainable | Mapping[str, Trainable], config: SGD | Adam) -> TorchSGD | TorchAdam:
        """On a CPU, first make sure that what will be trained is computed correctly.

        Raises:
            InputError: this build of PyTorch computes wrongly on this processor.
        """
        if self.device == "cpu":
            check_arithmetic()
        if isinstance(config, Adam):
            return TorchAdam(trained, config, self.world)
        return TorchSGD(trained, config, self.world)

    @override
    def place(self, array: npt.NDArray[Any]) -> Tensor:
        tensor: Tensor = self.ops.place(array)
        return tensor

    @override
    def normalise(self, images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
        shape = (1, -1, 1, 1)
        scale = 1 / (255 * torch.tensor(std, device=images.device)).view(shape)
        offset = (torch.tensor(mean, device=images.device) / torch.tensor(std, device=images.device)).view(shape)
        return (images.to(self._dtype) * scale - offset).contiguous(memory_format=self._memory_format)

    @override
    def synchronise(self) -> None:
        if self.device != "cpu":
            torch.cuda.synchronize()

    @override
    def barrier(self) -> None:
        if self.world > 1:
            dist.barrier()


def _choose(device: str) -> str:
    """The device by name, or the best there is; each process of a group takes its own GPU."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    kind = device.split(":")[0]
    if kind not in ("cpu", "cuda"):
        raise InputError(f"unknown device {device!r}; there are: auto, cpu, cuda, cuda:N")
    if kind == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        raise InputError("this machine has no CUDA device that torch can use; choose device cpu")
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    torch.cuda.set_device(device)
    return device
