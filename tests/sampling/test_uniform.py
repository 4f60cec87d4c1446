"""The uniform sampler is the space's own distribution."""

import numpy as np

from tests.sampling.drawing import sampler
from toolkit.sampling import Moment
from toolkit.spaces import get_space


def test_it_draws_what_the_space_draws() -> None:
    space, rng = get_space("resnet48"), np.random.default_rng(3)
    drawn = sampler(space, "uniform").draw(np.random.default_rng(3), 6, Moment(0.0))
    assert drawn == [space.sample(rng) for _ in range(6)]
