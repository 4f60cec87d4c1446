"""Where scores get their images from: a data set, or nowhere."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from typing_extensions import override

from toolkit.backends.base import Backend, Images, Labels, Tensor
from toolkit.data.base import Dataset, ImageSpec
from toolkit.priors.base import ImageSource
from toolkit.spaces import SearchSpace


@dataclass(frozen=True)
class Noise(ImageSource):
    """Images of N(0, 1), labels drawn uniformly."""

    name = "noise"
    count = None

    @override
    def batch(
        self, backend: Backend, space: SearchSpace, count: int, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        images = rng.standard_normal((count, space.channels, space.size, space.size), np.float32)
        return backend.place(images), backend.place(rng.integers(space.classes, size=count))


@dataclass(frozen=True)
class Pictures:
    """Images of a data set; `name` identifies exactly these."""

    name: str
    images: Images = field(repr=False)
    labels: Labels = field(repr=False)
    spec: ImageSpec

    @classmethod
    def of(cls, data: Dataset) -> Self:
        """Those of the calibration split: training images, as evaluation sees them."""
        split = data.calibration
        return cls(data.identity(split), split.images(np.arange(len(split.labels))), split.labels, data.spec)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.labels)

    def batch(
        self,
        backend: Backend,
        space: SearchSpace,  # noqa: ARG002
        count: int,
        rng: np.random.Generator,
    ) -> tuple[Tensor, Tensor]:
        """`count` random images, none of them twice."""
        chosen = rng.choice(self.count, count, replace=False)
        images = backend.normalise(backend.place(self.images[chosen]), self.spec.mean, self.spec.std)
        return images, backend.place(self.labels[chosen])
