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

from toolkit.backends.base import Weights
from toolkit.backends.ops import Axis
from toolkit.backends.weights import check_weights


class TorchOps:
    """On one device, in the process group if there is one."""

    def __init__(self, device: str) -> None:
        self._device = device

    def place(self, array: npt.NDArray[Any]) -> Tensor:
        """See `Ops`."""
        return torch.from_numpy(array).to(self._device)

    def numpy(self, tensor: Tensor) -> npt.NDArray[Any]:
        """See `Ops`."""
        tensor = tensor.detach().cpu()
        array: npt.NDArray[Any] = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
        return array.copy("K")

    def detach(self, tensor: Tensor) -> Tensor:
        """See `Ops`."""
        return tensor.detach()

    def constant(self) -> AbstractContextManager[object]:
        """See `Ops`."""
        return torch.no_grad()

    def backward(self, loss: Tensor) -> None:
        """See `Ops`."""
        torch.autograd.backward(loss)

    def exp(self, x: Tensor) -> Tensor:
        """See `Ops`."""
        return x.exp()

    def log(self, x: Tensor) -> Tensor:
        """See `Ops`."""
        return x.log()

    def sign(self, x: Tensor) -> Tensor:
        """See `Ops`."""
        return x.sign()

    def tanh(self, x: Tensor) -> Tensor:
        """See `Ops`."""
        return x.tanh()

    def where(self, condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """See `Ops`."""
        return torch.where(condition, x, y)

    def maximum(self, x: Tensor, least: float) -> Tensor:
        """See `Ops`."""
        return x.clamp(min=least)

    def minimum(self, x: Tensor, most: float) -> Tensor:
        """See `Ops`."""
        return x.clamp(max=most)

    def sum(self, x: Tensor, axis: Axis = None) -> Tensor:
        """See `Ops`."""
        return x.sum() if axis is None else x.sum(axis)

    def mean(self, x: Tensor, axis: Axis = None) -> Tensor:
        """See `Ops`."""
        return x.mean() if axis is None else x.mean(axis)

    def softmax(self, x: Tensor) -> Tensor:
        """See `Ops`."""
        return x.float().softmax(-1)

    def log_softmax(self, x: Tensor) -> Tensor:
        """See `Ops`."""
        return x.float().log_softmax(-1)

    def normalise(self, x: Tensor) -> Tensor:
        """See `Ops`."""
        return F.normalize(x, dim=-1)

    def concatenate(self, tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
        """See `Ops`."""
        return torch.cat(list(tensors), axis)

    def cross_entropy(self, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        """See `Ops`."""
        return F.cross_entropy(logits.float(), labels, label_smoothing=smoothing)

    def soft_cross_entropy(self, logits: Tensor, probabilities: Tensor) -> Tensor:
        """See `Ops`."""
        return F.cross_entropy(logits.float(), probabilities.detach())

    def average(self, value: Tensor) -> float:
        """See `Ops`."""
        if not dist.is_initialized():
            return float(value)
        total = value.detach().clone()
        dist.all_reduce(total)
        return float(total) / dist.get_world_size()

    def averages(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Ops`."""
        if not dist.is_initialized():
            return dict(values)
        numbers = [torch.as_tensor(value, dtype=torch.float64, device=self._device) for value in values.values()]
        together = torch.stack(numbers).detach()
        dist.all_reduce(together)
        return dict(zip(values, together / dist.get_world_size(), strict=True))

    def gather(self, x: Tensor) -> Tensor:
        """See `Ops`."""
        x = x.detach()
        if not dist.is_initialized():
            return x
        parts = [torch.empty_like(x) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts)


class TorchParameters:
    """Named tensors to train: `toolkit.backends.ops.Parameters`."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], device: str, dtype: torch.dtype) -> None:
        self.tensors = {
            name: torch.nn.Parameter(torch.from_numpy(np.array(array)).to(device, dtype))
            for name, array in arrays.items()
        }

    def follow(self, leader: "TorchParameters", decay: float) -> None:
        """See `Parameters`."""
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                tensor.lerp_(leader.tensors[name], 1 - decay)

    def gradients(self, *, keep: bool = False) -> dict[str, Tensor]:
        """See `Parameters`."""
        found = {name: tensor.grad for name, tensor in self.tensors.items() if tensor.grad is not None}
        if not keep:
            for tensor in self.tensors.values():
                tensor.grad = None
        return found

    def weights(self) -> Weights:
        """See `Parameters`."""
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.tensors.items()}

    def load_weights(self, weights: Mapping[str, npt.NDArray[np.float32]], *, copy: bool = True) -> None:  # noqa: ARG002
        """See `Parameters`."""
        check_weights(self, weights)
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                tensor.copy_(torch.from_numpy(np.array(weights[name])))
