"""Laws by which a training step draws its paths, one file each. A new one is listed here, twice."""

from typing import Annotated

from pydantic import Field

from toolkit.errors import InputError
from toolkit.sampling.attentive import Attentive, AttentiveOptions
from toolkit.sampling.balanced import Balanced, BalancedOptions
from toolkit.sampling.base import Moment, Sampler
from toolkit.sampling.candidates import Candidates, CandidatesOptions
from toolkit.sampling.distant import Distant, DistantOptions
from toolkit.sampling.fair import Fair, FairOptions
from toolkit.sampling.shrinking import Shrinking, ShrinkingOptions
from toolkit.sampling.uniform import Uniform, UniformOptions
from toolkit.spaces import SearchSpace

SAMPLERS: dict[str, type[Sampler]] = {
    sampler.name: sampler for sampler in (Uniform, Fair, Balanced, Attentive, Shrinking, Candidates, Distant)
}

SamplingOptions = Annotated[
    UniformOptions
    | FairOptions
    | BalancedOptions
    | AttentiveOptions
    | ShrinkingOptions
    | CandidatesOptions
    | DistantOptions,
    Field(discriminator="name"),
]
"""The type of a method's option `sampling`: a table whose `name` says which sampler it is about."""


def make_sampler(
    options: SamplingOptions | None, space: SearchSpace, *, has_loss: bool = False, has_reward: bool = False
) -> Sampler:
    """The sampler that a recipe asks for; without options the uniform one.

    Args:
        has_loss: every `Moment` it will be given can tell the loss of a path.
        has_reward: somebody will tell it how good paths are.

    Raises:
        InputError: it does not go with the space, its file cannot be used, or it needs a loss or rewards and there are
            none.
    """
    options = options or UniformOptions()
    kind = SAMPLERS[options.name]
    if kind.needs_loss and not has_loss:
        others = ", ".join(name for name, sampler in SAMPLERS.items() if not sampler.needs_loss)
        raise InputError(f"method.sampling.name: {kind.name} needs the loss of paths; for this method choose: {others}")
    if kind.needs_reward and not has_reward:
        others = ", ".join(name for name, sampler in SAMPLERS.items() if not sampler.needs_reward)
        raise InputError(
            f"method.sampling.name: {kind.name} learns from rewards, which this method gives none; choose: {others}"
        )
    return kind(space, options)


__all__ = ["SAMPLERS", "Moment", "Sampler", "SamplingOptions", "make_sampler"]
