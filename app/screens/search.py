"""Searches: what a policy decided in a training, and what `supernet search` found; live."""

import shlex

import pandas as pd
import streamlit as st

from app import inspector, text, ui
from app.cache import load
from app.chart import chart
from app.figures import search as figures
from app.verbatim import verbatim
from app.views import search as views
from toolkit.search.trace import policy_file, rounds_file
from toolkit.spaces.mixtures import in_words

REWARDS = (
    "Rewards of the greedy network and of samples, on the same held-out batch, in units of their spread. WPNAS's "
    "formulas are our reconstruction; no figure of the paper is known."
)
SAMPLES = (
    "How many networks were drawn in a step, how many different ones, and how many the importance weights leave, "
    "1 / sum of their squares. PARSEC's and FP-NAS's formulas are our reconstruction from abstracts."
)

ui.header(
    "Search",
    "Which networks are the best of all, not only of a file: what a policy has decided while the supernet was trained, "
    "and what a search has scored since.",
)
name, run = ui.open_run()
live = False
with ui.problems_in_place("The recipe cannot be read"):
    live = views.is_live(run)


def show_strips(table: pd.DataFrame, key: str) -> None:
    """The probability of every option."""
    chart(figures.strips(table), key, "Probability of every option, by decision", table, f"{name}-{key}")
    st.caption("One row per decision; the fuller an option, the more probable. Words are the options.")


def show_learned() -> bool:
    """The policy of a training; whether there is one."""
    found, curves = load(views.learned, run, run.path / "checkpoints"), ui.curves(run)
    decided, told = views.entropies(curves, views.space_of(run)), views.rewards(curves)
    if found is None and decided.empty:
        return False
    st.header("Learned in training", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        if not decided.empty:
            chart(figures.decided(decided, "step"), "decided", "Entropy of each decision", decided, f"{name}-entropy")
            st.caption("Who is decided: bright is as uncertain as at the beginning, dark is settled.")
    with right:
        if not told.empty:
            chart(
                figures.lines(told, "step", "reward" if "greedy_reward" in told else "samples"),
                "rewards",
                "Rewards over steps",
                told,
                f"{name}-rewards",
            )
            st.caption(REWARDS if "greedy_reward" in told else SAMPLES)
    if found is not None:
        left, right = st.columns(2, gap="large")
        with left:
            show_strips(found.probabilities, "strips")
        with right:
            if len(found.advantages):
                values = pd.Series(found.advantages, name="advantage")
                chart(figures.advantages(values), "advantages", "Advantages", values.to_frame(), f"{name}-advantages")
                st.caption(f"The last {len(values):,} advantages; where the sample was the greedy network they are 0.")
        st.markdown(f"**The most probable network after step {found.step:,}**")
        verbatim(found.code, "learned")
        inspector.draw(views.space_of(run), found.code, f"{name}-policy")
    return True


def show_derived(*, draw: bool) -> bool:
    """What a method's architecture came to; whether there is one. Not drawn where a policy's has just been."""
    tables, code = views.shares(ui.curves(run)), load(views.derived, run, run.derived) if draw else None
    if not tables and code is None:
        return False
    st.subheader("Derived in training", anchor=False)
    for kind, column in zip(tables, st.columns(len(tables), gap="large"), strict=True) if tables else ():
        with column:
            words = f"Operations of the {in_words(kind)}"
            chart(figures.shares(tables[kind]), f"shares-{kind}", words, tables[kind], f"{name}-{kind}-shares")
    if tables:
        st.caption(
            "Shares of the edges, or positions, of the candidate derived after each epoch. Skips that take over are a "
            "collapse."
        )
    if code is not None:
        st.markdown("**The candidate that it came to**")
        st.code(code, language=None)
        inspector.draw(views.space_of(run), code, f"{name}-derived")
    return True


def show_found(*, draw: bool) -> bool:
    """What a search scored; whether there was one."""
    found = load(views.found, run, run.search, rounds_file(run.search), policy_file(run.search))
    if found is None:
        return False
    st.header("Found by `supernet search`", anchor=False)
    best = found.table.iloc[0]
    ui.facts(
        {
            "Scored": f"{len(found.table):,}",
            "Best score": f"{best['score']:.4f}",
            "Its MACs": text.si(float(best["macs"])),
            "Its parameters": text.si(float(best["params"])),
            "On the front": f"{int(found.table['front'].sum()):,}",
        }
    )
    left, right = st.columns(2, gap="large")
    with left:
        chart(figures.cloud(found.table, "macs"), "cloud", "Score against MACs", found.table, f"{name}-search")
        st.caption("On the line are networks that no other beats in both score and MACs.")
    with right:
        if not found.rounds.empty:
            rounds = found.rounds.set_index("scored")
            chart(
                figures.lines(rounds, "networks scored", "score"), "rounds", "Scores by round", rounds, f"{name}-rounds"
            )
            st.caption("A score guided the search, so the best of many is too good: train the best alone.")
    if not found.entropies.empty:
        table = found.entropies
        chart(figures.decided(table, "networks scored"), "searched", "Entropies", table, f"{name}-search-entropy")
    if found.probabilities is not None:
        show_strips(found.probabilities, "left")
    st.dataframe(found.table.head(20), hide_index=True, alt="The best networks that were scored")
    code = found.proposed or str(best["code"])
    st.markdown("**What the policy proposes**" if found.proposed else "**The best network**")
    verbatim(code, "proposed")
    if draw:
        inspector.draw(views.space_of(run), code, f"{name}-found")
    ui.download("All scored as CSV", found.table, f"{name}-search")
    train = (
        "supernet",
        "standalone",
        str(run.path),
        "--candidates",
        str(run.search),
        "--choose",
        "first",
        "--count",
        "5",
    )
    verbatim(shlex.join(train), "train")
    return True


@st.fragment(run_every=3 if live else None)
def follow() -> None:
    """The part that follows a training or a search."""
    any_learned = any_derived = any_found = False
    with ui.problems_in_place("The policy cannot be shown"):
        any_learned = show_learned()
    with ui.problems_in_place("The derived candidate cannot be shown"):
        any_derived = show_derived(draw=not any_learned)
    with ui.problems_in_place("The search cannot be shown"):
        any_found = show_found(draw=not any_learned and not any_derived)
    if not any_learned and not any_derived and not any_found:
        ui.empty(
            "No search yet",
            "A search scores networks that stand in no file; a run of wpnas, parsec or fpnas learns a policy.",
            ("supernet", "search", run.path),
        )


follow()
