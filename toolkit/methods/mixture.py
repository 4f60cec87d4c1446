"""What methods have in common whose supernet runs as a mixture: weights of operations that learn on held-out images."""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Network, Tensor
from toolkit.errors import InputError
from toolkit.methods.base import Batch, Method, Needs, Options
from toolkit.methods.lab import Lab
from toolkit.spaces import SPACES, Arch, Plans, SearchSpace
from toolkit.spaces.mixtures import Active, Mixable, active, in_words, norms

Floats = npt.NDArray[Any]

Weights = Mapping[int, Tensor]
"""Of the mixtures of a network, by position."""


class MixtureOptions(Options):
    """Options of all of them."""

    held_out: float = Field(0.5, gt=0, lt=1, description="share of the training images for the weights of operations")
    warmup: float = Field(0.0, ge=0, lt=1, description="share of the training in which these weights rest")
    affine: bool = Field(
        False, description="batch norms of mixtures scale and shift, which could take over what weights say"
    )


class MixtureMethod(Method):
    """Trains the supernet as a mixture of operations, and its weights on held-out images.

    Subclasses say what the weights are and how they learn.

    Attributes:
        cells: the positions of all cells, or of a chain's choices.
    """

    draws: ClassVar[bool] = False
    options: MixtureOptions
    space: Mixable

    def __init__(self, space: SearchSpace, options: Options) -> None:
        super().__init__(space, options)
        if not isinstance(space, Mixable):
            able = ", ".join(name for name, each in SPACES.items() if isinstance(each, Mixable))
            raise InputError(
                f"method {self.name}: the supernet of space {space.name}, shared as this recipe says, cannot run as a "
                f"weighted sum of operations; plainly shared, these can: {able}"
            )
        self.cells = tuple(sorted(position for blocks in space.kinds.values() for position in blocks))
        self._frozen: frozenset[str] = frozenset()

    @override
    def needs(self) -> Needs:
        return Needs(held_out=self.options.held_out, whole=True)

    @override
    def begin(self, lab: Lab) -> None:
        self._net = lab.net
        self.parameters = lab.parameters("architecture", {"weights": self.first(lab.generator("architecture"))})
        if not self.options.affine:
            self._wake(lab.net)
            self._frozen = self._freeze(lab.net)

    @override
    def frozen(self) -> frozenset[str] | None:
        """Scales and shifts of batch norms in mixtures; known when it has begun."""
        return self._frozen or None

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        ops = batch.net.ops
        learnt = {} if batch.progress < self.options.warmup else self.learn(batch)
        plans, weights = self.network(ops.detach(self.weights()))  # training images teach the supernet alone
        loss = self.label_loss(batch, batch.net.run(plans, batch.images, weights=weights))
        ops.backward(loss)
        return {"loss": ops.detach(loss), **learnt}

    @override
    def derived(self) -> Arch:
        return self.space.derived(self.strengths())

    @override
    def remark(self, values: Mapping[str, float]) -> str:
        """After an epoch, the operation that the derived candidate has most of: a collapse to skips is to be seen."""
        found = []
        told = [name.split(".", 2)[1:] for name in values if name.startswith("share.")]
        for kind in dict.fromkeys(kind for kind, _ in told):
            shares = {name: values[f"share.{kind}.{name}"] for each, name in told if each == kind}
            most = max(shares, key=shares.__getitem__)
            found.append(f"{in_words(kind)} {shares[most]:.0%} {most}")
        return ", ".join(found)

    @abstractmethod
    def first(self, rng: np.random.Generator) -> Floats:
        """What is learned, as it begins, shape (edges, options)."""

    @abstractmethod
    def weights(self) -> Tensor:
        """Those of the operations, shape (edges, options)."""

    @abstractmethod
    def learn(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the weights, before one of the supernet; returns what to log."""

    def strengths(self) -> Floats:
        """By which a candidate is derived, shape (edges, options)."""
        return np.asarray(self._net.ops.numpy(self.weights()))

    def network(self, weights: Tensor) -> tuple[Plans, Weights]:
        """What the supernet runs, and with which weights: here every cell as a mixture of what has one."""
        return self.space.mixture(self.active(weights)), dict.fromkeys(self.cells, weights)

    def active(self, weights: Tensor) -> Active:
        """The operations that are computed: those whose weight is not exactly 0."""
        return active(self._net.ops.numpy(weights), self.space)

    @property
    def mixtures(self) -> Collection[int]:
        """The positions that run as mixtures."""
        return self.cells

    @property
    def tensor(self) -> Tensor:
        """What is learned."""
        return self.parameters.tensors["weights"]

    def held_out_loss(self, batch: Batch, net: Network) -> Tensor:
        """The mixture's loss on the images held out, to learn from."""
        images, labels = cast(tuple[Tensor, Tensor], batch.held_out)
        return self.loss_on(net, images, labels)

    def loss_on(self, net: Network, images: Tensor, labels: Tensor) -> Tensor:
        """The mixture's loss by the batch's own statistics; nothing is remembered."""
        plans, weights = self.network(self.weights())
        logits = net.run(plans, images, net.batch_norm(), weights=weights)
        return net.ops.cross_entropy(logits, labels, self.options.label_smoothing)

    def _wake(self, net: Network) -> None:
        """Scales that begin at 0 begin at 1: frozen, they would keep their branches silent for good."""
        own = net.weights()
        silent = [name for name in norms(self.space, self.mixtures) if name.endswith(".weight") and not own[name].any()]
        if silent:
            net.load_weights(own | {name: np.ones_like(own[name]) for name in silent})

    def _freeze(self, net: Network) -> frozenset[str]:
        return net.freeze(net.weights().keys() - norms(self.space, self.mixtures))
