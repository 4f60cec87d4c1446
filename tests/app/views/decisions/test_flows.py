import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.views.decisions import flows
from tests.app.views.decisions.test_additive import scored

GIVEN = scored(400, lambda answers, rng: answers[:, 0] + rng.normal(0, 1, len(answers)), space="resnet48-mini")
NAMES = [decision.name for decision in GIVEN.space.decisions]
AXES = flows.axes(GIVEN, NAMES[:3] + NAMES[-2:])


@st.composite
def brushes(draw: st.DrawFn) -> dict[str, list[str]]:
    named = draw(st.lists(st.sampled_from(AXES), unique_by=lambda axis: axis.name))
    return {axis.name: draw(st.lists(st.sampled_from((*axis.options, "nonsense")))) for axis in named}


@settings(max_examples=40, deadline=None)
@given(brushes())
def test_every_network_goes_from_axis_to_axis_once(brush: dict[str, list[str]]) -> None:
    mask = flows.kept(AXES, brush)
    table = flows.flows(AXES, GIVEN, mask)
    for _, rows in table.groupby("axis"):
        assert rows["all"].sum() == len(mask)
        assert rows["kept"].sum() == mask.sum()
    assert (table["kept"] <= table["all"]).all()
    assert len(flows.best(GIVEN, mask, 400)) == mask.sum()
    for axis in AXES:
        wanted = {axis.options.index(each) for each in brush.get(axis.name, ()) if each in axis.options}
        assert not wanted or set(axis.places[mask]) <= wanted


def test_the_table_holds_what_is_brushed_best_first() -> None:
    option = AXES[0].options[1]
    mask = flows.kept(AXES, {AXES[0].name: [option], flows.SCORE: [flows.FIFTHS[-1]]})
    table = flows.best(GIVEN, mask, 5)
    chosen = [GIVEN.codes.index(code) for code in table["code"]]
    assert (np.diff(table["score"]) <= 0).all()
    assert (AXES[0].places[chosen] == 1).all()
    assert (table["score"] > np.quantile(GIVEN.score, 0.79)).all()
    assert table["rank"].tolist() == sorted(table["rank"])


def test_absent_answers_have_a_place_of_their_own() -> None:
    assert any(flows.NOT_THERE in axis.options for axis in flows.axes(GIVEN, NAMES))
