"""A verdict as one HTML file that needs nothing else: to send, to print, to keep."""

import shlex
from html import escape

import numpy as np
import pandas as pd

from app import theme
from app.views.ranking.subject import SCORE
from app.views.verdict import State, Verdict

_MARKS: dict[State, tuple[str, str]] = {
    "done": ("✓", theme.GREEN),
    "part": ("…", theme.ORANGE),
    "missing": ("–", theme.NEUTRAL),
    "bad": ("✗", theme.VERMILLION),
}

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-bottom: 0.2rem; }
.headline { font-size: 1.2rem; font-weight: 600; }
.note { font-size: 0.875rem; } pre { overflow-x: auto; padding: 0.6rem; border: 1px solid; border-radius: 0.4rem; }
table { border-collapse: collapse; } th, td { padding: 0.25rem 0.9rem 0.25rem 0; text-align: left; }
svg { width: 100%; height: auto; } svg text { fill: currentColor; font-size: 13px; }
"""


def to_html(verdict: Verdict) -> str:
    """The whole page; what comes from files is shown as it is."""
    parts = [
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>Verdict: {escape(verdict.name)}</title><style>{_STYLE}</style>",
        f'<h1>{escape(verdict.name)}</h1><p class="headline">{escape(verdict.headline)}</p>',
    ]
    for step in verdict.steps:
        mark, color = _MARKS[step.state]
        parts.append(f'<h2><span style="color:{color}">{mark}</span> {escape(step.title)}</h2>')
        parts.append(f"<p>{escape(step.said)}</p>")
        if step.title == "Ranking" and verdict.taus is not None:
            parts.append(_forest(verdict.taus))
        parts += [f'<p class="note">{escape(note)}</p>' for note in step.notes]
    if verdict.next and verdict.next.command:
        parts.append(f"<h2>Next</h2><pre>{escape(shlex.join(verdict.next.command))}</pre>")
    return "\n".join(parts) + "</html>\n"


def _forest(taus: pd.DataFrame) -> str:
    """Every tau as a point with its interval, one column a metric, with the numbers beside it."""
    metrics, names = list(taus["metric"].unique()), list(taus["estimator"].unique())
    ends = np.array([*taus["low"], *taus["high"], *taus["value"], 0.0], float)
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    high = high if high > low else low + 1
    width, row, left = 280, 40, 130
    svg = []
    for column, metric in enumerate(metrics):
        start = left + column * (width + 30)
        svg.append(f'<text x="{start}" y="18" font-weight="600">{escape(str(metric))}</text>')

        def at(value: float, start: int = start) -> float:
            return start + (value - low) / (high - low) * (width - 20)

        bottom = 30 + row * len(names)
        svg.append(
            f'<line x1="{at(0):.1f}" x2="{at(0):.1f}" y1="28" y2="{bottom}" stroke="{theme.NEUTRAL}" '
            'stroke-dasharray="2 3"/>'
        )
        for r in taus[taus["metric"] == metric].itertuples():
            if not np.isfinite(r.value):
                continue
            y = 30 + row * names.index(r.estimator) + 24
            color = theme.BLUE if r.estimator == SCORE else theme.NEUTRAL
            words = f"{r.value:.2f}"
            if np.isfinite(r.low) and np.isfinite(r.high):
                words += f" [{r.low:.2f}, {r.high:.2f}]"
                svg.append(
                    f'<line x1="{at(r.low):.1f}" x2="{at(r.high):.1f}" y1="{y}" y2="{y}" stroke="{color}" '
                    'stroke-width="3"/>'
                )
            svg.append(f'<circle cx="{at(r.value):.1f}" cy="{y}" r="5" fill="{color}"/>')
            middle = min(max(at(r.value), start + 55.0), start + width - 55.0)
            svg.append(f'<text x="{middle:.1f}" y="{y - 9}" text-anchor="middle">{words}</text>')
    svg += [f'<text x="0" y="{30 + row * i + 28}">{escape(str(name))}</text>' for i, name in enumerate(names)]
    size = f"0 0 {left + len(metrics) * (width + 30)} {40 + row * len(names)}"
    return f'<svg viewBox="{size}" role="img" aria-label="Kendall tau with 95 % intervals">{"".join(svg)}</svg>'
