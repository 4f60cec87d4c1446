"""The 2022 space against the numbers and rules of the challenge; what every space must do is in test_spaces.py."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from toolkit.errors import InputError
from toolkit.spaces import Arch, Cost, Plans, get_space
from toolkit.spaces.plans import BasicBlock, Head, Stem
from toolkit.spaces.resnet48 import MAX_DEPTHS, RESNET48, RESNET48_MINI, RESNET48_WIDE, ResNet48

DOCUMENTED = "348311131310000332323230014143424241434543757770000"
"""The example of the demo kit's README: 51 digits."""

CODE = "1" + DOCUMENTED

WIDTHS = {
    64: (64, 64, 56, 56, 48, 48, 48),
    128: (128, 120, 112, 112, 104, 96, 88),
    256: (256, 240, 232, 216, 208, 192, 176),
    512: (512, 488, 464, 432, 408, 384, 360),
}
"""Channels at digits 1..7 by the channels of a stage at ratio 1."""


@pytest.fixture(scope="module")
def official(shared: Path) -> dict[str, str]:
    """The 45,000 codes of the challenge by id."""
    entries = json.loads((shared / "data/candidates/CVPR_2022_NAS_Track1_test.json").read_bytes())
    return {name: entry["arch"] for name, entry in entries.items()}


@pytest.fixture(scope="module")
def official_archs(official: dict[str, str]) -> dict[str, Arch]:
    return {name: RESNET48.parse(code) for name, code in official.items()}


@pytest.fixture(scope="module")
def official_costs(official_archs: dict[str, Arch]) -> dict[str, Cost]:
    return {name: RESNET48.cost(arch) for name, arch in official_archs.items()}


def uniform(digits: str, depths: tuple[int, ...] = (2, 2, 2, 2)) -> str:
    """The code with one width digit per stage."""
    slots = (
        2 * depth * digit + 2 * (most - depth) * "0"
        for digit, depth, most in zip(digits, depths, MAX_DEPTHS, strict=True)
    )
    return "1" + "".join(map(str, depths)) + digits[0] + "".join(slots)


def changed(code: str, **digits: str) -> str:
    """`code` with other characters at some positions: changed(code, at7="3")."""
    characters = list(code)
    for position, digit in digits.items():
        characters[int(position.removeprefix("at"))] = digit
    return "".join(characters)


def shape(plans: Plans) -> tuple[int, list[list[tuple[int, int]]], int]:
    """Stem width, (conv1, conv2) widths of the present blocks by stage, input width of the classifier."""
    stem, *blocks, head = plans
    assert isinstance(stem, Stem)
    assert isinstance(head, Head)
    slots = iter(blocks)
    stages = [[block for block in (next(slots) for _ in range(most)) if block] for most in MAX_DEPTHS]
    return stem.channels, [[(b.mid_channels, b.channels) for b in stage] for stage in stages], head.in_channels


# Golden numbers.


def test_official_codes_round_trip(official: dict[str, str], official_archs: dict[str, Arch]) -> None:
    assert len(official) == 45_000
    assert {name: RESNET48.format(arch) for name, arch in official_archs.items()} == official


def test_official_codes_are_those_of_the_mini_space(official: dict[str, str], official_archs: dict[str, Arch]) -> None:
    assert {name: RESNET48_MINI.parse(code) for name, code in official.items()} == official_archs


def test_official_codes_are_distinct_networks(official_archs: dict[str, Arch]) -> None:
    assert len(set(map(RESNET48.plans, official_archs.values()))) == 45_000


@pytest.mark.parametrize(
    ("code", "cost"),
    [
        (uniform("1111", MAX_DEPTHS), Cost(5_282_238_464, 34_043_688)),
        (uniform("3357"), Cost(1_255_133_184, 6_539_984)),
        (uniform("7777"), Cost(942_812_672, 5_833_080)),
    ],
    ids=["largest", "smallest in the grammar", "smallest of all"],
)
def test_golden_costs(code: str, cost: Cost) -> None:
    assert RESNET48_WIDE.cost(RESNET48_WIDE.parse(code)) == cost


def test_extremes_are_the_known_codes() -> None:
    assert RESNET48.format(RESNET48.largest) == RESNET48_WIDE.format(RESNET48_WIDE.largest) == "1" + "5585" + 47 * "1"
    assert RESNET48.format(RESNET48.smallest) == uniform("3357")
    assert RESNET48_WIDE.format(RESNET48_WIDE.smallest) == uniform("7777")


