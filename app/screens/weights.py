"""Weights from one framework for another: upload, see what became of every tensor, download."""

import streamlit as st

from app import text, ui
from app.views import weights as views
from converters.weights import SUFFIXES, Ask
from toolkit.spaces import SPACES

ui.header(
    "Weights",
    "Carry a supernet or a stand-alone network between PyTorch and Paddle. Every tensor is accounted for, and the "
    "networks are run before and after: only what computes the same is handed out.",
)

COLUMNS = {
    "key": st.column_config.TextColumn("In the file", width=330),
    "name": st.column_config.TextColumn("In this toolkit", width=300),
    "what": st.column_config.TextColumn("What was done", width=330),
}
PROVEN = 3  # random candidates that are run before and after

left, right = st.columns([55, 45], gap="large")
with left:
    upload = st.file_uploader(
        "A file of weights",
        type=[suffix.removeprefix(".") for suffix in (*SUFFIXES, ".th")],
        max_upload_size=views.UPLOAD_MB,
        help="Recognised by its content. Nothing is stored, nothing in it is executed.",
    )
with right:
    into = st.selectbox("Convert to", list(views.FORMATS), key="to", bind="query-params")
    space = st.selectbox("Space", ["as the file says or fits", *SPACES], key="space", bind="query-params")
with st.container(horizontal=True):
    network = st.text_input(
        "Network", key="network", bind="query-params", placeholder="student, teacher, split2, ema or a prefix"
    )
    code = st.text_input("Code", key="code", bind="query-params", placeholder="of a stand-alone network")
    drop = st.text_input("Tensors that may be lost", key="drop", placeholder="*.relu2._weight")

if upload is None:
    st.caption(
        "Files of the 2022 kit (plain, `.fn.`, `model.`, `model._layers.`, `ofa_teacher_model.model.`, "
        "`split_models.2.`), of the 2021 winner, data-parallel ones (`module.`), and this toolkit's checkpoints. "
        "Where a file may mean several things, the choices are listed and nothing is guessed."
    )
    st.stop()

with ui.problems_in_place("The file cannot be converted"), st.spinner("Converting, and comparing before and after"):
    known = space if space in SPACES else None
    ask = Ask(known, code.strip() or None, network.strip() or None, drop=tuple(drop.split()))
    done = views.convert_upload(upload.name, upload.getvalue(), views.FORMATS[into], ask, PROVEN)
    report = done.report
    st.success(text.plain(text.sentence(report.verdict)), icon=":material/verified:")
    for note in (text.sentence(str(report.proof)), *report.notes):
        st.caption(f":material/info: {text.plain(note)}")
    found = {
        "Tensors matched": len(report.matches),
        "Reshaped": len(report.reshaped),
        "Unmatched": len(report.unmatched),
        "Largest difference": f"{report.proof.difference:.1e}" if report.proof else None,
    }
    ui.facts({label: value for label, value in found.items() if value})
    st.download_button(
        f"Download {text.plain(done.name)}",
        done.content,
        done.name,
        "application/octet-stream",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
    )
    st.dataframe(views.key_table(report), hide_index=True, column_config=COLUMNS, alt="What became of every tensor")
