import numpy as np
import pandas as pd
import pytest

from app.figures import agreement as figures
from app.views import agreement as views
from app.views.candidates import SCORES


def both(count: int) -> views.Both:
    rng = np.random.default_rng(0)
    codes = [str(number) for number in range(count)]
    frame = pd.DataFrame({"id": [f"<b>{code}" for code in codes], "code": codes, "top1": rng.normal(70, 3, count)})
    results = pd.DataFrame({"top1": frame["top1"].to_numpy() + rng.normal(0, 3, count)}, index=codes)
    found = views.both(views.Two(frame, results, SCORES["Top-1"]))
    assert found is not None
    return found


@pytest.mark.parametrize("count", [200, 20_000])
def test_few_are_points_and_many_a_density_that_does_not_grow(count: int) -> None:
    found = both(count)
    moved = views.movers(found, 20)
    figure = figures.ranks(found, moved, "one", "<i>two")
    first = figure.data[0]
    if count == 200:
        assert first.type == "scatter"
        assert len(first.x) == count
    else:
        assert first.type == "heatmap"
        assert np.nansum(first.z) == count
    assert sum(len(trace.x) for trace in figure.data if trace.name == "moved most") == 40
    assert figure.layout.yaxis.title.text == "Rank in &lt;i&gt;two"  # a name from a file is no markup
    assert figure.layout.xaxis.range[0] > figure.layout.xaxis.range[1]  # the best at the right
    assert len(figure.to_json()) < 300_000
