"""Coloured cells, the one way in which the page shows what a measure says of a place.

Colour means that a value is more than chance: orange where it hurts, blue where it helps or is merely
counted, the fuller the larger. What may be chance is hatched, what has no number is empty.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from app import theme
from app.views.interference.readings import ends
from toolkit.interference.table import Measure

GAP = 0.95
"""Share of its place that a cell fills."""


@dataclass(frozen=True, slots=True)
class Look:
    """How values of a measure are coloured.

    Attributes:
        ends: the smallest and the largest value.
        stretched: the colours run from the one to the other, wherever 0 is.
        difference: values are differences of two runs, so that they have signs in any case.
        dark: the ground is dark. (Colours of cells are opaque, so that plotly can choose letters that show on them.)
    """

    measure: Measure
    ends: tuple[float, float]
    stretched: bool = False
    difference: bool = False
    dark: bool = False

    @property
    def pale(self) -> str:
        """The colour of cells that say nothing."""
        return theme.PALE_ON_DARK if self.dark else theme.PALE

    @property
    def axis(self) -> dict[str, Any]:
        """As a colour axis of plotly's."""
        worse, better = theme.VERMILLION, theme.BLUE_ON_DARK if self.dark else theme.BLUE
        low, high = (better, worse) if self.measure.bad == "high" else (worse, better)
        largest = max(map(abs, self.ends)) or 1.0
        if self.stretched and self.ends[0] < self.ends[1]:
            shades, (least, most) = [low, self.pale, high] if self.measure.bad else [self.pale, high], self.ends
        elif self.difference or self.measure.signed:
            shades, least, most = [low, self.pale, high], -largest, largest
        else:
            shades, least, most = [self.pale, high], 0.0, largest
        title = "difference" if self.difference else self.measure.label
        return {
            "colorscale": [[number / (len(shades) - 1), shade] for number, shade in enumerate(shades)],
            "cmin": least,
            "cmax": most,
            "colorbar": {"title": {"text": title, "side": "right"}, "thickness": 10, "outlinewidth": 0, "nticks": 5},
        }

    def shades(self, values: "pd.Series[float]") -> list[str]:
        """The colours of values.

        Plotly could find them, but would choose letters for the cells before, and warn that the values are no colours.
        """
        axis = self.axis
        places = ((values - axis["cmin"]) / (axis["cmax"] - axis["cmin"])).clip(0, 1)
        return list(sample_colorscale(axis["colorscale"], places.tolist()))


def add_cells(figure: go.Figure, cells: pd.DataFrame, look: Look, *, size: int = 11, **place: int) -> None:
    """Add cells of width 1 to a figure.

    Args:
        cells: `x` and `y` of the middles, `height`, `value`, `sure`, `words` inside, `hover`, and `key`: what a click
            on it selects.
        size: of the words.
        place: `row` and `col` of the subplot, if there are several.
    """
    known, sure = cells["value"].notna(), cells["sure"].astype(bool)
    hatch = {"shape": "/", "size": 5, "solidity": 0.15, "fgcolor": theme.NEUTRAL, "bgcolor": look.pale}
    kinds: list[tuple[pd.Series[bool], dict[str, Any]]] = [
        (known & sure, {"color": look.shades(cells.loc[known & sure, "value"])}),
        (known & ~sure, {"color": look.pale, "pattern": hatch}),
        (~known, {"color": theme.CLEAR, "line": {"color": theme.FAINT, "width": 1}}),
    ]
    for chosen, marker in kinds:
        shown = cells[chosen]
        if shown.empty:
            continue
        figure.add_bar(
            x=shown["x"],
            y=GAP * shown["height"],
            base=shown["y"] - GAP * shown["height"] / 2,
            width=GAP,
            marker={"line": {"width": 0}, **marker},
            text=shown["words"],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            insidetextfont={"size": size},
            showlegend=False,
            customdata=shown[["key", "hover"]].astype(str),
            hovertemplate="%{customdata[1]}<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            **place,
        )


def add_scale(figure: go.Figure, look: Look) -> None:
    """Show beside a figure how its cells are coloured: by a point without a place, for they have their colours."""
    marker = {"color": [0.0], "coloraxis": "coloraxis"}
    figure.add_scatter(x=[None], y=[None], mode="markers", marker=marker, showlegend=False)
    figure.update_layout(coloraxis=look.axis)


def number(value: float, half: float = np.nan, *, sure: bool = True, measure: Measure | None = None) -> str:
    """A value with its 95 % interval, such as `0.31 ± 0.04`, and whether it may be chance.

    Where the `measure` ends sooner than the interval would, both ends: `0.03 (0 to 0.07)`.
    """
    if not np.isfinite(value):
        return "no number"
    shown = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    if np.isfinite(half):
        low, high = ends(value, half, measure)
        shown += f" ({low:.2g} to {high:.2g})" if high - low < 1.999 * half else f" ± {half:.2g}"
    return shown + ("" if sure else ": may be chance")
