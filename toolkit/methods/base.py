"""What a training method is: one optimiser step's worth of forward and backward passes."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from toolkit.backends.base import Network, Tensor
from toolkit.spaces import Arch, SearchSpace


class Options(BaseModel):
    """What a recipe may say in its `[method]` table."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    name: str = Field(description="which method")
    label_smoothing: float = Field(0.0, ge=0.0, lt=1.0, description="share of the target spread over all classes")


class Method(ABC):
    """A way to train a supernet. Written once against the backend seam; imports no framework.

    Subclasses set `name`, `summary` (one line, with the source) and, if they have options of their own, `options_type`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    options_type: ClassVar[type[Options]] = Options

    def __init__(self, space: SearchSpace, options: Options) -> None:
        self.space = space
        self.options = options

    @abstractmethod
    def step(self, net: Network, images: Tensor, labels: Tensor, rng: np.random.Generator) -> dict[str, Tensor]:
        """Accumulate the gradients of one step; the trainer then updates the weights once.

        Args:
            images: normalised, shape (n, channels, height, width).
            labels: class indices, shape (n,).
            rng: the same in every process of a data-parallel run; all draws come from it.

        Returns:
            what to log: scalar tensors by name, among them `loss`.
        """

    def sample(self, rng: np.random.Generator, count: int) -> list[Arch]:
        """Draw `count` architectures from the space's own distribution."""
        return [self.space.sample(rng) for _ in range(count)]
