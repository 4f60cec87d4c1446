"""Charts of the Search page: what stands in them comes from `app.views.search`."""

import pandas as pd
import plotly.graph_objects as go

from app import text, theme

HEIGHT, ROW = 320, 22
LABELS = {
    "greedy_reward": "greedy",
    "sampled_reward": "sampled",
    "samples": "drawn",
    "distinct_samples": "different",
    "effective_samples": "effective",
    "best": "best so far",
    "mean": "mean of the round",
}


def decided(table: pd.DataFrame, x: str) -> go.Figure:
    """Entropies of decisions (columns, as shares of the most possible) over steps or scored networks (index)."""
    figure = go.Figure(
        go.Heatmap(
            x=table.index,
            y=list(table),
            z=table.to_numpy().T,
            zmin=0,
            zmax=1,
            colorscale=[[place / (len(theme.VIRIDIS) - 1), shade] for place, shade in enumerate(theme.VIRIDIS)],
            colorbar={"title": {"text": "undecided", "side": "right"}, "thickness": 10, "tickformat": ".0%"},
            hovertemplate="%{y} at %{x:,}: %{z:.0%} of its entropy left<extra></extra>",
        )
    )
    figure.update_xaxes(title=x)
    figure.update_yaxes(autorange="reversed", type="category")
    return theme.style(figure, max(HEIGHT, ROW * len(table.columns) + 60))


def shares(table: pd.DataFrame) -> go.Figure:
    """Shares of operations (columns) over epochs (index), stacked: they sum to 1."""
    figure = go.Figure()
    for number, name in enumerate(map(str, table)):
        figure.add_bar(
            x=table.index,
            y=table[name],
            name=name,
            marker={"color": theme.color(number)},
            hovertemplate="%{y:.0%}",
        )
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title="share", tickformat=".0%", range=[0, 1])
    return theme.style(figure, HEIGHT, barmode="stack", hovermode="x unified")


def lines(table: pd.DataFrame, x: str, y: str) -> go.Figure:
    """Columns over the index."""
    figure = go.Figure()
    for number, name in enumerate(map(str, table)):
        line = table[name].dropna()
        figure.add_scatter(
            x=line.index,
            y=line,
            name=LABELS.get(name, name),
            mode="lines",
            line={"color": theme.color(number), "dash": theme.DASHES[number % len(theme.DASHES)]},
            hovertemplate="%{y:.4g}",
        )
    figure.update_xaxes(title=x)
    figure.update_yaxes(title=y)
    return theme.style(figure, HEIGHT, hovermode="x unified")


def advantages(values: "pd.Series[float]") -> go.Figure:
    """How far rewards were from the baseline: the share at 0 moved nothing."""
    figure = go.Figure(go.Histogram(x=values, nbinsx=50, marker={"color": theme.BLUE}))
    figure.add_vline(x=0, line={"color": theme.NEUTRAL, "dash": "dash"})
    figure.update_xaxes(title="advantage")
    figure.update_yaxes(title="samples")
    return theme.style(figure, HEIGHT, showlegend=False)


def strips(table: pd.DataFrame) -> go.Figure:
    """The probability of every option, a row per decision; words are the options."""
    decisions = list(dict.fromkeys(table["decision"]))
    rows = [table[table["decision"] == decision] for decision in decisions]
    widest = max(map(len, rows))

    def padded(column: str, fill: object) -> list[list[object]]:
        return [[*row[column], *[fill] * (widest - len(row))] for row in rows]

    figure = go.Figure(
        go.Heatmap(
            y=decisions,
            z=padded("p", None),
            text=padded("option", ""),
            zmin=0,
            zmax=1,
            xgap=2,
            ygap=2,
            colorscale=[[0, theme.CLEAR_BLUE], [1, theme.HALF_BLUE]],
            colorbar={"title": {"text": "probability", "side": "right"}, "thickness": 10, "tickformat": ".0%"},
            hovertemplate="%{y} = %{text}: %{z:.1%}<extra></extra>",
            hoverongaps=False,
        )
    )
    # A heatmap chooses the colour of its own letters for opaque fields; these are the page's.
    figure.add_scatter(
        x=[place for row in rows for place in range(len(row))],
        y=[decision for decision, row in zip(decisions, rows, strict=True) for _ in range(len(row))],
        text=[str(option) for row in rows for option in row["option"]],
        mode="text",
        textfont={"size": 11},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(autorange="reversed", type="category")
    return theme.style(figure, max(HEIGHT, ROW * len(decisions) + 60))


def cloud(table: pd.DataFrame, cost: str) -> go.Figure:
    """Scores against a cost; those that no other beats in score and MACs are a line."""
    unit = text.unit(float(table[cost].max()))
    front = table[table["front"]].sort_values(cost)
    figure = go.Figure()
    figure.add_scattergl(
        x=table[cost] / unit.factor,
        y=table["score"],
        mode="markers",
        name="scored",
        marker={"size": 5, "color": theme.BLUE, "opacity": 0.6},
        text=table["id"],
        hovertemplate="%{text}: %{y:.4f}<extra></extra>",
    )
    figure.add_scatter(
        x=front[cost] / unit.factor,
        y=front["score"],
        mode="lines+markers",
        name="Pareto front",
        line={"color": theme.VERMILLION, "shape": "hv"},
        text=front["id"],
        hovertemplate="%{text}: %{y:.4f}<extra></extra>",
    )
    figure.update_xaxes(title=text.axis_title({"macs": "MACs", "params": "Parameters"}[cost], unit.name))
    figure.update_yaxes(title="score")
    return theme.style(figure, HEIGHT + 80)
