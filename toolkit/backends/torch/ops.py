"""Arithmetic on PyTorch's tensors: `toolkit.backends.ops.Ops`, and parameters that are no network."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from typing_extensions import override

from toolkit.backends.base import Weights
from toolkit.backends.ops import Axis, Ops, Parameters
from toolkit.backends.weights import check_weights


class TorchOps(Ops):
    """On one device, in the process group if there is one."""

    def __init__(self, device: str) -> None:
        self._device = device

    @override
    def place(self, array: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    @override
    def numpy(self, tensor: Tensor) -> npt.NDArray[Any]:
        tensor = tensor.detach().cpu()
        array: npt.NDArray[Any] = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
        return array.copy("K")

    @override
    def single(self, x: Tensor) -> Tensor:
        return x if x.dtype == torch.float64 else x.float()

    @override
    def detach(self, tensor: Tensor) -> Tensor:
        return tensor.detach()

    @override
    def constant(self) -> AbstractContextManager[object]:
        return torch.no_grad()

    @override
    def backward(self, loss: Tensor) -> None:
        if loss.requires_grad:
            torch.autograd.backward(loss)

    @override
    def exp(self, x: Tensor) -> Tensor:
        return x.exp()

    @override
    def log(self, x: Tensor) -> Tensor:
        return x.log()

    @override
    def sign(self, x: Tensor) -> Tensor:
        return x.sign()

    @override
    def tanh(self, x: Tensor) -> Tensor:
        return x.tanh()

    @override
    def where(self, condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return torch.where(condition, x, y)

    @override
    def maximum(self, x: Tensor, least: float) -> Tensor:
        return x.clamp(min=least)

    @override
    def minimum(self, x: Tensor, most: float) -> Tensor:
        return x.clamp(max=most)

    @override
    def sum(self, x: Tensor, axis: Axis = None) -> Tensor:
        return x.sum() if axis is None else x.sum(axis)

    @override
    def mean(self, x: Tensor, axis: Axis = None) -> Tensor:
        return x.mean() if axis is None else x.mean(axis)

    @override
    def softmax(self, x: Tensor) -> Tensor:
        return x.float().softmax(-1)

    @override
    def log_softmax(self, x: Tensor) -> Tensor:
        return x.float().log_softmax(-1)

    @override
    def normalise(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=-1)

    @override
    def concatenate(self, tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
        return torch.cat(list(tensors), axis)

    @override
    def transpose(self, x: Tensor) -> Tensor:
        return x.transpose(-1, -2)

    @override
    def cross_entropy(self, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        return F.cross_entropy(logits.float(), labels, label_smoothing=smoothing)

    @override
    def soft_cross_entropy(self, logits: Tensor, probabilities: Tensor) -> Tensor:
        return F.cross_entropy(logits.float(), probabilities.detach())

    @override
    def average(self, value: Tensor) -> float:
        if not dist.is_initialized():
            return float(value)
        total = value.detach().clone()
        dist.all_reduce(total)
        return float(total) / dist.get_world_size()

    @override
    def averages(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if not dist.is_initialized():
            return dict(values)
        numbers = [torch.as_tensor(value, dtype=torch.float64, device=self._device) for value in values.values()]
        together = torch.stack(numbers).detach()
        dist.all_reduce(together)
        return dict(zip(values, together / dist.get_world_size(), strict=True))

    @override
    def gather(self, x: Tensor) -> Tensor:
        x = x.detach()
        if not dist.is_initialized():
            return x
        parts = [torch.empty_like(x) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts)


class TorchParameters(Parameters):
    """Named tensors to train: `toolkit.backends.ops.Parameters`."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], device: str, dtype: torch.dtype) -> None:
        self.tensors: Mapping[str, Tensor] = {
            name: torch.nn.Parameter(torch.from_numpy(np.array(array)).to(device, dtype))
            for name, array in arrays.items()
        }

    @override
    def follow(self, leader: "TorchParameters", decay: float) -> None:
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                tensor.lerp_(leader.tensors[name], 1 - decay)

    @override
    def gradients(self, *, keep: bool = False) -> dict[str, Tensor]:
        found = {name: tensor.grad for name, tensor in self.tensors.items() if tensor.grad is not None}
        if not keep:
            for tensor in self.tensors.values():
                tensor.grad = None
        return found

    @override
    def weights(self) -> Weights:
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.tensors.items()}

    @override
    def load_weights(self, weights: Mapping[str, npt.NDArray[np.float32]], *, copy: bool = True) -> None:
        check_weights(self, weights)
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                tensor.copy_(torch.from_numpy(np.array(weights[name])))
