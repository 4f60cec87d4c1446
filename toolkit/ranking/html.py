"""The rank report as one HTML file that needs nothing else: tables and plots, light or dark as the reader prefers."""

from collections.abc import Mapping
from html import escape

from toolkit.ranking import figures, words
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.layout import Section, sections
from toolkit.ranking.pairs import Network, Pairs
from toolkit.ranking.report import RankReport

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.35rem; line-height: 1.4; }
h2 { font-size: 1.1rem; margin-top: 2.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.8rem; text-align: right; border-bottom: 1px solid #8c929c55; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.scroll { overflow-x: auto; }
.note { border-left: 4px solid #e69f00; padding-left: 0.7rem; }
.small { opacity: 0.75; font-size: 0.9rem; }
"""


def to_html(report: RankReport, pairs: Pairs[Network], others: Mapping[str, FloatArray]) -> str:
    """The whole report.

    Args:
        pairs, others: what it was made of: scores and truths, and by name the values of priors and rivals.
    """
    plots = {
        "Agreement among all networks, and among the best": figures.agreement(report),
        "Predicted and true ranks": figures.ranks(pairs),
        "As the range is cut from the top": figures.cut(pairs, others),
    }
    if report.groups:
        plots["Who is under-estimated?"] = figures.shifts(report)
    parts = [f"<h1>{escape(report.summary)}</h1>", *(f'<p class="note">{escape(note)}</p>' for note in report.notes)]
    for number, (title, figure) in enumerate(plots.items()):
        plot = figure.to_html(
            full_html=False, include_plotlyjs=number == 0, div_id=f"plot-{number}", config={"displaylogo": False}
        )
        parts.append(f"<h2>{escape(title)}</h2>\n{plot}")
    parts += [_table(section) for section in sections(report)]
    parts += [f'<p class="small">{escape(note)}</p>' for note in words.footnotes(report)]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Rank report</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _table(section: Section) -> str:
    heading = "".join(f"<th>{escape(cell)}</th>" for cell in section.heading)
    rows = "\n".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in section.rows)
    note = f'\n<p class="small">{escape(section.note)}</p>' if section.note else ""
    table = f'<div class="scroll"><table>\n<tr>{heading}</tr>\n{rows}\n</table></div>'
    return f"<h2>{escape(section.title)}</h2>\n{table}{note}"
