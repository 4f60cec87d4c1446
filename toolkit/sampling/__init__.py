"""Laws by which a training step draws its paths, one file each. A new one is listed here.

Those of other packages come in by the entry points `supernet_toolkit.samplers` (`toolkit/plugins.py`).
"""

from functools import cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from toolkit.errors import InputError
from toolkit.plugins import Registry, subclass_of
from toolkit.sampling.attentive import Attentive
from toolkit.sampling.balanced import Balanced
from toolkit.sampling.base import Moment, Sampler, SamplerOptions
from toolkit.sampling.candidates import Candidates
from toolkit.sampling.distant import Distant
from toolkit.sampling.fair import Fair
from toolkit.sampling.neighbours import Neighbours
from toolkit.sampling.policy import PolicySampler
from toolkit.sampling.shrinking import Shrinking
from toolkit.sampling.uniform import Uniform, UniformOptions
from toolkit.sampling.within import Within
from toolkit.spaces import SearchSpace

SAMPLERS: Registry[type[Sampler]] = Registry(
    "samplers",
    (Uniform, Fair, Balanced, Attentive, Shrinking, Within, Candidates, Distant, Neighbours, PolicySampler),
    subclass_of(Sampler),
)


@cache
def _tables() -> TypeAdapter[SamplerOptions]:
    """Options of any sampler there is; made when first asked for, so that another package may import this one."""
    kinds: Any = reduce(or_, (sampler.options_type for sampler in SAMPLERS.values()))
    return TypeAdapter(Annotated[kinds, Field(discriminator="name")])


class _OfAnySampler:
    """Makes pydantic take a table as the options of the sampler that it names."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(lambda value: _tables().validate_python(value))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(_tables().core_schema)


if TYPE_CHECKING:
    SamplingOptions = SamplerOptions
else:
    SamplingOptions = Annotated[SamplerOptions, _OfAnySampler()]
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


__all__ = ["SAMPLERS", "Moment", "Sampler", "SamplerOptions", "SamplingOptions", "make_sampler"]
