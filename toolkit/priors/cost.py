"""Priors in closed form: what a network costs."""

from typing_extensions import override

from toolkit.backends.base import Backend
from toolkit.priors.base import ImageSource, Prior
from toolkit.spaces import Arch, SearchSpace


class Macs(Prior):
    """Multiply-accumulates of the stand-alone network for one image."""

    name = "macs"
    summary = "multiply-accumulates of the stand-alone network"

    @override
    def score(self, backend: Backend, space: SearchSpace, arch: Arch, images: ImageSource) -> float:
        return float(space.cost(arch).macs)


class Params(Prior):
    """Parameters of the stand-alone network."""

    name = "params"
    summary = "parameters of the stand-alone network"

    @override
    def score(self, backend: Backend, space: SearchSpace, arch: Arch, images: ImageSource) -> float:
        return float(space.cost(arch).params)


class Depth(Prior):
    """Blocks of the stand-alone network."""

    name = "depth"
    summary = "blocks of the stand-alone network"

    @override
    def score(self, backend: Backend, space: SearchSpace, arch: Arch, images: ImageSource) -> float:
        return float(sum(plan is not None for plan in space.plans(arch)))
