"""One candidate in full: its results, its costs, and its network drawn."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app import text, ui
from app.chart import chart
from app.figures import blocks as figures
from app.verbatim import verbatim
from app.views.blocks import NOTHING, Block, Graph, blocks, cells
from app.views.candidates import Candidate, sampling_error
from toolkit.spaces import SearchSpace


def show(space: SearchSpace, candidate: Candidate, total: int, took: Mapping[str, float]) -> None:
    """Lay out a candidate of `space` that was ranked among `total`.

    Args:
        took: its milliseconds by device; NaN: not known.
    """
    ui.facts(
        {
            "Rank": f"{candidate.rank:,} of {total:,}" if candidate.rank else None,
            "Top-1": f"{candidate.top1:.2f} % ± {sampling_error(candidate.top1, candidate.images):.2f}",
            "Top-5": f"{candidate.top5:.2f} %",
            "Loss": f"{candidate.loss:.4f}",
            "MACs": text.si(candidate.macs),
            "Parameters": text.si(candidate.params),
            "Blocks": candidate.depth,
            **{f"On {text.plain(device)}": f"{value:.3g} ms" for device, value in took.items() if value == value},
        }
    )
    verbatim(candidate.code, "code")
    draw(space, candidate.code, candidate.id)
    st.caption(
        f"The ± is the standard error from testing on {candidate.images:,} images: smaller differences may be chance."
    )


def draw(space: SearchSpace, code: str, name: str) -> None:
    """The network drawn to scale against the largest of its space, and the cells that it repeats, if it does.

    Args:
        name: of the files that can be downloaded.
    """
    arch = space.parse(code)
    own = blocks(space, arch)
    of_largest = [edge.operation for graph in cells(space, space.largest) for edge in graph.edges]
    operations = list(dict.fromkeys([NOTHING, *of_largest, *_operations(space)]))
    for graph in cells(space, arch):
        key = graph.name.replace(" ", "-")
        title = f"The {graph.name} that the network repeats"
        chart(figures.cell(graph, operations), key, title, _edges(graph), f"{name}-{key}")
    chart(
        figures.network(own, blocks(space, space.largest)),
        "blocks",
        "Blocks of the candidate against those of the largest network",
        _table(own),
        f"{name}-blocks",
    )
    st.caption("Every bar is a convolution, as tall as it has channels; grey is the largest network of the space.")


def _operations(space: SearchSpace) -> list[str]:
    """All that may be chosen for an edge, so that an operation has one colour in every cell."""
    return [str(option) for decision in space.decisions for option in decision.options]


def _table(own: list[Block]) -> pd.DataFrame:
    return pd.DataFrame(
        [(each.name, each.choice, " ".join(map(str, each.widths)), each.macs, each.params, each.text) for each in own],
        columns=["block", "choice", "channels", "macs", "params", "layers"],
    )


def _edges(graph: Graph) -> pd.DataFrame:
    return pd.DataFrame(
        [(edge.source, edge.node, edge.operation, edge.macs) for edge in graph.edges],
        columns=["from", "to", "operation", "macs"],
    )
