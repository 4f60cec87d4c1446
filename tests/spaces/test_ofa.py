"""Once-for-all's spaces against published configurations; what every space must do is in test_spaces.py."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.networks import thin
from tests.plain_torch import assert_computes_what_the_plain_network_does
from toolkit.backends.shapes import parameters
from toolkit.errors import InputError
from toolkit.evaluation.prefixes import prefix_groups
from toolkit.spaces import SPACES, Arch, Cost, get_space
from toolkit.spaces.ofa import OFA, OFA_MBV3, OFA_MBV3_WIDE, OFA_MINI, OFA_PROXYLESS
from toolkit.spaces.plans import Stem

CODE = "35305535753535733353-34304463663466646663-34444-236"
DOUBLE = replace(OFA_MINI, multiplier=1.0)


def at(space: OFA, arch: Arch, resolution: int) -> Arch:
    return (space.resolutions.index(resolution), *arch[1:])


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("ofa-mbv3", 7_664_760, {224: 566_170_656, 192: 417_292_160, 160: 291_318_048, 128: 188_248_320}),
        ("ofa-mbv3-w1.2", 10_701_632, {224: 843_101_040, 192: 621_268_416, 160: 433_563_888, 128: 279_987_456}),
        ("ofa-proxyless", 5_103_336, {224: 606_590_720}),
        ("ofa-proxyless-w1.3", 7_942_056, {224: 1_004_908_032}),
        ("ofa-mini", 1_834_940, {32: 70_544_384, 24: 40_128_880, 16: 18_403_520}),
    ],
)
def test_the_largest(name: str, params: int, macs: dict[int, int]) -> None:
    space = get_space(name)
    assert isinstance(space, OFA)
    for resolution, count in macs.items():
        assert space.cost(at(space, space.largest, resolution)) == Cost(count, params)


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("ofa-mbv3", 3_410_792, {224: 121_278_672, 192: 89_841_344, 160: 63_240_528, 128: 41_476_224}),
        ("ofa-mbv3-w1.2", 4_602_456, {224: 193_078_200, 192: 142_834_656, 160: 100_320_888, 128: 65_536_896}),
        ("ofa-proxyless", 2_500_632, {224: 154_160_000}),
        ("ofa-proxyless-w1.3", 3_718_832, {224: 265_526_256}),
        ("ofa-mini", 610_548, {32: 11_434_496, 24: 6_625_048, 16: 3_189_728}),
    ],
)
def test_the_smallest(name: str, params: int, macs: dict[int, int]) -> None:
    space = get_space(name)
    assert isinstance(space, OFA)
    for resolution, count in macs.items():
        assert space.cost(at(space, space.smallest, resolution)) == Cost(count, params)


def test_the_reduction_at_twice_its_width() -> None:
    counts = {32: (179_821_824, 35_409_024), 24: (102_839_072, 20_631_632), 16: (47_851_392, 10_076_352)}
    for resolution, (largest, smallest) in counts.items():
        assert DOUBLE.cost(at(DOUBLE, DOUBLE.largest, resolution)) == Cost(largest, 6_511_860)
        assert DOUBLE.cost(at(DOUBLE, DOUBLE.smallest, resolution)) == Cost(smallest, 2_257_892)


@pytest.mark.parametrize(
    ("name", "code", "params", "macs"),
    [
        ("ofa-mbv3-w1.2", CODE, 9_135_928, 595_189_032),
        (
            "ofa-mbv3-w1.2",
            "53305353553357357333-33304443463366646663-34444-224",
            9_066_368,
            482_413_168,
        ),
        (
            "ofa-mbv3-w1.2",
            "33005530553055333373-33003630443064446663-23344-224",
            8_386_544,
            389_487_856,
        ),
        (
            "ofa-mbv3-w1.2",
            "53005300773055733350-33004400634044436660-22343-192",
            7_711_880,
            264_008_640,
        ),
        (
            "ofa-proxyless-w1.3",
            "330035505570373375753-330064406330436464336-233441-128",
            5_903_488,
            164_964_352,
        ),
        (
            "ofa-proxyless-w1.3",
            "330033303500353337735-440066403300343666463-232441-144",
            6_042_264,
            225_760_960,
        ),
    ],
)
def test_published_networks(name: str, code: str, params: int, macs: int) -> None:
    space = get_space(name)
    assert space.cost(space.parse(code)) == Cost(macs, params)


def test_every_published_network(shared: Path) -> None:
    rows = list(csv.DictReader((shared / "data/truth-more/ofa_specialized.csv").open()))
    assert len(rows) == 50
    for row in rows:
        space = get_space(row["space"] if row["width"] == "1.0" else f"{row['space']}-w{row['width']}")
        code = "-".join(row[part] for part in ("ks", "e", "d", "resolution"))
        arch = space.parse(code)
        assert space.cost(arch) == Cost(int(row["macs"]), int(row["params"])), row["name"]
        assert space.format(arch) == code


def test_how_many_there_are() -> None:
    assert OFA_MBV3.cardinality == 25 * 7371**5
    assert OFA_PROXYLESS.cardinality == 25 * 7371**5 * 9


def test_the_supernet_holds_706_more_numbers_for_each_block() -> None:
    assert parameters(OFA_MBV3.widest) - OFA_MBV3.cost(OFA_MBV3.largest).params == 20 * 706 == 14_120


def test_json_of_the_authors_goes_both_ways() -> None:
    arch = OFA_MBV3_WIDE.parse(CODE)
    config = OFA_MBV3_WIDE.config(arch)
    assert config["ks"][:4] == [3, 5, 3, 0]
    assert (config["d"], config["r"]) == ([3, 4, 4, 4, 4], 236)
    assert OFA_MBV3_WIDE.respelled(json.dumps(config)) == CODE
    drawn = {"wid": None, **config, "r": [236]}  # as they draw networks: absent blocks have numbers too
    drawn["ks"], drawn["e"] = ([number or 7 for number in config[part]] for part in ("ks", "e"))
    assert OFA_MBV3_WIDE.respelled(json.dumps(drawn)) == CODE
    assert OFA_MBV3_WIDE.respelled(CODE) == CODE


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ks": [4, *[3] * 19]}, "kernel of stage 1, block 1: found '4'"),
        ({"e": [5, *[3] * 19]}, "expansion of stage 1, block 1: found '5'"),
        ({"d": [1, 4, 4, 4, 4]}, "depth of stage 1: found '1'"),
        ({"r": 126}, "resolution: found '126'"),
        ({"ks": [3] * 19}, "found 1 parts"),
        ({"ks": ["3"] * 20}, "found 1 parts"),
        ({"r": [128, 132]}, "found 1 parts"),
        ({"more": 1}, "found 1 parts"),
    ],
)
def test_wrong_json_is_refused(change: dict[str, object], problem: str) -> None:
    config = OFA_MBV3.config(OFA_MBV3.largest) | change
    with pytest.raises(InputError, match=problem):
        OFA_MBV3.parse(OFA_MBV3.respelled(json.dumps(config)))


@pytest.mark.parametrize(
    ("code", "problems"),
    [
        ("", ["found 1 parts"]),
        (CODE.replace("236", "237"), ["resolution: found '237'"]),
        (CODE.replace("236", "0236"), ["resolution: found '0236'"]),
        (CODE.removeprefix("3"), ["kernels: found 19 characters, allowed: 20 digits"]),
        (CODE.replace("-34444-", "-5444٤-"), ["depth of stage 1: found '5'", "depth of stage 5: found '٤'"]),
        ("35355" + CODE[5:], ["kernel of stage 1, block 4: found '5', allowed: 0, for the stage has 3 blocks"]),
        ("05305" + CODE[5:], ["kernel of stage 1, block 1: found '0', allowed: 3, 5, 7"]),
        (CODE.replace("-343", "-348"), ["expansion of stage 1, block 3: found '8', allowed: 3, 4, 6"]),
    ],
)
def test_every_violation_is_named(code: str, problems: list[str]) -> None:
    found = OFA_MBV3_WIDE.problems(code)
    assert len(found) == len(problems)
    assert all(one.startswith(start) for one, start in zip(found, problems, strict=True))


@pytest.mark.parametrize("name", ["ofa-mini", "ofa-proxyless"])
def test_it_is_the_plain_network(name: str) -> None:
    """Squeeze-and-excitation, h-swish, ReLU6, resolutions, heads: as torch has them."""
    small = thin(SPACES[name], 13)
    rng = np.random.default_rng(0)
    for arch in (small.largest, small.smallest, small.sample(rng)):
        assert_computes_what_the_plain_network_does(small, arch)


def test_candidates_are_grouped_by_resolution() -> None:
    """What they share begins with the images at one size, so a group never has several as long as it may be small."""
    rng = np.random.default_rng(0)
    drawn = [(arch, OFA_MINI.supernet_plans(arch)) for arch in {OFA_MINI.sample(rng) for _ in range(200)}]
    groups = prefix_groups(drawn, 32)
    seen: list[int] = []
    for group in groups:
        sizes = [plans[0].resolution for _, plans in group if isinstance(plans[0], Stem)]
        seen += [size for size, before in zip(sizes, [None, *sizes], strict=False) if size != before]
    assert len(seen) < len(groups) + len(OFA_MINI.resolutions), "within a group, one after the other"
