"""What the networks that are put first are worth."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from app import theme
from app.figures.ranking import SYMBOLS, colors, plain
from app.views.ranking.picks import BLIND
from app.views.ranking.subject import SCORE


def regret(table: pd.DataFrame) -> go.Figure:
    """How much worse the best of the first K is than the best of all, for every estimator, on a logarithmic axis.

    No regret has no place there: it is drawn on the lowest line, which is named 0.

    Args:
        table: `views.ranking.picks.picks`.
    """
    figure = go.Figure()
    floor, ticks = _ticks(table["regret"].to_numpy(float))
    hues = colors(list(table["estimator"].unique())) | {BLIND: theme.NEUTRAL}
    for number, (name, rows) in enumerate(table.groupby("estimator", sort=False)):
        figure.add_scatter(
            x=rows["size"],
            y=np.maximum(rows["regret"], floor),
            customdata=rows["regret"],
            mode="lines+markers",
            name=plain(str(name)),
            line={
                "color": hues[str(name)],
                "width": 3 if name == SCORE else 1.5,
                "dash": "dot" if name == BLIND else "solid",
            },
            marker={"size": 8 if name == SCORE else 6, "symbol": SYMBOLS[number % len(SYMBOLS)]},
            hovertemplate="%{customdata:.4~g}",
        )
    theme.style(figure, height=380, hovermode="x unified")
    figure.update_xaxes(type="log", dtick=1, title_text="K: how many networks are taken")
    figure.update_yaxes(
        type="log",
        tickvals=[floor, *ticks],
        ticktext=["0", *(f"{tick:g}" for tick in ticks)],
        range=[np.log10(floor) - 0.08, np.log10(max(ticks[-1], table["regret"].max())) + 0.08],
        title_text="regret, in units of the truth",
        title_standoff=16,
    )
    return figure


def _ticks(regrets: npt.NDArray[np.float64]) -> tuple[float, list[float]]:
    """Where 0 is drawn, and the powers of ten above it that regrets reach; their halves too if they are few."""
    some = regrets[regrets > 0]
    if not len(some):
        return 0.1, [1.0]
    low, high = int(np.floor(np.log10(some.min()))), int(np.ceil(np.log10(some.max())))
    powers = [10.0**power for power in range(low, high + 1)]
    return 10.0**low / 3, powers if len(powers) > 3 else sorted({*powers, *(power / 2 for power in powers[1:])})
