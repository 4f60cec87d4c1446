"""One candidate's network, drawn block by block against the largest of its space."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app import text, theme
from app.views.blocks import Block

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
        ticktext=[block.name for block in largest],
        showgrid=False,
        range=[-0.6, len(largest) - 0.4],
    )
    figure.update_xaxes(title_text="Block (stage.number), from input to output", row=2)
    return figure


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
