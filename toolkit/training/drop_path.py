"""Drop path: cells trained alone are, image by image, without some of their edges (FractalNet, arXiv 1605.07648).

By the code of DARTS [C]: every edge but identities is dropped with a probability that rises with the epochs from 0, and
what is kept is divided by the share that is kept.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from toolkit.spaces import Plans
from toolkit.spaces.plans import DualCell

Kept = Mapping[int, npt.NDArray[np.float32]]
"""By position of a cell, shape (edges, images): 0 where an edge is dropped."""


def dropping(plans: Plans) -> Plans:
    """The same network, whose cells may be without edges."""
    return tuple(replace(plan, drops=True) if isinstance(plan, DualCell) else plan for plan in plans)


def kept_paths(plans: Plans, rng: np.random.Generator, images: int, dropped: float) -> Kept:
    """Draw what is kept: each edge of each image with probability 1 - `dropped`, as 1 / (1 - dropped)."""
    found = {}
    for position, plan in enumerate(plans):
        if isinstance(plan, DualCell):
            edges = sum(edge is not None for node in plan.nodes for edge in node)
            kept = rng.random((edges, images)) >= dropped
            found[position] = (kept / (1 - dropped)).astype(np.float32)
    return found
