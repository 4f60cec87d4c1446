"""Priors that a recipe names."""

from pathlib import Path

import numpy as np
import pytest

from toolkit.candidates import draw_candidates, write_entries
from toolkit.errors import InputError
from toolkit.priors.values import write_scores
from toolkit.sampling.prior import prior_of
from toolkit.spaces import get_space

SPACE = get_space("resnet48-mini")


def test_costs() -> None:
    arch = SPACE.sample(np.random.default_rng(0))
    assert prior_of("macs", SPACE)(arch) == SPACE.cost(arch).macs
    assert prior_of("parameters", SPACE)(arch) == SPACE.cost(arch).params
    macs = prior_of("macs", SPACE)
    assert macs.pool is None
    assert macs.sample(np.random.default_rng(0)) == arch


def test_a_file_as_supernet_prior_writes_it(tmp_path: Path) -> None:
    codes = draw_candidates(SPACE, 20, 0)
    write_scores(tmp_path / "zen.json", codes, {code: 0.5 * i - 3 for i, code in enumerate(codes.values())})
    prior = prior_of(f"file:{tmp_path}/zen.json", SPACE)
    archs = [SPACE.parse(code) for code in codes.values()]
    assert prior.pool == tuple(archs)
    assert [prior(arch) for arch in archs] == [0.5 * i - 3 for i in range(20)]
    rng = np.random.default_rng(0)
    assert {prior.sample(rng) for _ in range(200)} == set(archs)
    with pytest.raises(InputError, match="has no score of 1"):
        prior(SPACE.largest)


def test_what_cannot_be_a_prior(tmp_path: Path) -> None:
    for spec, message in {
        "zenn": "did you mean|there are: macs, parameters, file:PATH",
        "file:": "names no file",
        f"file:{tmp_path}/absent.json": "absent.json: cannot be read",
    }.items():
        with pytest.raises(InputError, match=message):
            prior_of(spec, SPACE)


def test_a_network_with_two_scores_is_refused(tmp_path: Path) -> None:
    code = SPACE.format(SPACE.largest)
    path = tmp_path / "scores.json"
    write_entries(path, {"a": code, "b": code, "c": code}, {"a": 1.0, "b": 1.0, "c": 2.0})
    with pytest.raises(InputError) as refusal:
        prior_of(f"file:{path}", SPACE)
    assert refusal.value.problems == (
        f"{path}: c has the code of an earlier entry but another score; keep one of them",
    )
