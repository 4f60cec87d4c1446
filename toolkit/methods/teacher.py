"""What methods with two paths and a mean teacher have in common."""

from pydantic import Field

from toolkit.methods.base import Batch, Method, Options
from toolkit.sampling.disjoint import disjoint
from toolkit.spaces import Arch

_TRIES = 1000


class TeacherOptions(Options):
    """Options of a mean teacher."""

    momentum: float = Field(
        0.99, ge=0, lt=1, description="share of the teacher that stays each time it follows; 0.999 in long trainings"
    )


def pair_of_paths(method: Method, batch: Batch) -> tuple[Arch, Arch]:
    """One as the recipe's sampler draws it, and another that has nothing in common with it; both connected."""
    for _ in range(_TRIES):
        (first,) = method.sample(batch, 1)
        if method.space.connected(first):
            break
    return first, disjoint(batch.rng, method.space, first)
