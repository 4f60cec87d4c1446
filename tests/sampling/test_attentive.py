"""Attentive sampling: candidates of like cost, and the extreme one of them."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from tests.sampling.drawing import draw_steps, sampler
from toolkit.sampling import Moment
from toolkit.sampling.attentive import Attentive
from toolkit.spaces import Arch, get_space

SPACE = get_space("resnet48-mini")


@pytest.fixture(scope="module")
def attentive() -> dict[str, Attentive]:
    """The sampler by mode."""
    made = {mode: sampler(SPACE, "attentive", mode=mode, table=600) for mode in ("best-up", "worst-up")}
    assert all(isinstance(source, Attentive) for source in made.values())
    return made  # type: ignore[return-value]


@pytest.mark.parametrize(("mode", "extreme"), [("best-up", min), ("worst-up", max)])
def test_of_three_networks_of_like_macs_the_extreme_loss_is_kept(
    mode: str,
    extreme: "type[min]",
    attentive: dict[str, Attentive],  # type: ignore[valid-type]
) -> None:
    asked: list[Arch] = []
    losses: list[float] = []

    def loss(arch: Arch) -> float:
        asked.append(arch)
        losses.append(float(np.random.default_rng(len(asked)).random()))
        return losses[-1]

    source = attentive[mode]
    drawn = source.draw(np.random.default_rng(0), 40, Moment(0.5, loss))
    assert len(asked) == 3 * 40
    for place, kept in enumerate(drawn):
        three = slice(3 * place, 3 * place + 3)
        assert len({source.bin(arch) for arch in asked[three]}) == 1
        assert asked[three][losses[three].index(extreme(losses[three]))] == kept
    assert len({source.bin(arch) for arch in drawn}) > 10


def test_costs_come_as_often_as_in_the_space(attentive: dict[str, Attentive]) -> None:
    drawn = draw_steps(attentive["best-up"], range(60), loss=lambda _: 0.0)
    rng = np.random.default_rng(0)
    uniform = [SPACE.cost(SPACE.sample(rng)).macs for _ in range(1000)]
    assert ks_2samp([SPACE.cost(arch).macs for arch in drawn], uniform).pvalue > 1e-3


def test_loss_moves_the_drawn_paths_and_not_their_costs(attentive: dict[str, Attentive]) -> None:
    def loss(arch: Arch) -> float:
        return float(arch[0])

    lowest, highest = (draw_steps(attentive[mode], range(30), loss=loss) for mode in ("best-up", "worst-up"))
    assert np.mean([arch[0] for arch in lowest]) < 1.0 < 2.0 < np.mean([arch[0] for arch in highest])
    costs = [np.mean([SPACE.cost(arch).macs for arch in archs]) for archs in (lowest, highest)]
    assert costs[0] == pytest.approx(costs[1], rel=0.05)


def test_a_bin_that_is_hard_to_hit_gives_a_network_of_the_table() -> None:
    source = sampler(SPACE, "attentive", table=50, bins=20, tries=1, among=2)
    assert isinstance(source, Attentive)
    seen: list[Arch] = []

    def loss(arch: Arch) -> float:
        seen.append(arch)
        return 0.0

    source.draw(np.random.default_rng(1), 40, Moment(0.0, loss))
    assert all(source.bin(first) == source.bin(second) for first, second in zip(seen[::2], seen[1::2], strict=True))


def test_a_space_of_one_cost() -> None:
    """All rows in one bin, as with `bins = 1`."""
    source = sampler(SPACE, "attentive", table=2, bins=1)
    assert len(set(draw_steps(source, range(3)))) > 1
