"""One candidate in full: its results, its costs, and its network drawn."""

import streamlit as st

from app import text, ui
from app.figures import blocks as figures
from app.views.blocks import blocks
from app.views.candidates import Candidate, sampling_error
from toolkit.spaces import SearchSpace


def show(space: SearchSpace, candidate: Candidate, total: int) -> None:
    """Lay out a candidate of `space` that was ranked among `total`."""
    ui.facts(
        {
            "Rank": f"{candidate.rank:,} of {total:,}" if candidate.rank else None,
            "Top-1": f"{candidate.top1:.2f} % ± {sampling_error(candidate.top1, candidate.images):.2f}",
            "Top-5": f"{candidate.top5:.2f} %",
            "Loss": f"{candidate.loss:.4f}",
            "MACs": text.si(candidate.macs),
            "Parameters": text.si(candidate.params),
            "Blocks": candidate.depth,
        }
    )
    st.code(candidate.code, language=None)
    drawing = figures.network(blocks(space, space.parse(candidate.code)), blocks(space, space.largest))
    ui.chart(drawing, "blocks", "Blocks of the candidate against those of the largest network")
    st.caption(
        "Every bar is a convolution, as tall as it has channels; grey is the largest network of the space. The ± is "
        f"the standard error from testing on {candidate.images:,} images: smaller differences may be chance."
    )
