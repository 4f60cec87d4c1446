"""Colours and the look of every figure, defined once.

The categorical palette is that of Okabe and Ito (2008), the scale viridis: both stay distinguishable in the common
forms of colour blindness, on light and dark ground. Texts, grids and grounds of figures are left to Streamlit's theme,
which follows the reader's choice of light or dark.
"""

import base64
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

BLUE, VERMILLION, GREEN, SKY, ORANGE, PINK = "#0072b2", "#d55e00", "#009e73", "#56b4e9", "#e69f00", "#cc79a7"
BLUE_ON_DARK = "#3a98da"
"""The accent of the dark theme: light enough for its ground, also where that is tinted by it."""

CATEGORICAL = (BLUE, VERMILLION, GREEN, SKY, ORANGE, PINK)
DASHES = ("solid", "dash", "dot", "dashdot")
"""Tell series apart once the colours begin anew."""

ON_BLUE = "#ffffff"
"""Letters on a blue ground."""

NEUTRAL = "#8c929c"
"""Grey that shows on light and dark ground: what is there only for comparison."""

FAINT = "rgba(140, 146, 156, 0.22)"
"""The same as a ground: outlines, largest networks, raw curves behind smoothed ones."""

PALE, PALE_ON_DARK = "#e9ebee", "#30333b"
"""Fields in which nothing special stands, on light and on dark ground."""

BAND = "rgba(213, 94, 0, 0.16)"
"""The margin of error around a vermillion line."""

CLEAR = "rgba(0, 0, 0, 0)"
CLEAR_BLUE = "rgba(0, 114, 178, 0)"
"""Where a scale of blues begins: from any other clear colour, the shades between would be grey."""

HALF_BLUE = "rgba(0, 114, 178, 0.6)"
"""Where it ends if the page's own letters stand on it, dark or light."""

VIRIDIS = ("#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151")
"""Viridis from 20 % to 80 %: its ends are lost on dark and on white ground."""

STYLE = """<style>
/* White letters on the lighter blue of the dark theme would have too little contrast. */
@media (prefers-color-scheme: dark) { [data-testid="stBaseButton-primary"] p { color: #0e1117; } }
[data-testid="stMainBlockContainer"] { padding: 3rem 2.5rem 3rem; max-width: 1500px; }
/* Streamlit's grey of axes and numbers has a contrast of 3.8 on white. White letters stand on colours. */
.js-plotly-plot :is([class$="tick"], .cbaxis, .infolayer [class^="g-"], .cbtitle, .annotation-text-g) text,
.js-plotly-plot .bartext-outside, .js-plotly-plot .textpoint text:not([style*="rgb(255, 255, 255)"]) {
  fill: currentColor !important;
}
.st-key-answer p { font-size: 1.15rem; font-weight: 600; line-height: 1.45; }
[data-testid="stPageLink-NavLink"] { padding-left: 0; }
/* Streamlit's advertisement of skills for coding agents lies on our verdicts, and its button writes files. */
[data-testid="stSkillsNudge"] { display: none; }
/* On a phone figures keep a width in which their panels can be told apart, and scroll. */
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding: 3rem 1rem; }
  [data-testid="stElementContainer"]:has([data-testid="stPlotlyChart"]) { overflow-x: auto; }
  [data-testid="stFullScreenFrame"]:has([data-testid="stPlotlyChart"]) { min-width: 620px; }
}
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p { color: inherit; }
[data-testid="stCaptionContainer"] { opacity: 0.8; }
[data-testid="stCaptionContainer"] code { color: inherit; }
</style>"""
"""What Streamlit's own theme options do not reach: room for figures at 1280 pixels, captions that can be read.

Its captions have a contrast of 3.9; WCAG 2.2 AA asks for 4.5.
"""

MONOSPACE = "ui-monospace, 'Source Code Pro', 'DejaVu Sans Mono', monospace"

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "toImageButtonOptions": {"format": "svg"},
    "modeBarButtonsToRemove": ["autoScale2d", "zoomIn2d", "zoomOut2d"],
}
"""Plotly's own controls: download as SVG, zoom, reset."""


def style(figure: go.Figure, height: int, **layout: object) -> go.Figure:
    """Give a figure the common look, in place."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 32, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": None},
        hoverlabel={"font": {"family": MONOSPACE, "size": 12}, "align": "left", "namelength": -1},
    )
    figure.update_xaxes(automargin=True, zeroline=False, title_standoff=8)
    figure.update_yaxes(automargin=True, zeroline=False, title_standoff=8)
    figure.update_layout(**layout)
    return figure


def sparkline(values: Sequence[float], width: int = 72, height: int = 20) -> str:
    """A curve so small that it needs no axes, as an image."""
    low, high = min(values), max(values)
    across = [width * i / max(len(values) - 1, 1) for i in range(len(values))]
    down = [height - 2 - (height - 4) * (value - low) / ((high - low) or 1.0) for value in values]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
    svg += f'<polyline points="{points}" fill="none" stroke="{BLUE}" stroke-width="1.5"/></svg>'
    return f'<img alt="Small curve" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'


def color(index: int) -> str:
    """The colour of the index-th series; they begin anew after six."""
    return CATEGORICAL[index % len(CATEGORICAL)]


def dash(index: int) -> str:
    """The dash of the index-th series: another one for every six colours."""
    return DASHES[index // len(CATEGORICAL) % len(DASHES)]


def steps(count: int) -> list[tuple[float, str]]:
    """Viridis in `count` even steps, as a plotly colour scale for whole numbers 0 ... count - 1."""
    shades = sample_colorscale(list(VIRIDIS), count) if count > 1 else [VIRIDIS[0]]
    return [(edge / count, shade) for i, shade in enumerate(shades) for edge in (i, i + 1)]
