"""What a prior is: a number that says something about an architecture before anything was trained."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from toolkit.backends.base import Backend, Network, Precision, Tensor, Weights
from toolkit.spaces import Arch, SearchSpace

_STREAM = 0x7072696F  # sets these draws apart from all others made with the same seed


class Options(BaseModel):
    """What may be chosen about a prior, and is filed with its scores."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Drawn(Options):
    """Options of a score that rests on random weights."""

    seed: int = Field(0, ge=0, lt=2**63, description="of weights and images")
    repeats: int = Field(1, ge=1, description="draws of weights and images; the score is their mean")


class ImageSource(Protocol):
    """Where a score gets its images from."""

    @property
    def name(self) -> str:
        """What identifies them."""

    @property
    def count(self) -> int | None:
        """How many there are; None if there is no end to them."""

    def batch(
        self, backend: Backend, space: SearchSpace, count: int, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """`count` normalised images (count, channels, size, size) and their labels (count,), on the device."""


class Prior(ABC):
    """A score of one architecture: a function of the architecture, the options and the images, and of nothing else.

    Subclasses set `name`, `summary` (one line, with the source) and what else differs from here:

    Attributes:
        options_type: its options; a subclass declares `options` of that type.
        precision: what its networks compute in.
        uses_images: it looks at images and labels of the data, and so depends on them.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    options_type: ClassVar[type[Options]] = Options
    precision: ClassVar[Precision] = "fp32"
    uses_images: ClassVar[bool] = False

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or self.options_type()

    @abstractmethod
    def score(self, backend: Backend, space: SearchSpace, arch: Arch, images: ImageSource) -> float:
        """More is better. Minus infinity where the network is broken, such as one that passes nothing on."""


def generator(options: Drawn, repeat: int) -> np.random.Generator:
    """The randomness of one repetition, the same for all architectures."""
    return np.random.default_rng((options.seed, _STREAM, repeat))


def draw_weights(like: Weights, rng: np.random.Generator, gain: float | None) -> Weights:
    """New weights of the same shapes: filters are normal, batch norms do not scale or shift, biases are 0.

    Unlike `toolkit.backends.weights.initialise`, no residual branch is silent: a score would not hear it.

    Args:
        gain: the variance of a filter's weights times its fan-in (2 for He et al., arXiv 1502.01852); if None, their
            variance is 1.
    """
    weights: Weights = {}
    for name, array in sorted(like.items()):
        if is_filter(array):
            scale = 1.0 if gain is None else (gain / array[0].size) ** 0.5
            weights[name] = rng.standard_normal(array.shape, np.float32) * np.float32(scale)
        else:
            weights[name] = np.full(array.shape, name.endswith((".weight", ".running_var")), np.float32)
    return weights


def is_filter(array: npt.NDArray[Any]) -> bool:
    """Whether these are the weights of a convolution or a fully connected layer: all others are vectors."""
    return array.ndim > 1


def filters_and_gradients(
    backend: Backend, network: Network, weights: Mapping[str, npt.NDArray[Any]]
) -> list[tuple[Tensor, Tensor]]:
    """Each filter's weights and what `backward` added up for them. Filters that nothing flows through are left out."""
    gradients = network.gradients()
    return [
        (backend.place(array), gradients[name])
        for name, array in weights.items()
        if is_filter(array) and name in gradients
    ]
