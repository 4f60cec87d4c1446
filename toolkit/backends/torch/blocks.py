"""The elastic block of one position: the layers of the widest plan there, run as any plan that fits in them.

A stand-alone network is made of the same blocks, built for its own plans. Parameter names are those of the official
checkpoint of the 2022 challenge.
"""

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from toolkit.backends.hypernet import NAME, body_shapes
from toolkit.backends.ops import Ops
from toolkit.backends.programs import Programs
from toolkit.backends.torch.layers import Held, Layer
from toolkit.backends.torch.norms import Norm
from toolkit.backends.torch.primitives import closure, layer_of
from toolkit.spaces.plans import Plan
from toolkit.spaces.wiring import graph


class Block(nn.Module):
    """Layers under the names of the widest plan's graph, and the programs that run them; `ops` for a HyperNet."""

    def __init__(self, widest: Plan, ops: Ops | None = None) -> None:
        super().__init__()
        layers: dict[str, Layer] = {}
        for step in graph(widest).steps:
            layer = layer_of(step)
            if layer is not None:
                layers[step.name] = layer
                _place(self, step.name.split("."), layer)
        body = [Held(shapes) for shapes in (() if widest.hyper is None else body_shapes(widest.hyper))]
        for number, held in enumerate(body):
            _place(self, [NAME, str(number)], held)
        self.programs = Programs(layers, closure, ops, body)  # type: ignore[arg-type]

    def run(self, plan: Plan, inputs: Sequence[Tensor], norm: Norm, weights: Tensor | None = None) -> Tensor:
        """As `plan`: `Programs.run`."""
        return self.programs.run(plan, inputs, norm, weights)  # type: ignore[no-any-return]

    def siblings(self, plans: Sequence[Plan], inputs: Sequence[Tensor], norm: Norm) -> Iterator[Tensor]:
        """As each of `plans`: `Programs.siblings`."""
        return self.programs.siblings(plans, inputs, norm)


def _place(block: nn.Module, path: Sequence[str], layer: Layer) -> None:
    """Put a layer where its name says: `downsample.0` is child 0 of child `downsample`."""
    *folders, last = path
    for folder in folders:
        if folder not in dict(block.named_children()):
            block.add_module(folder, nn.Module())
        block = block.get_submodule(folder)
    block.add_module(last, layer)
