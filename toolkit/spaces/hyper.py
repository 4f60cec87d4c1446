"""Weights that are shared weakly: what a HyperNet makes of a block's shared weights, as plain data."""

from dataclasses import dataclass
from typing import Literal

from toolkit.spaces.primitives import Conv, DepthwiseConv, GroupedConv, Norm, Primitive

Form = Literal["scale", "low-rank", "mixture"]
"""How weights depend on the architecture: `toolkit.backends.hypernet` has the formulas."""


@dataclass(frozen=True, slots=True)
class Hyper:
    """The HyperNet of one block.

    Attributes:
        form: what it puts out.
        rho: how far weights may move away from the shared ones; above 0.
        hidden: the width of its two hidden layers.
        terms: the rank of a low-rank residual, or the kernels of a mixture; 0 otherwise.
        options: of each decision that it knows of: how many there are.
    """

    form: Form
    rho: float
    hidden: int
    terms: int
    options: tuple[int, ...]

    @property
    def inputs(self) -> int:
        """The length of the code that it reads: every option of every decision it knows of."""
        return sum(self.options)


def modulates(form: Form, op: Primitive) -> bool:
    """Whether a HyperNet of this form has something to say to a primitive."""
    return isinstance(op, Conv | DepthwiseConv | GroupedConv) or (form == "scale" and isinstance(op, Norm))
