"""Arithmetic on Paddle's tensors: `toolkit.backends.ops.Ops`, and parameters that are no network."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import paddle
import paddle.distributed as dist
import paddle.nn.functional as F  # noqa: N812
from paddle import Tensor
from typing_extensions import override

from toolkit.backends.base import Weights
from toolkit.backends.ops import Axis, Ops, Parameters
from toolkit.backends.weights import check_weights


class PaddleOps(Ops):
    """On Paddle's own device, in the process group if there is one."""

    @override
    def place(self, array: npt.NDArray[Any]) -> Tensor:
        return paddle.to_tensor(array)

    @override
    def numpy(self, tensor: Tensor) -> npt.NDArray[Any]:
        tensor = tensor.detach()
        return np.array((tensor.astype("float32") if tensor.dtype == paddle.bfloat16 else tensor).numpy())

    @override
    def single(self, x: Tensor) -> Tensor:
        return x if x.dtype == paddle.float64 else x.astype("float32")

    @override
    def detach(self, tensor: Tensor) -> Tensor:
        return tensor.detach()

    @override
    def constant(self) -> AbstractContextManager[object]:
        return cast(AbstractContextManager[object], paddle.no_grad())

    @override
    def backward(self, loss: Tensor) -> None:
        if not loss.stop_gradient:
            loss.backward()

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
        return paddle.where(condition, x, y)

    @override
    def maximum(self, x: Tensor, least: float) -> Tensor:
        return x.clip(min=least)

    @override
    def minimum(self, x: Tensor, most: float) -> Tensor:
        return x.clip(max=most)

    @override
    def sum(self, x: Tensor, axis: Axis = None) -> Tensor:
        return x.sum(axis)

    @override
    def mean(self, x: Tensor, axis: Axis = None) -> Tensor:
        return x.mean(axis)

    @override
    def softmax(self, x: Tensor) -> Tensor:
        return F.softmax(x.astype("float32"))

    @override
    def log_softmax(self, x: Tensor) -> Tensor:
        # Paddle's own takes no logit to be more than 64 below the largest, on a CPU.
        x = x.astype("float32")
        x = x - x.max(-1, keepdim=True).detach()
        return x - x.exp().sum(-1, keepdim=True).log()

    @override
    def normalise(self, x: Tensor) -> Tensor:
        return F.normalize(x, axis=-1)

    @override
    def concatenate(self, tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
        return paddle.concat(list(tensors), axis)

    @override
    def transpose(self, x: Tensor) -> Tensor:
        return x.transpose([*range(x.ndim - 2), x.ndim - 1, x.ndim - 2])

    @override
    def cross_entropy(self, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        soft = labels.ndim == 2
        return F.cross_entropy(logits.astype("float32"), labels, soft_label=soft, label_smoothing=smoothing)

    @override
    def soft_cross_entropy(self, logits: Tensor, probabilities: Tensor) -> Tensor:
        return F.cross_entropy(logits.astype("float32"), probabilities, soft_label=True)

    @override
    def average(self, value: Tensor) -> float:
        if dist.get_world_size() == 1:
            return float(value)
        total = value.detach().clone()
        dist.all_reduce(total)
        return float(total) / dist.get_world_size()

    @override
    def averages(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if dist.get_world_size() == 1:
            return dict(values)
        numbers = [paddle.to_tensor(value, "float64").detach().reshape([]) for value in values.values()]
        together = paddle.stack(numbers)
        dist.all_reduce(together)
        return dict(zip(values, together / dist.get_world_size(), strict=True))

    @override
    def gather(self, x: Tensor) -> Tensor:
        x = x.detach()
        if dist.get_world_size() == 1:
            return x
        parts: list[Tensor] = []
        dist.all_gather(parts, x)
        return paddle.concat(parts)


class PaddleParameters(Parameters):
    """Named tensors to train: `toolkit.backends.ops.Parameters`."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], dtype: str) -> None:
        self.tensors: Mapping[str, Tensor] = {
            name: paddle.to_tensor(array, dtype, stop_gradient=False)  # type: ignore[arg-type]
            for name, array in arrays.items()
        }

    @override
    @paddle.no_grad()
    def follow(self, leader: "PaddleParameters", decay: float) -> None:
        for name, tensor in self.tensors.items():
            tensor.lerp_(leader.tensors[name], 1 - decay)

    @override
    def gradients(self, *, keep: bool = False) -> dict[str, Tensor]:
        found = {name: tensor.grad.clone() for name, tensor in self.tensors.items() if tensor.grad is not None}
        if not keep:
            for tensor in self.tensors.values():
                tensor.clear_gradient(False)
        return found

    @override
    def weights(self) -> Weights:
        return {name: np.array(tensor.numpy()) for name, tensor in self.tensors.items()}

    @override
    def load_weights(self, weights: Mapping[str, npt.NDArray[np.float32]], *, copy: bool = True) -> None:
        check_weights(self, weights)
        for name, tensor in self.tensors.items():
            tensor.set_value(paddle.to_tensor(weights[name], tensor.dtype))