def test_official_extremes(official_costs: dict[str, Cost]) -> None:
    by_macs = sorted(official_costs, key=lambda name: official_costs[name].macs)
    assert by_macs[0] == "arch24859"
    assert by_macs[-1] == "arch35187"
    assert round(official_costs["arch24859"].macs / 1e9, 4) == 1.3795
    assert round(official_costs["arch35187"].macs / 1e9, 4) == 4.8587
    assert len({cost.macs for cost in official_costs.values()}) == 44_542
    params = [cost.params for cost in official_costs.values()]
    assert (round(min(params) / 1e6, 3), round(max(params) / 1e6, 3)) == (7.115, 31.913)


def test_official_macs_and_params_correlate_as_known(official_costs: dict[str, Cost]) -> None:
    macs, params = zip(*((cost.macs, cost.params) for cost in official_costs.values()), strict=True)
    assert round(stats.kendalltau(macs, params, variant="b").statistic, 4) == 0.4566
    assert round(stats.spearmanr(macs, params).statistic, 3) == 0.639
    assert round(stats.pearsonr(macs, params).statistic, 3) == 0.663


def test_cardinality() -> None:
    assert RESNET48.cardinality == RESNET48_MINI.cardinality == 390_693_436_560_000_000
    assert f"{RESNET48_WIDE.cardinality:.3e}" == "1.216e+23"


# Codes and what they mean.


def test_documented_form_lacks_the_image_digit() -> None:
    arch = RESNET48.parse(DOCUMENTED)
    assert arch == RESNET48.parse(CODE)
    assert RESNET48.format(arch) == CODE
    assert RESNET48.format(arch, image_digit=False) == DOCUMENTED


def test_first_candidate_means_what_the_specification_says() -> None:
    arch = RESNET48.parse("1252233313000000223212122253130000000000006515000000")
    stages = [
        [(56, 56), (64, 56)],
        [(120, 120), (112, 120), (128, 120), (128, 120), (120, 120)],
        [(208, 232), (256, 232)],
        [(384, 408), (512, 408)],
    ]
    assert shape(RESNET48.plans(arch)) == (56, stages, 408)


def test_plans_of_the_documented_example() -> None:
    plans = RESNET48.plans(RESNET48.parse(DOCUMENTED))
    assert len(plans) == 25
    assert plans[0] == Stem(3, 64, kernel=7, stride=2, pool=True, size=224)
    assert plans[1] == BasicBlock(64, 64, 64, stride=1, project=False, size=56)
    assert plans[3:6] == (BasicBlock(64, 56, 64, stride=1, project=False, size=56), None, None)
    assert plans[6] == BasicBlock(64, 112, 112, stride=2, project=True, size=56)
    assert plans[7] == BasicBlock(112, 120, 112, stride=1, project=False, size=28)
    assert plans[11] == BasicBlock(112, 256, 216, stride=2, project=True, size=28)
    assert plans[19] == BasicBlock(216, 464, 360, stride=2, project=True, size=14)
    assert plans[21] == BasicBlock(360, 360, 360, stride=1, project=False, size=7)
    assert plans[22:] == (None, None, Head(360, 1000))


