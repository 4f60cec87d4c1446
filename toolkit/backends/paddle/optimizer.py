"""SGD over accumulated gradients, averaged over processes: `toolkit.backends.base.Optimizer`."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import paddle
import paddle.distributed as dist
from paddle import Tensor

from toolkit.backends.base import SGD, Weights
from toolkit.backends.paddle.network import PaddleNetwork, parameter_kind


class PaddleOptimizer:
    """Steps over every parameter that received a gradient; unless `move_idle`, others rest (no decay, no momentum).

    The update is written out, for Paddle's `Momentum` would not go on from a state that lacks parameters which no
    path has used yet.
    """

    def __init__(self, network: PaddleNetwork, config: SGD, world: int) -> None:
        self._config, self._world, self._network = config, world, network
        self._parameters: dict[str, Tensor] = dict(network.named_parameters())
        kinds = parameter_kind(network)
        free = {kind for kind, pulled in (("norm", config.decay_norm), ("bias", config.decay_bias)) if not pulled}
        self._decay = {name: 0.0 if kinds[name] in free else config.weight_decay for name in self._parameters}
        self._used: set[str] = set()
        self._momentum: dict[str, Tensor] = {}
        self._average: dict[str, Tensor] = {}
        if config.ema is not None:
            self._average = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}

    @paddle.no_grad()
    def step(self, lr: float) -> Tensor:
        """See `Optimizer`."""
        gradients = {name: p.grad for name, p in self._parameters.items() if p.grad is not None}
        if self._config.move_idle:
            idle = {name: paddle.zeros_like(self._parameters[name]) for name in sorted(self._used - gradients.keys())}
            self._used |= gradients.keys()
            gradients |= idle
        if self._world > 1:
            gradients = _average_over_processes(gradients, self._world)
        norm = paddle.stack([gradient.norm() for gradient in gradients.values()]).norm()
        if self._config.clip_norm is not None:
            factor = (self._config.clip_norm / (norm + 1e-6)).clip(max=1.0)
            gradients = {name: gradient * factor for name, gradient in gradients.items()}
        for name, gradient in gradients.items():
            self._update(name, gradient, lr)
        self._network.clear_gradients(set_to_zero=False)
        if self._config.ema is not None:
            for name, tensor in self._network.state_dict().items():
                self._average[name].lerp_(tensor, 1 - self._config.ema)
        return norm

    def _update(self, name: str, gradient: Tensor, lr: float) -> None:
        parameter, momentum = self._parameters[name], self._config.momentum
        if self._decay[name]:
            gradient = gradient + self._decay[name] * parameter
        if momentum:
            known = name in self._momentum
            self._momentum[name] = momentum * self._momentum[name] + gradient if known else gradient.clone()
            gradient = gradient + momentum * self._momentum[name] if self._config.nesterov else self._momentum[name]
        parameter.subtract_(lr * gradient)

    def state(self) -> Weights:
        """See `Optimizer`."""
        buffers = {f"momentum.{name}": tensor for name, tensor in self._momentum.items()}
        buffers |= {f"ema.{name}": tensor for name, tensor in self._average.items()}
        return {name: tensor.numpy() for name, tensor in buffers.items()}

    def load_state(self, state: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """See `Optimizer`."""
        for name, parameter in self._parameters.items():
            if (buffer := state.get(f"momentum.{name}")) is not None:
                self._momentum[name] = paddle.to_tensor(buffer, parameter.dtype)
                self._used.add(name)
        for name, tensor in self._average.items():
            if (average := state.get(f"ema.{name}")) is not None:
                tensor.set_value(paddle.to_tensor(average, tensor.dtype))

    def averaged(self) -> Weights | None:
        """See `Optimizer`."""
        if self._config.ema is None:
            return None
        return {name: tensor.numpy() for name, tensor in self._average.items()}


def _average_over_processes(gradients: dict[str, Tensor], world: int) -> dict[str, Tensor]:
    """One all-reduce for all gradients. Every process drew the same paths, so every one holds the same names."""
    flat = paddle.concat([gradient.flatten() for gradient in gradients.values()])
    dist.all_reduce(flat)
    parts = (flat / world).split([gradient.size for gradient in gradients.values()])
    return {name: part.reshape(gradient.shape) for (name, gradient), part in zip(gradients.items(), parts, strict=True)}
