"""Figures that can be taken away: as PNG and SVG, which the browser draws, as HTML, and their data as CSV."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app import theme
from app.spreadsheet import to_csv

_HTML = """<span><button id="png" type="button">PNG</button><button id="svg" type="button">SVG</button></span>"""

_CSS = """
span { display: flex; gap: 0.9rem; }
button {
  border: 0; padding: 0; background: none; cursor: pointer; line-height: 1.6;
  font-family: var(--st-font); font-size: 0.875rem; color: var(--st-text-color);
}
button:hover { color: var(--st-primary-color); }
"""

# Plotly itself is not within reach of a page, but the button of its own tool bar is, and takes a format.
_JS = """
export default function({ data, parentElement }) {
  for (const format of ["png", "svg"]) {
    parentElement.querySelector("#" + format).onclick = () => {
      const plot = document.querySelector(`.st-key-${data.key} .js-plotly-plot`);
      const button = plot && plot.querySelector(".modebar-btn[data-attr='toimage'], .modebar-btn:first-child");
      if (!button) return;
      plot._context.toImageButtonOptions = { format, filename: data.name, scale: 2 };
      button.click();
    };
  }
}
"""

_images = st.components.v2.component("supernet_figure_images", html=_HTML, css=_CSS, js=_JS)


def chart(
    figure: go.Figure,
    key: str,
    alt: str,
    table: pd.DataFrame,
    name: str,
    config: dict[str, Any] = theme.CONFIG,
    **options: Any,
) -> None:
    """Show a figure with its downloads below.

    Args:
        key: letters and digits only; what the selection is called in the session, if `options` has `on_select`.
        alt: what it shows, for those who cannot see it.
        table: the data in it.
        name: of the files, without suffix.
        config: options of Plotly itself.
        options: of `st.plotly_chart`.
    """
    with st.container(key=f"{key}-figure", gap="xxsmall"):
        st.plotly_chart(figure, key=key, alt=alt, config=config, **options)
        with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
            _images(key=f"{key}-images", data={"key": f"{key}-figure", "name": name}, width="content", height="content")
            _button("HTML", lambda: to_html(figure), f"{name}.html", "text/html", f"{key}-html")
            _button("CSV", lambda: to_csv(table), f"{name}.csv", "text/csv", f"{key}-csv")


def to_html(figure: go.Figure) -> str:
    """A page that needs nothing else, not even a network, on white ground."""
    page: str = go.Figure(figure, layout_template="plotly_white").to_html(config=theme.CONFIG)
    return page


def _button(label: str, data: Any, file_name: str, mime: str, key: str) -> None:
    st.download_button(
        label, data, file_name, mime, key=key, on_click="ignore", type="tertiary", help=f"Download as {label}"
    )
