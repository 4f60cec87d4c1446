"""Fitting: what is chosen, clipped, refused."""

import numpy as np
import pytest

from toolkit.errors import InputError
from toolkit.predictors.columns import SCORES, Features
from toolkit.predictors.predictor import MODELS, Options, fit, trust
from toolkit.spaces import SPACES, SearchSpace
from toolkit.spaces.base import Arch
from toolkit.spaces.derived import DerivedSpace


def drawn(space: SearchSpace, count: int, seed: int = 0) -> list[Arch]:
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_kind_of_features(space: SearchSpace) -> None:
    """One finite number for each network; names differ; the same alone and among others."""
    archs = [space.smallest, space.largest, *drawn(space, 30)]
    assert set(space.predicted_from) <= space.feature_kinds.keys()
    for kind in space.feature_kinds:
        features = Features.of(space, archs, [kind])
        matrix = features.matrix([kind])
        assert matrix.shape == (len(archs), len(features.names([kind])))
        assert np.isfinite(matrix).all()
        np.testing.assert_array_equal(Features.of(space, archs[1:2], [kind]).matrix([kind])[0], matrix[1])
    names = Features.of(space, archs).names(space.predicted_from)
    assert len(set(names)) == len(names)


def test_features_tell_networks_apart() -> None:
    """Different networks have different features, unless they are the same function."""
    for name in ("resnet20", "nats-size", "resnet48"):
        space = SPACES[name]
        archs = drawn(space, 200)
        features = Features.of(space, archs)
        matrix = features.matrix(space.predicted_from)
        assert len(np.unique(matrix, axis=0)) == len({space.plans(arch) for arch in archs})


def test_live_graph() -> None:
    space = SPACES["nasbench201"]
    codes = {
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|": {
            "live nor_conv_3x3": 4,
            "live nor_conv_1x1": 1,
            "live paths": 4,
            "longest convolutional depth": 8,
            "direct skip": 1,
            "connected": 1,
        },
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|none~2|": {
            "live nor_conv_3x3": 1,
            "live avg_pool_3x3": 1,
            "live edges": 2,
            "live paths": 1,
            "longest convolutional depth": 3,
            "direct skip": 0,
        },
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|none~0|none~1|none~2|": {"live edges": 0, "connected": 0},
    }
    columns = space.feature_kinds["live-graph"]([space.parse(code) for code in codes])
    for row, expected in enumerate(codes.values()):
        assert {name: columns[name][row] for name in expected} == expected


def test_a_derived_space_is_predicted_as_its_base() -> None:
    space = SPACES["resnet20"]
    derived = DerivedSpace(space)
    archs = drawn(space, 5)
    assert derived.predicted_from == space.predicted_from
    np.testing.assert_array_equal(
        Features.of(derived, archs).matrix(space.predicted_from), Features.of(space, archs).matrix(space.predicted_from)
    )


@pytest.mark.parametrize("model", ["auto", *MODELS])
def test_an_additive_truth_is_learned(model: str) -> None:
    space = SPACES["resnet20"]
    archs = drawn(space, 400)
    features = Features.of(space, archs)
    weights = np.linspace(0.1, 1, 38)
    truth = features.matrix(["log-widths", "inverse-widths"]) @ weights
    found = fit(features.take(range(100)), truth[:100], Options(model)).predict(features.take(range(100, 400)))
    assert np.corrcoef(found.mean, truth[100:])[0, 1] > 0.99


def test_products_are_taken_where_they_explain() -> None:
    space = SPACES["nats-size"]
    archs = drawn(space, 300)
    features = Features.of(space, archs, ["log-widths", "pairs"])
    truth = features.kinds["pairs"]["log width1 * log width5"].copy()
    predictor = fit(features, truth, Options(clip=0))
    assert "pairs" in predictor.kinds or predictor.name == "gp"
    left_out = fit(features, truth, Options("ridge", clip=0)).left_out().mean
    assert np.corrcoef(left_out, truth)[0, 1] > 0.99


@pytest.mark.parametrize("role", ["feature", "mean"])
def test_a_score_is_used(role: str) -> None:
    space = SPACES["nasbench-macro"]
    archs = drawn(space, 200)
    score = np.random.default_rng(1).normal(size=200)
    features = Features.of(space, archs, scores={"score": score})
    predictor = fit(features.take(range(40)), 10 * score[:40] + 50, Options(role=role, clip=0))
    found = predictor.predict(features.take(range(40, 200))).mean
    assert np.corrcoef(found, score[40:])[0, 1] > (0.999 if role == "mean" else 0.9)
    assert abs(predictor.left_out().mean.mean() - (10 * score[:40] + 50).mean()) < 1  # in the labels' own unit


def test_low_labels_are_clipped() -> None:
    space = SPACES["nats-size"]
    features = Features.of(space, drawn(space, 100))
    labels = np.linspace(80.0, 90.0, 100)
    labels[:2] = 10.0
    predictor = fit(features, labels)
    assert predictor.clipped == 2
    assert predictor.labels.min() > 79
    assert fit(features, labels, Options(floor=85.0)).labels.min() == 85


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.arange(5.0), "at least 10"),
        (np.full(20, 0.5), "equal labels order nothing"),
        (np.array([*range(19), np.nan]), "1 labels are no finite numbers"),
        (np.array([1.0] * 10 + [2.0] * 10), "after clipping"),
    ],
)
def test_bad_labels(labels: np.ndarray, says: str) -> None:
    space = SPACES["nats-size"]
    with pytest.raises(InputError, match=says):
        fit(Features.of(space, drawn(space, len(labels))), labels, Options(floor=3.0 if "clip" in says else None))


def test_unknown_features() -> None:
    with pytest.raises(InputError, match="did you mean 'log-widths'"):
        Features.of(SPACES["resnet20"], [], ["log-width"])


def test_trust_grows_with_agreement() -> None:
    assert [trust(tau) for tau in (-0.2, 0.0, 0.3, 0.45, 0.6, 0.9)] == [0, 0, 0.5, 1, 2, 2]


def test_scores_are_a_kind_of_their_own() -> None:
    features = Features.of(SPACES["nats-size"], drawn(SPACES["nats-size"], 3), scores={"a": np.arange(3.0)})
    assert features.take([2]).kinds[SCORES]["a"].tolist() == [2.0]
