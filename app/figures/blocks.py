"""One candidate's network, drawn block by block against the largest of its space, and the cells it repeats."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app import text, theme
from app.views.blocks import NOTHING, Block, Graph

HEIGHT = 420
STREAM, INSIDE = "output of a block", "inside a block"
GHOST = {"color": theme.FAINT, "line": {"color": theme.NEUTRAL, "width": 0.5}}


def network(blocks: list[Block], largest: list[Block]) -> go.Figure:
    """Above, every convolution as tall as it has channels, from input to output; below, where the compute goes.

    What the largest network has there stands behind in grey, so that missing blocks and narrower layers show.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.05)
    unit = text.unit(max(block.macs for block in largest))
    for drawn, ghost in ((largest, True), (blocks, False)):
        _add_widths(figure, drawn, largest, ghost=ghost)
        figure.add_bar(
            x=list(range(len(drawn))),
            y=[block.macs / unit.factor for block in drawn],
            marker=GHOST if ghost else {"color": theme.NEUTRAL},
            showlegend=False,
            customdata=[_hover(block, most) for block, most in zip(drawn, largest, strict=True)],
            hovertemplate="%{customdata}<extra></extra>",
            hoverinfo="skip" if ghost else None,
            row=2,
            col=1,
        )
    theme.style(figure, HEIGHT, barmode="overlay", bargap=0.1, legend_traceorder="reversed")
    figure.update_yaxes(title_text="Channels", showticklabels=False, showgrid=False, row=1)
    figure.update_yaxes(title_text=text.axis_title("MACs", unit.name), nticks=4, row=2)
    figure.update_xaxes(
        tickvals=list(range(len(largest))),
        ticktext=[_tick(block, most) for block, most in zip(blocks, largest, strict=True)],
        showgrid=False,
        range=[-0.6, len(largest) - 0.4],
    )
    figure.update_xaxes(title_text="Block (stage.number), from input to output", row=2)
    return figure


def cell(graph: Graph, operations: Sequence[str]) -> go.Figure:
    """A cell as a graph: nodes from its inputs to its output, and an arc for every edge in the style of its operation.

    Of a cell with two inputs, all other nodes together are the output.

    Args:
        operations: all that may stand on an edge, in the order of their colours.
    """
    figure = go.Figure()
    named: set[str] = set()
    peaks = [0.825, -0.55]
    for edge in graph.edges:
        span = edge.node - edge.source
        along = np.linspace(0, 1, 41)
        # Neighbours are joined straight on; arcs from odd nodes go below, others above.
        bend = 0.0 if span == 1 else 0.55 * span * (-1 if edge.source % 2 else 1)
        peaks.append(bend / 2)
        absent = edge.operation == NOTHING
        series = operations.index(edge.operation) if not absent else 0
        color = theme.NEUTRAL if absent else theme.color(series)
        figure.add_scatter(
            x=edge.source + span * along,
            y=bend * 4 * along * (1 - along) / 2,
            mode="lines",
            line={"color": color, "width": 1.5 if absent else 5, "dash": "dot" if absent else theme.dash(series)},
            name=edge.operation,
            legendgroup=edge.operation,
            showlegend=edge.operation not in named,
            hovertemplate=f"{edge.source} to {edge.node}: {edge.operation}, {text.si(edge.macs)} MACs<extra></extra>",
        )
        figure.add_annotation(
            x=edge.source + span / 2, y=bend / 2, text=edge.operation, showarrow=False, yshift=11, font={"size": 11}
        )
        named.add(edge.operation)
    nodes = list(range(graph.nodes))
    labels = [*["in"] * graph.inputs, *map(str, nodes[graph.inputs :])]
    if graph.inputs == 1:
        labels[-1] = "out"
    figure.add_scatter(
        x=nodes,
        y=[0] * len(nodes),
        mode="markers+text",
        marker={"size": 30, "color": theme.BLUE},
        text=labels,
        textfont={"color": theme.ON_BLUE, "size": 13},
        hoverinfo="skip",
        showlegend=False,
    )
    theme.style(figure, 300, hovermode="closest", showlegend=False, margin_t=8)
    figure.update_xaxes(visible=False, range=[-0.25, nodes[-1] + 0.25])
    figure.update_yaxes(visible=False, range=[min(peaks) - 0.2, max(peaks) + 0.275])
    return figure


def _tick(block: Block, most: Block) -> str:
    """A block's name, and what was chosen for it where several kinds may stand."""
    return f"{block.name}<br>{block.choice or '–'}" if most.choice else block.name


def _add_widths(figure: go.Figure, blocks: list[Block], largest: list[Block], *, ghost: bool) -> None:
    """One bar per convolution; those whose output leaves the block in another colour than those inside it."""
    for role, color in ((INSIDE, theme.SKY), (STREAM, theme.BLUE)):
        bars = [
            (i + (j + 0.5) / len(block.widths) - 0.5, 0.9 / len(block.widths), channels, i)
            for i, block in enumerate(blocks)
            for j, channels in enumerate(block.widths)
            if (role is STREAM) == (j == len(block.widths) - 1)
        ]
        if not bars:
            continue
        x, widths, heights, positions = zip(*bars, strict=True)
        figure.add_bar(
            x=x,
            y=heights,
            base=[-height / 2 for height in heights],
            width=widths,
            name="largest network" if ghost else role,
            showlegend=not ghost or role is STREAM,
            marker=GHOST if ghost else {"color": color},
            text=None if ghost else heights,
            textposition="outside",
            textfont={"size": 10},
            textangle=0,
            cliponaxis=False,
            customdata=[_hover(blocks[i], largest[i]) for i in positions],
            hovertemplate="%{y} channels<br>%{customdata}<extra></extra>",
            row=1,
            col=1,
        )


def _hover(block: Block, most: Block) -> str:
    costs = f"{text.si(block.macs)} MACs (largest {text.si(most.macs)}), {text.si(block.params)} parameters"
    return f"<b>{block.name}</b>: {block.text}<br>{costs}"
