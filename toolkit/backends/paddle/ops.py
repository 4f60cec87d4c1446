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

from toolkit.backends.base import Weights
from toolkit.backends.ops import Axis
from toolkit.backends.weights import check_weights


class PaddleOps:
    """On Paddle's own device, in the process group if there is one."""

    def place(self, array: npt.NDArray[Any]) -> Tensor:
        """See `Ops`."""
        return paddle.to_tensor(array)

    def numpy(self, tensor: Tensor) -> npt.NDArray[Any]:
        """See `Ops`."""
        tensor = tensor.detach()
        return np.array((tensor.astype("float32") if tensor.dtype == paddle.bfloat16 else tensor).numpy())

    def detach(self, tensor: Tensor) -> Tensor:
        """See `Ops`."""
        return tensor.detach()

    def constant(self) -> AbstractContextManager[object]:
        """See `Ops`."""
        return cast(AbstractContextManager[object], paddle.no_grad())

    def backward(self, loss: Tensor) -> None:
        """See `Ops`."""
        loss.backward()

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
        return paddle.where(condition, x, y)

    def maximum(self, x: Tensor, least: float) -> Tensor:
        """See `Ops`."""
        return x.clip(min=least)

    def minimum(self, x: Tensor, most: float) -> Tensor:
        """See `Ops`."""
        return x.clip(max=most)

    def sum(self, x: Tensor, axis: Axis = None) -> Tensor:
        """See `Ops`."""
        return x.sum(axis)

    def mean(self, x: Tensor, axis: Axis = None) -> Tensor:
        """See `Ops`."""
        return x.mean(axis)

    def softmax(self, x: Tensor) -> Tensor:
        """See `Ops`."""
        return F.softmax(x.astype("float32"))

    def log_softmax(self, x: Tensor) -> Tensor:
        """See `Ops`."""
        return F.log_softmax(x.astype("float32"))

    def normalise(self, x: Tensor) -> Tensor:
        """See `Ops`."""
        return F.normalize(x, axis=-1)

    def concatenate(self, tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
        """See `Ops`."""
        return paddle.concat(list(tensors), axis)

    def cross_entropy(self, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        """See `Ops`."""
        soft = labels.ndim == 2
        return F.cross_entropy(logits.astype("float32"), labels, soft_label=soft, label_smoothing=smoothing)

    def soft_cross_entropy(self, logits: Tensor, probabilities: Tensor) -> Tensor:
        """See `Ops`."""
        return F.cross_entropy(logits.astype("float32"), probabilities, soft_label=True)

    def average(self, value: Tensor) -> float:
        """See `Ops`."""
        if dist.get_world_size() == 1:
            return float(value)
        total = value.detach().clone()
        dist.all_reduce(total)
        return float(total) / dist.get_world_size()

    def averages(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Ops`."""
        if dist.get_world_size() == 1:
            return dict(values)
        numbers = [paddle.to_tensor(value, "float64").detach().reshape([]) for value in values.values()]
        together = paddle.stack(numbers)
        dist.all_reduce(together)
        return dict(zip(values, together / dist.get_world_size(), strict=True))

    def gather(self, x: Tensor) -> Tensor:
        """See `Ops`."""
        x = x.detach()
        if dist.get_world_size() == 1:
            return x
        parts: list[Tensor] = []
        dist.all_gather(parts, x)
        return paddle.concat(parts)


class PaddleParameters:
    """Named tensors to train: `toolkit.backends.ops.Parameters`."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], dtype: str) -> None:
        self.tensors = {
            name: paddle.to_tensor(array, dtype, stop_gradient=False)  # type: ignore[arg-type]
            for name, array in arrays.items()
        }

    @paddle.no_grad()
    def follow(self, leader: "PaddleParameters", decay: float) -> None:
        """See `Parameters`."""
        for name, tensor in self.tensors.items():
            tensor.lerp_(leader.tensors[name], 1 - decay)

    def gradients(self, *, keep: bool = False) -> dict[str, Tensor]:
        """See `Parameters`."""
        found = {name: tensor.grad.clone() for name, tensor in self.tensors.items() if tensor.grad is not None}
        if not keep:
            for tensor in self.tensors.values():
                tensor.clear_gradient(False)
        return found

    def weights(self) -> Weights:
        """See `Parameters`."""
        return {name: np.array(tensor.numpy()) for name, tensor in self.tensors.items()}

    def load_weights(self, weights: Mapping[str, npt.NDArray[np.float32]], *, copy: bool = True) -> None:  # noqa: ARG002
        """See `Parameters`."""
        check_weights(self, weights)
        for name, tensor in self.tensors.items():
            tensor.set_value(paddle.to_tensor(weights[name], tensor.dtype))
