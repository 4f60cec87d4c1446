"""The spaces of ProxylessNAS and BN-NAS against published networks; what every space must do is in test_spaces.py."""

import pytest

from tests.networks import thin
from tests.plain_torch import assert_computes_what_the_plain_network_does
from toolkit.methods.bn_nas import last_norms
from toolkit.spaces import Cost, get_space
from toolkit.spaces.plans import Choice
from toolkit.spaces.proxyless import BN_NAS, PROXYLESS


@pytest.mark.parametrize(
    ("code", "params", "macs"),
    [
        ("[3,-1,0,4,0,-1,-1,0,4,-1,4,4,1,4,2,0,0,4,0,2,2]", 5_228_536, 471_822_240),
        ("[0,-1,0,0,4,-1,-1,2,0,-1,4,4,3,0,2,1,0,4,2,5,2]", 5_780_560, 467_080_608),
    ],
)
def test_networks_of_bn_nas(code: str, params: int, macs: int) -> None:
    assert BN_NAS.cost(BN_NAS.parse(code)) == Cost(macs, params)
    assert BN_NAS.respelled(code.replace(",", ", ")) == code


def test_its_largest_is_once_for_all_s() -> None:
    ofa = get_space("ofa-proxyless")
    assert PROXYLESS.cost(PROXYLESS.largest) == ofa.cost(ofa.largest)


def test_where_nothing_may_stand() -> None:
    free = [place for place, decision in enumerate(PROXYLESS.decisions) if "identity" in decision.options]
    assert free == [1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19]
    assert [place for place, decision in enumerate(BN_NAS.decisions) if len(decision.options) == 7] == [1, 5, 6, 9]
    assert PROXYLESS.cardinality == 6**6 * 7**15


def test_choices_share_nothing() -> None:
    plan = PROXYLESS.widest[2]
    assert isinstance(plan, Choice)
    assert [name for name, _ in plan.branches] == ["k3e3", "k3e6", "k5e3", "k5e6", "k7e3", "k7e6"]


def test_bn_nas_reads_the_last_norm_of_each_choice() -> None:
    norms = last_norms(BN_NAS)
    assert norms[1] == [(f"blocks.3.{name}.bn3",) for name in BN_NAS.decisions[0].options] + [()]


def test_it_is_the_plain_network() -> None:
    small = thin(BN_NAS, 9)
    assert_computes_what_the_plain_network_does(small, small.parse("[4,-1,1]"))


@pytest.mark.parametrize(
    ("code", "problems"),
    [
        ("", ["found no list"]),
        ("[0,1]", ["found 2 numbers, allowed: 3"]),
        ("[6,0,-1]", ["block 1: found '6', allowed: 0 to 5", "block 3: found '-1'"]),
        ("[0,-2,٣]", ["block 2: found '-2', allowed: 0 to 5 (k3e3", "block 3: found '٣'"]),
        ("[0, 0,0]", ["block 2: found ' 0'"]),
    ],
)
def test_every_violation_is_named(code: str, problems: list[str]) -> None:
    found = thin(BN_NAS, 9).problems(code)
    assert len(found) == len(problems)
    assert all(one.startswith(start) for one, start in zip(found, problems, strict=True))
