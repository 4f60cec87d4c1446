"""Groups of widths that hold weights of their own."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Own:
    """Groups of widths for which a layer holds weights of its own, each named by the widest width that it serves.

    A width uses the narrowest group that holds it (`group_of`). Empty: all widths share one weight, by leading slices.
    `convs` also groups classifiers, by their input; `activations` groups the slopes of a learned activation.
    """

    convs: tuple[int, ...] = ()
    norms: tuple[int, ...] = ()
    activations: tuple[int, ...] = ()


SHARED = Own()

Owns = tuple[tuple[str, Own], ...]
"""Groups of the layers of a block, by the attribute of its plan that says their width."""


def group_of(width: int, groups: tuple[int, ...]) -> int:
    """The narrowest of `groups` that holds `width`."""
    return min(group for group in groups if group >= width)
