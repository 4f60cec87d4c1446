"""SGD and Adam over accumulated gradients, averaged over processes: `toolkit.backends.base.Optimizer`.

Updates are written out, for Paddle's own optimisers would not go on from a state that lacks parameters which no path
has used yet.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import paddle
import paddle.distributed as dist
from paddle import Tensor
from typing_extensions import override

from toolkit.backends.base import SGD, Adam, Decay, Optimizer, Trainable, Weights
from toolkit.backends.paddle.network import PaddleNetwork, parameter_kind
from toolkit.backends.paddle.ops import PaddleParameters


class _Optimizer(Optimizer, ABC):
    """Steps over every parameter that received a gradient. What is kept of a parameter stands in `_kept`."""

    def __init__(self, trained: Trainable | Mapping[str, Trainable], config: Decay, world: int) -> None:
        self._world, self._clip_norm = world, config.clip_norm
        free = {kind for kind, pulled in (("norm", config.decay_norm), ("bias", config.decay_bias)) if not pulled}
        self._parameters: dict[str, Tensor] = {}
        self._decay: dict[str, float] = {}
        for name, tensor, kind in _parameters(trained):
            self._parameters[name] = tensor
            self._decay[name] = 0.0 if kind in free else config.weight_decay
        self._kept: dict[str, dict[str, Tensor]] = {}

    @override
    @paddle.no_grad()
    def step(self, lr: float, parts: int = 1) -> Tensor:
        gradients = self._gradients()
        if parts > 1:
            gradients = {name: gradient / parts for name, gradient in gradients.items()}
        if self._world > 1:
            gradients = _average_over_processes(gradients, self._world)
        norms = [gradient.norm() for gradient in gradients.values()]
        norm = paddle.stack(norms).norm() if norms else paddle.zeros([])
        if self._clip_norm is not None:
            factor = (self._clip_norm / (norm + 1e-6)).clip(max=1.0)
            gradients = {name: gradient * factor for name, gradient in gradients.items()}
        for name, gradient in gradients.items():
            self._update(name, gradient, lr)
        for parameter in self._parameters.values():
            parameter.clear_gradient(False)
        return norm

    def _gradients(self) -> dict[str, Tensor]:
        return {name: p.grad for name, p in self._parameters.items() if p.grad is not None}

    @abstractmethod
    def _update(self, name: str, gradient: Tensor, lr: float) -> None:
        """Move one parameter."""

    @override
    def state(self) -> Weights:
        return {
            f"{what}.{name}": np.array(tensor.numpy())
            for what, tensors in self._kept.items()
            for name, tensor in tensors.items()
        }

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[np.float32]]) -> None:
        for what, tensors in self._kept.items():
            for name, parameter in self._parameters.items():
                if (kept := state.get(f"{what}.{name}")) is not None:
                    tensors[name] = paddle.to_tensor(kept, parameter.dtype)


class PaddleSGD(_Optimizer):
    """Unless `move_idle`, parameters without a gradient rest (no decay, no momentum)."""

    def __init__(self, trained: Trainable | Mapping[str, Trainable], config: SGD, world: int) -> None:
        super().__init__(trained, config, world)
        self._config = config
        self._used: set[str] = set()
        self._kept = {"momentum": {}}

    def _gradients(self) -> dict[str, Tensor]:
        gradients = super()._gradients()
        if self._config.move_idle:
            idle = {name: paddle.zeros_like(self._parameters[name]) for name in sorted(self._used - gradients.keys())}
            self._used |= gradients.keys()
            gradients |= idle
        return gradients

    def _update(self, name: str, gradient: Tensor, lr: float) -> None:
        parameter, momentum, buffers = self._parameters[name], self._config.momentum, self._kept["momentum"]
        if self._decay[name]:
            gradient = gradient + self._decay[name] * parameter
        if momentum:
            buffers[name] = momentum * buffers[name] + gradient if name in buffers else gradient.clone()
            gradient = gradient + momentum * buffers[name] if self._config.nesterov else buffers[name]
        parameter.subtract_(lr * gradient)

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[np.float32]]) -> None:
        super().load_state(state)
        self._used |= self._kept["momentum"].keys()


class PaddleAdam(_Optimizer):
    """Parameters without a gradient rest, and so do their moments."""

    def __init__(self, trained: Trainable | Mapping[str, Trainable], config: Adam, world: int) -> None:
        super().__init__(trained, config, world)
        self._config = config
        self._kept = {"mean": {}, "square": {}, "steps": {}}

    def _update(self, name: str, gradient: Tensor, lr: float) -> None:
        config, parameter, decay = self._config, self._parameters[name], self._decay[name]
        if decay and config.decoupled:
            parameter.scale_(1 - lr * decay)
        elif decay:
            gradient = gradient + decay * parameter
        mean, square, steps = (self._kept[what] for what in ("mean", "square", "steps"))
        if name not in mean:
            mean[name], square[name] = paddle.zeros_like(parameter), paddle.zeros_like(parameter)
            steps[name] = paddle.zeros([], parameter.dtype)
        mean[name] = paddle.lerp(mean[name], gradient, 1 - config.beta1)
        square[name] = config.beta2 * square[name] + (1 - config.beta2) * gradient * gradient
        steps[name] = steps[name] + 1
        taken = float(steps[name])
        size = lr / (1 - config.beta1**taken)
        spread = square[name].sqrt() / (1 - config.beta2**taken) ** 0.5 + config.eps
        parameter.subtract_(size * mean[name] / spread)


def _parameters(trained: Any, prefix: str = "") -> list[tuple[str, Tensor, str]]:
    """Name, tensor and kind, for the rules of weight decay, of all that is trained."""
    if isinstance(trained, PaddleNetwork):
        kinds = parameter_kind(trained)
        return [(prefix + name, tensor, kinds[name]) for name, tensor in trained.named_parameters()]
    if isinstance(trained, PaddleParameters):
        named = trained.tensors.items()
        return [(prefix + name, tensor, "bias" if name.endswith("bias") else "weight") for name, tensor in named]
    if isinstance(trained, Mapping):
        return [each for name, part in trained.items() for each in _parameters(part, f"{prefix}{name}.")]
    raise TypeError("a paddle optimiser needs paddle networks or parameters")


def _average_over_processes(gradients: dict[str, Tensor], world: int) -> dict[str, Tensor]:
    """One all-reduce for all gradients. Every process drew the same paths, so every one holds the same names."""
    flat = paddle.concat([gradient.flatten() for gradient in gradients.values()])
    dist.all_reduce(flat)
    parts = (flat / world).split([gradient.size for gradient in gradients.values()])
    return {name: part.reshape(gradient.shape) for (name, gradient), part in zip(gradients.items(), parts, strict=True)}
