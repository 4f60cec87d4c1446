"""A network as a list of blocks with widths and costs: what is drawn of a candidate."""

from dataclasses import dataclass

from toolkit.spaces import Arch, Plan, SearchSpace
from toolkit.spaces.cost import block_cost
from toolkit.spaces.plans import (
    BasicBlock,
    Cell,
    Choice,
    Conv,
    ConvNorm,
    DepthwiseConv,
    Head,
    InvertedResidual,
    Linear,
    NormReLU,
    Reduction,
    Stem,
)


@dataclass(frozen=True, slots=True)
class Block:
    """What stands at one position of the network.

    Attributes:
        name: `2.3` for the third block of stage 2, or what the position is for, such as `stem`.
        widths: channels inside the block, if it has an inside of its own, then those of its output; empty if it is
            absent, or has no channels of its own.
        macs, params: 0 if it is absent.
        text: its layers in words.
    """

    name: str
    widths: tuple[int, ...]
    macs: int
    params: int
    text: str


def blocks(space: SearchSpace, arch: Arch) -> list[Block]:
    """The stand-alone network of `arch`, one entry per position of the space."""
    return [_block(name, plan) for name, plan in zip(_names(space), space.plans(arch), strict=True)]


def _block(name: str, plan: Plan | None) -> Block:
    if plan is None:
        return Block(name, (), 0, 0, "absent")
    cost = block_cost(plan)
    return Block(name, _widths(plan), cost.macs, cost.params, _text(plan))


def _widths(plan: Plan) -> tuple[int, ...]:
    match plan:
        case BasicBlock(mid_channels=inside, channels=out) | InvertedResidual(mid_channels=inside, channels=out):
            return inside, out
        case Stem(channels=out) | ConvNorm(channels=out):
            return (out,)
        case Reduction(channels=out) | Cell(channels=out):
            return (out,)
        case Choice(branches=((_, chosen),)):
            return _widths(chosen)
        case _:
            return ()


def _text(plan: Plan) -> str:
    words = []
    for layer in plan.layers():
        match layer:
            case Conv(channels=channels, kernel=kernel):
                words.append(f"{kernel}x{kernel} to {channels}")
            case DepthwiseConv(channels=channels, kernel=kernel):
                words.append(f"{kernel}x{kernel} depthwise")
            case Linear(features=features):
                words.append(f"linear to {features}")
    return ", ".join(words) or "no layer that costs anything"


def _names(space: SearchSpace) -> list[str]:
    """Names of the positions; `2.3` is the third block of stage 2, counted in the largest network."""
    names, stage, number = [], 1, 0
    for plan in space.plans(space.largest):
        match plan:
            case Stem() | ConvNorm() | NormReLU() | Head():
                names.append({Stem: "stem", ConvNorm: "conv", NormReLU: "norm", Head: "head"}[type(plan)])
            case _:
                if number and _begins_stage(plan):
                    stage, number = stage + 1, 0
                number += 1
                names.append(f"{stage}.{number}")
    return names


def _begins_stage(plan: Plan | None) -> bool:
    """Whether the map shrinks here."""
    match plan:
        case BasicBlock(stride=stride) | InvertedResidual(stride=stride):
            return stride > 1
        case Choice(branches=((_, first), *_)):
            return _begins_stage(first)
        case _:
            return isinstance(plan, Reduction)
