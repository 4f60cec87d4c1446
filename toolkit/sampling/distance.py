"""The distance that a method or a sampler asks for."""

from toolkit.errors import InputError
from toolkit.names import did_you_mean
from toolkit.spaces import SearchSpace
from toolkit.spaces.distances import Distance


def distance_of(name: str | None, space: SearchSpace) -> Distance:
    """The space's distance of this name; its usual one, which is PGONAS's own, if there is none given.

    Raises:
        InputError: the space has none of this name.
    """
    distances = space.distances
    if name is None:
        return next(iter(distances.values()))
    if name not in distances:
        raise InputError(f"space {space.name} has no distance {name!r}{did_you_mean(name, distances)}")
    return distances[name]
