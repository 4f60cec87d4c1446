"""Pi-NAS' space against its authors' numbers and ours; what every space must do is in test_spaces.py."""

from dataclasses import replace

import pytest

from tests.networks import thin
from tests.plain_torch import assert_computes_what_the_plain_network_does
from toolkit.backends.shapes import parameters, shapes
from toolkit.spaces import Cost
from toolkit.spaces.cost import block_cost
from toolkit.spaces.pinas import PINAS, PINAS_MINI
from toolkit.spaces.plans import ResidualChoice, SplitAttention

CLS = "3 0 1 3 2 3 1 2 0 3 2 1 3 0 3 2"
TRANS = "3 3 3 3 1 1 3 3 3 0 0 1 1 0 2 1"
LONGER = replace(PINAS_MINI, layers=(3, 3, 3))


@pytest.mark.parametrize(
    ("code", "params", "macs"),
    [
        (CLS, 27_046_278, 5_332_293_584),
        (TRANS, 27_039_016, 5_253_644_608),
        (" ".join("0" * 16), 26_217_896, 5_369_909_248),
        (" ".join("1" * 16), 27_483_240, 5_371_160_576),
        (" ".join("2" * 16), 27_489_492, 5_518_966_848),
        (" ".join("3" * 16), 26_943_792, 5_178_473_536),
    ],
)
def test_costs_of_the_paper_s_paths(code: str, params: int, macs: int) -> None:
    assert PINAS.cost(PINAS.parse(code)) == Cost(macs, params)


def test_costs_of_candidates() -> None:
    """Without the shortcut."""

    def costs(position: int) -> list[Cost]:
        plan = PINAS.widest[position]
        assert isinstance(plan, ResidualChoice)
        return [block_cost(branch) for _, branch in plan.branches]

    first, later = ((74_656, 76_896, 78_476, 75_832), (1_150_400, 1_216_896, 1_228_364, 1_198_048))
    assert [cost.params for cost in costs(2)] == list(first)
    assert [cost.params for cost in costs(9)] == list(later)
    assert [cost.macs for cost in costs(2)] == [218_370_048, 218_372_096, 234_450_048, 218_772_160]
    assert [cost.macs for cost in costs(9)] == [218_398_720, 218_464_256, 234_475_584, 218_844_160]


def test_the_supernet_has_one_shortcut_for_all_candidates() -> None:
    assert parameters(PINAS.widest[:-1]) == 91_522_388
    assert parameters(PINAS.widest) - parameters(PINAS.widest[:-1]) == 2_049_000
    shortcuts = [name for name in shapes(PINAS.widest) if name.endswith("downsample.0.weight")]
    assert shortcuts == [f"blocks.{block}.downsample.0.weight" for block in (1, 4, 8, 14)]


@pytest.mark.parametrize(
    ("space", "code", "params", "macs"),
    [
        (PINAS_MINI, "0 0 0 0 0 0", 249_556, 47_921_664),
        (PINAS_MINI, "1 1 1 1 1 1", 260_868, 47_932_160),
        (PINAS_MINI, "2 2 2 2 2 2", 258_792, 47_745_952),
        (PINAS_MINI, "3 3 3 3 3 3", 255_456, 45_208_888),
        (PINAS_MINI, "0 1 2 3 0 1", 255_680, 47_609_128),
        (LONGER, "0 0 0 0 0 0 0 0 0", 345_316, 61_293_824),
        (LONGER, "1 1 1 1 1 1 1 1 1", 362_284, 61_309_568),
        (LONGER, "2 2 2 2 2 2 2 2 2", 360_866, 61_782_384),
        (LONGER, "3 3 3 3 3 3 3 3 3", 355_542, 58_609_108),
    ],
)
def test_costs_of_the_reduction(space: object, code: str, params: int, macs: int) -> None:
    assert isinstance(space, type(PINAS_MINI))
    assert space.cost(space.parse(code)) == Cost(macs, params)


@pytest.mark.parametrize(
    ("space", "backbone", "all_of_it"), [(PINAS_MINI, 791_840, 817_540), (LONGER, 1_191_176, 1_216_876)]
)
def test_the_reduction_s_supernet(space: type(PINAS_MINI), backbone: int, all_of_it: int) -> None:
    assert (parameters(space.widest[:-1]), parameters(space.widest)) == (backbone, all_of_it)


def test_widths_of_candidates() -> None:
    plan = PINAS.widest[-2]
    assert isinstance(plan, ResidualChoice)
    assert [name for name, _ in plan.branches] == ["r1c1w64", "r2c1w64", "r1c2w42", "r2c2w40"]
    inside = [(b.mid_channels, b.hidden_channels) for _, b in plan.branches if isinstance(b, SplitAttention)]
    assert inside == [(512, 128), (512, 256), (672, 168), (640, 320)]


@pytest.mark.parametrize("code", ["0 1 2 3", "3 3 1 2", "2 0 3 1"])
def test_every_candidate_is_the_plain_one(code: str) -> None:
    small = thin(PINAS, 35)
    assert_computes_what_the_plain_network_does(small, small.parse(code))


def test_the_small_stem_is_the_plain_one() -> None:
    small = thin(PINAS_MINI, 9)
    assert_computes_what_the_plain_network_does(small, small.parse("3 2 1"))


@pytest.mark.parametrize(
    ("code", "problems"),
    [
        ("", ["found 1 choices, allowed: 6 digits between single spaces"]),
        ("0 1 2 3 0", ["found 5 choices, allowed: 6 digits between single spaces"]),
        ("0 1 2 3 0  1", ["found 7 choices, allowed: 6 digits between single spaces"]),
        ("0 4 2 3 0 ٣", ["block 2: found '4'", "block 6: found '٣'"]),
        ("0 01 2 3 0 \n", ["block 2: found '01'", "block 6: found '\\n'"]),
    ],
)
def test_every_violation_is_named(code: str, problems: list[str]) -> None:
    found = PINAS_MINI.problems(code)
    assert len(found) == len(problems)
    assert all(one.startswith(start) for one, start in zip(found, problems, strict=True))