@pytest.mark.parametrize("digit", range(1, 8))
def test_widths(digit: int) -> None:
    """Each digit in each stage, and exactly an eighth of that in the mini space where its grammar has the digit."""
    for stage, (base, widths) in enumerate(WIDTHS.items()):
        code = uniform("".join(str(digit) if s == stage else "1" for s in range(4)))
        stem, stages, classifier = shape(RESNET48_WIDE.plans(RESNET48_WIDE.parse(code)))
        assert stages[stage] == 2 * [(widths[digit - 1], widths[digit - 1])]
        assert stem == (widths[digit - 1] if base == 64 else 64)
        assert classifier == (widths[digit - 1] if base == 512 else 512)
        if digit <= RESNET48_MINI.digits[stage]:
            mini = shape(RESNET48_MINI.plans(RESNET48_MINI.parse(code)))[1][stage]
            assert mini == [(conv1 // 8, conv2 // 8) for conv1, conv2 in stages[stage]]
    assert all(width % 8 == 0 for widths in WIDTHS.values() for width in widths)


def test_different_codes_can_be_equal_networks() -> None:
    """Ratios 1.0 and 0.95 of 64 channels both round to 64."""
    first, second = (RESNET48.parse(uniform(digits)) for digits in ("1111", "2111"))
    assert first != second
    assert RESNET48.plans(first) == RESNET48.plans(second)
    assert hash(RESNET48.plans(first)) == hash(RESNET48.plans(second))


def test_mini_takes_the_embedded_digits() -> None:
    stem, *_, head = RESNET48_MINI.plans(RESNET48_MINI.largest)
    assert isinstance(stem, Stem)
    assert (stem.in_channels, stem.channels, stem.size) == (1, 8, 8)
    assert head == Head(64, 10)


# Broken rules: each is found, with its position, what was found there and what is allowed.

VIOLATIONS: dict[str, tuple[str, list[str]]] = {
    "50 digits": (CODE[:50], ["found 50 characters, allowed: 52 digits, or 51 without the leading image-size digit"]),
    "53 digits": (CODE + "0", ["found 53 characters, allowed: 52 digits, or 51 without the leading image-size digit"]),
    "nothing": ("", ["found 0 characters, allowed: 52 digits, or 51 without the leading image-size digit"]),
    "51 digits, the last lost": (
        CODE[:51],
        ["found 51 digits that begin with the image size, allowed: 52 (one is missing)"],
    ),
    "letters": (
        changed(CODE, at3="x", at51="O"),
        ["position 3: found 'x', allowed: digits", "position 51: found 'O', allowed: digits"],
    ),
    "unicode digits": (
        changed(CODE, at1="٣", at2="²", at3="８"),
        [
            "position 1: found '٣', allowed: digits",
            "position 2: found '²', allowed: digits",
            "position 3: found '８', allowed: digits",
        ],
    ),
    "white space": (
        changed(CODE, at0=" ", at51="\n"),
        ["position 0: found ' ', allowed: digits", "position 51: found '\\n', allowed: digits"],
    ),
    "image digit 0": (changed(CODE, at0="0"), ["position 0 (image size): found '0', allowed: 1"]),
    "depth 0": (changed(CODE, at1="0"), ["position 1 (depth of stage 1): found '0', allowed: 2-5"]),
    "depth 1": (changed(CODE, at2="1"), ["position 2 (depth of stage 2): found '1', allowed: 2-5"]),
    "depth 6": (changed(CODE, at4="6"), ["position 4 (depth of stage 4): found '6', allowed: 2-5"]),
    "depth 9": (changed(CODE, at3="9"), ["position 3 (depth of stage 3): found '9', allowed: 2-8"]),
    "depth too small for the blocks": (
        changed(CODE, at1="2"),
        [
            "position 10 (stage 1, block 3, conv1): found '3', allowed: 0, for the stage has 2 blocks",
            "position 11 (stage 1, block 3, conv2): found '1', allowed: 0, for the stage has 2 blocks",
        ],
    ),
    "depth too large for the blocks": (
        changed(CODE, at1="4"),
        [
            "position 12 (stage 1, block 4, conv1): found '0', allowed: 1-3, for the stage has 4 blocks",
            "position 13 (stage 1, block 4, conv2): found '0', allowed: 1-3, for the stage has 4 blocks",
        ],
    ),
    "digit 8": (changed(CODE, at42="8"), ["position 42 (stage 4, block 1, conv1): found '8', allowed: 1-7"]),
    "digit 9": (changed(CODE, at45="9"), ["position 45 (stage 4, block 2, conv2): found '9', allowed: 1-7"]),
    "digit beyond the stage's grammar": (
        changed(CODE, at8="4", at26="6"),
        [
            "position 8 (stage 1, block 2, conv1): found '4', allowed: 1-3",
            "position 26 (stage 3, block 1, conv1): found '6', allowed: 1-5",
        ],
    ),
    "stray zero in a present block": (
        changed(CODE, at8="0"),
        ["position 8 (stage 1, block 2, conv1): found '0', allowed: 1-3, for the stage has 3 blocks"],
    ),
    "stray zero in the first conv2": (
        changed(CODE, at7="0"),
        ["position 7 (stage 1, block 1, conv2): found '0', allowed: 1-3, for the stage has 3 blocks"],
    ),
    "a block absent in the middle": (
        changed(CODE, at28="0", at29="0"),
        [
            "position 28 (stage 3, block 2, conv1): found '0', allowed: 1-5, for the stage has 8 blocks",
            "position 29 (stage 3, block 2, conv2): found '0', allowed: 1-5, for the stage has 8 blocks",
        ],
    ),
    "digit after the depth": (
        changed(CODE, at51="3"),
        ["position 51 (stage 4, block 5, conv2): found '3', allowed: 0, for the stage has 3 blocks"],
    ),
    "unequal conv2": (
        changed(CODE, at21="2"),
        [
            "position 21 (stage 2, block 3, conv2): found '2', allowed: 3, as in block 1: "
            "conv2 is the same in the whole stage"
        ],
    ),
    "stem differs from stage 1": (
        changed(CODE, at5="2"),
        ["position 5 (stem width): found '2', allowed: 1, as conv2 of stage 1: its shortcut is the identity"],
    ),
    "stem 0": (changed(CODE, at5="0"), ["position 5 (stem width): found '0', allowed: 1-3"]),
    "stem 4": (changed(CODE, at5="4"), ["position 5 (stem width): found '4', allowed: 1-3"]),
    "three faults": (
        changed(CODE, at0="3", at2="7", at44="9"),
        [
            "position 0 (image size): found '3', allowed: 1",
            "position 2 (depth of stage 2): found '7', allowed: 2-5",
            "position 44 (stage 4, block 2, conv1): found '9', allowed: 1-7",
        ],
    ),
    "three faults in one stage": (
        changed(CODE, at3="1", at30="9", at35="6"),
        [
            "position 3 (depth of stage 3): found '1', allowed: 2-8",
            "position 30 (stage 3, block 3, conv1): found '9', allowed: 1-5",
            "position 35 (stage 3, block 5, conv2): found '6', allowed: 1-5",
        ],
    ),
    "positions of the documented form": (
        changed(DOCUMENTED, at7="0", at50="3"),
        [
            "position 7 (stage 1, block 2, conv1): found '0', allowed: 1-3, for the stage has 3 blocks",
            "position 50 (stage 4, block 5, conv2): found '3', allowed: 0, for the stage has 3 blocks",
        ],
    ),
}


@pytest.mark.parametrize(("code", "problems"), VIOLATIONS.values(), ids=VIOLATIONS)
@pytest.mark.parametrize("space", [RESNET48, RESNET48_MINI], ids=lambda space: space.name)
def test_every_violation_is_named(space: ResNet48, code: str, problems: list[str]) -> None:
    assert space.problems(code) == problems


def test_refusal_names_code_and_space() -> None:
    with pytest.raises(InputError) as refusal:
        RESNET48.parse(changed(CODE, at0="3", at5="4"))
    assert refusal.value.problems == (
        f"code '3{CODE[1:5]}4{CODE[6:]}' is not in space resnet48: position 0 (image size): found '3', allowed: 1",
        f"code '3{CODE[1:5]}4{CODE[6:]}' is not in space resnet48: position 5 (stem width): found '4', allowed: 1-3",
    )


def test_a_long_code_is_cut_in_messages() -> None:
    with pytest.raises(InputError, match=r"code '1{60}\.\.\. \(1000000 characters\)' is not in space resnet48"):
        get_space("resnet48").parse(1_000_000 * "1")


def test_wide_space_takes_seven_digits_everywhere() -> None:
    code = uniform("7777", MAX_DEPTHS)
    assert RESNET48_WIDE.format(RESNET48_WIDE.parse(code)) == code
    assert len(RESNET48.problems(code)) == 1 + 2 * 5 + 2 * 5 + 2 * 8  # the stem, and all of stages 1 to 3


@given(
    seed=st.integers(0, 2**32 - 1),
    changes=st.lists(st.tuples(st.integers(0, 51), st.sampled_from("0123456789x\n")), max_size=3),
)
def test_one_expression_says_what_the_rules_say(seed: int, changes: list[tuple[int, str]]) -> None:
    """Codes are first held against an expression, and against the rules only if they are none."""
    for space in (RESNET48, RESNET48_WIDE):
        code = space.format(space.sample(np.random.default_rng(seed)))
        for position, character in changes:
            code = changed(code, **{f"at{position}": character})
        valid = space._valid.fullmatch(code) is not None
        assert valid == (code.isdigit() and not list(space._violations(code, 0)))
