import numpy as np
import pytest

from app.views.decisions import additive
from app.views.decisions.scored import Scored
from toolkit.candidates import draw_candidates
from toolkit.spaces import get_space
from toolkit.spaces.base import matrix


def scored(count: int, score, truth=None, space: str = "resnet20", seed: int = 0) -> Scored:
    chosen = get_space(space)
    codes = tuple(draw_candidates(chosen, count, seed).values())
    answers = matrix([chosen.parse(code) for code in codes])
    rng = np.random.default_rng(seed)
    nothing = np.full(count, np.nan)
    return Scored(chosen, codes, codes, answers, score(answers, rng), truth(answers, rng) if truth else nothing)


def test_known_effects_are_found_within_their_intervals() -> None:
    """A score of one curved and one straight effect, and noise."""
    curve = np.array([0.0, 3.0, 1.0, 1.0, 2.0, 0.0, 1.0, 5.0])

    def score(answers, rng):
        return curve[answers[:, 2]] + 0.5 * answers[:, 7] + rng.normal(0, 1.0, len(answers))

    given = scored(3000, score)
    found = additive.fit(given, given.score)
    assert not found.trends
    assert set(found.importance["decision"][:2]) == {given.space.decisions[i].name for i in (2, 7)}
    assert (
        found.importance.loc[found.importance["sure"], "decision"].tolist()[:2]
        == (found.importance["decision"].tolist()[:2])
    )
    assert found.importance["sure"].sum() <= 3  # 5 % of being more than two, in all
    for index in (2, 7):
        rows = found.effects[found.effects["decision"] == given.space.decisions[index].name]
        options = given.answers[:, index]
        signal = curve[np.unique(options)] if index == 2 else 0.5 * np.unique(options)
        true = (signal - np.average(signal, weights=np.bincount(options)[np.unique(options)])) / found.sd
        assert np.mean((rows["low"] <= true) & (true <= rows["high"])) > 0.7
        assert rows["effect"].to_numpy() == pytest.approx(true, abs=0.12)
    noise = 1.0 / given.score.var()
    assert found.explained == pytest.approx(1 - noise, abs=0.03)
    assert found.importance["share"].sum() == pytest.approx(found.explained, abs=0.03)


def test_intervals_cover_as_they_say() -> None:
    """Without any effect, 95 % of the intervals hold 0, and shares of the variance are about 0."""
    inside, shares, sure = [], [], 0
    for seed in range(12):
        given = scored(600, lambda answers, rng: rng.normal(0, 1, len(answers)), seed=seed)
        found = additive.fit(given, given.score)
        inside += ((found.effects["low"] < 0) & (found.effects["high"] > 0)).tolist()
        shares += found.importance["share"].tolist()
        sure += found.importance["sure"].any()
    assert 0.92 < np.mean(inside) < 0.975
    assert np.mean(shares) < 0.007  # uncorrected it would be 7 / 600
    assert sure <= 4


def test_an_interaction_is_found_and_none_is_invented() -> None:
    def score(answers, rng):
        a, b = answers[:, 1] - answers[:, 1].mean(), answers[:, 5] - answers[:, 5].mean()
        return answers[:, 3] + 0.3 * a * b + rng.normal(0, 0.5, len(answers))

    given = scored(2000, score)
    found = additive.fit(given, given.score).interactions
    names = {given.space.decisions[1].name, given.space.decisions[5].name}
    assert set(found.loc[0, ["first", "second"]]) == names
    assert found.loc[0, "sign"] == 1
    plain = scored(2000, lambda answers, rng: answers[:, 3] + rng.normal(0, 0.5, len(answers)))
    assert len(additive.fit(plain, plain.score).interactions) <= 1


def test_what_the_supernet_misjudges_is_told_from_what_it_sees() -> None:
    """The score sees decision 2 and misses decision 4."""

    def score(answers, rng):
        return answers[:, 2] + rng.normal(0, 0.3, len(answers))

    def truth(answers, rng):
        return answers[:, 2] + 0.8 * answers[:, 4] + rng.normal(0, 0.3, len(answers))

    given = scored(1500, score, truth)
    found = additive.fits(given)
    names = [decision.name for decision in given.space.decisions]
    assert found[additive.PREDICTED].importance["decision"][0] == names[2]
    assert set(found[additive.TRUE].importance["decision"][:2]) == {names[2], names[4]}
    assert names[4] in found[additive.MISJUDGED].importance["decision"][:2].tolist()
    rows = found[additive.MISJUDGED].effects
    wide = rows[rows["decision"] == names[4]]["effect"].to_numpy()
    assert wide[0] > 0 > wide[-1]  # narrow ones are over-estimated


@pytest.mark.parametrize("space", ["resnet48-mini", "nasbench201"])
def test_spaces_with_absent_blocks_and_with_operations(space: str) -> None:
    given = scored(900, lambda answers, rng: answers[:, 0] + rng.normal(0, 1, len(answers)), space=space)
    found = additive.fit(given, given.score)
    assert found.importance["decision"][0] == given.space.decisions[0].name
    assert np.isfinite(found.effects[["effect", "low", "high"]].to_numpy()).all()


def test_with_few_networks_there_are_lines_and_with_fewer_nothing() -> None:
    given = scored(120, lambda answers, rng: answers[:, 2] + rng.normal(0, 0.3, len(answers)))
    found = additive.fit(given, given.score)
    assert found.trends
    assert found.importance["decision"][0] == given.space.decisions[2].name
    assert additive.fit(scored(20, lambda a, _: a[:, 2].astype(float)), given.score[:20]) is None
    assert additive.fit(given, np.ones(120)) is None
