import numpy as np
import pandas as pd
import pytest

from app.views.interference import ranking_error
from app.views.interference.readings import cells
from app.views.ranking.subject import Subject
from toolkit.interference.table import Row, as_frame
from toolkit.ranking.pairs import Pairs
from toolkit.spaces import Arch, SearchSpace, get_space

SPACE = get_space("nats-size")
WRONG = 2  # the decision whose first options the invented supernet over-estimates
NETWORKS = 400


@pytest.fixture(scope="module")
def subject() -> Subject:
    rng = np.random.default_rng(0)
    archs = tuple(sorted({SPACE.sample(rng) for _ in range(NETWORKS)}))
    truth = rng.normal(size=len(archs))
    scores = truth - 0.5 * np.array([arch[WRONG] for arch in archs])
    codes = tuple(map(SPACE.format, archs))
    return a_subject(Pairs(codes, scores, truth, 0, 0), SPACE, archs)


def a_subject(pairs: Pairs[str], space: SearchSpace | None = None, archs: tuple[Arch, ...] = ()) -> Subject:
    return Subject(
        "s", "t", pairs, ids={}, beside={}, width=None, every_score={}, every_truth={}, space=space, archs=archs
    )


def measured(values: list[float], measure: str = "gradient_cosine") -> pd.DataFrame:
    """A number for each decision, the same for all pairs of its options."""
    rows = [
        Row(measure, value, 0.01, 16, decision.blocks[0], decision.name, str(first), str(second))
        for value, decision in zip(values, SPACE.decisions, strict=True)
        for number, first in enumerate(decision.options)
        for second in decision.options[number + 1 :]
    ]
    return cells(as_frame(rows, 1, 1.0), measure)


def test_the_misjudged_branches_come_first(subject: Subject) -> None:
    table = ranking_error.clearest(subject, 4)
    name = SPACE.decisions[WRONG].name
    assert all(estimator.startswith(f"{name} = ") for estimator in table["estimator"])
    assert table["value"].is_monotonic_decreasing
    assert table["value"].iloc[0] > 10  # large options are under-estimated, small ones the other way
    assert table["value"].iloc[-1] < -10


def test_one_decision_explains_the_error(subject: Subject) -> None:
    share = ranking_error.explained(subject)["share"]
    assert share[WRONG] > 60
    assert share.drop(WRONG).abs().max() < 3  # chance is taken out


@pytest.mark.parametrize("per", ["branch", "decision"])
def test_points_join_what_is_known_of_both(subject: Subject, per: ranking_error.Per) -> None:
    points = ranking_error.points(subject, measured([0.5, np.nan, 0.1, 0.2, 0.3]), per)
    assert len(points) == (4 * 8 if per == "branch" else 4)
    assert points["error"].idxmax() in points.index[points["interference"].round(6) == 0.1]
    assert points["error_margin"].isna().all() == (per == "decision")
    assert (points["interference_margin"] > 0).all()


def test_a_relation_and_none(subject: Subject) -> None:
    related = ranking_error.points(subject, measured([0.5, 0.5, -0.5, 0.5, 0.5]), "branch")
    of_four = ranking_error.correlation(related)
    assert of_four.value is not None
    assert of_four.value < -0.3  # less cosine, more error
    assert of_four.side is None  # by four decisions nobody can tell how sure that is
    rng = np.random.default_rng(1)
    shuffled = related.assign(
        interference=rng.permutation(np.arange(len(related), dtype=float)), decision=np.arange(len(related)) // 2
    )
    null = ranking_error.correlation(shuffled)
    assert null.side == 0
    assert null.value is not None
    assert null.low is not None


def test_branches_of_a_decision_count_as_one() -> None:
    """Eight that are all alike tell no more than one, and the interval of 24 decisions is that of 24 points."""
    interference, noise = np.random.default_rng(0).normal(size=(2, 24))
    one = pd.DataFrame({"decision": np.arange(24), "interference": interference, "error": np.abs(interference + noise)})
    eight = pd.concat(8 * [one])
    assert ranking_error.correlation(eight) == ranking_error.correlation(one)


def test_too_few_points_say_nothing(subject: Subject) -> None:
    points = ranking_error.points(subject, measured([0.5, 0.4, 0.3, 0.2, 0.1]), "decision")
    assert ranking_error.correlation(points).value is None


def test_without_a_space_there_are_no_branches(subject: Subject) -> None:
    strange = a_subject(subject.pairs)
    assert ranking_error.explained(strange).empty
    assert ranking_error.clearest(strange).empty
    assert ranking_error.points(strange, measured([0.5, 0.4, 0.3, 0.2, 0.1]), "branch").empty
