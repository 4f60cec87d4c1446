"""What is looked at: the measure, the moment, the block, and the run beside this one."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app import links, text, ui
from app.cache import glance, load, stamp
from app.derived import derive
from app.figures.interference.cells import Look
from app.text import sentence
from app.views import candidates
from app.views.blocks import Block, blocks
from app.views.interference import readings
from app.views.interference.strip import Strip, strip
from toolkit.errors import InputError
from toolkit.interference.table import MEASURES, Measure
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SearchSpace
from toolkit.spaces.base import shorten

NEWEST, NOTHING = "newest", "nothing"
FIRST = "gradient_cosine"


@dataclass(frozen=True)
class Measured:
    """A run's measurements.

    Attributes:
        table: of all steps.
        now: of the chosen moment.
        digest: changes with the files and the moment.
    """

    name: str
    run: RunFolder
    space: SearchSpace
    table: pd.DataFrame
    now: pd.DataFrame
    digest: str


@dataclass(frozen=True)
class Found:
    """What was chosen.

    Attributes:
        own, other: this run, and the one beside it.
        key: of the measure in the registry.
        block: position in the network.
        stretched: colours run from the smallest to the largest value.
    """

    own: Measured
    other: Measured | None
    key: str
    block: int
    stretched: bool

    @property
    def digest(self) -> str:
        """Equal for equal choices from equal files only."""
        return repr(([each.digest for each in self.runs], self.key, self.block, self.stretched))

    @property
    def measure(self) -> Measure:
        """What the chosen measure means."""
        return MEASURES[self.key]

    @property
    def network(self) -> list[Block]:
        """The largest network of the space, one entry per position."""
        return blocks(self.own.space, self.own.space.largest)

    @property
    def runs(self) -> list[Measured]:
        """One or two."""
        return [self.own, *([self.other] if self.other else [])]

    def cells(self, measured: Measured) -> pd.DataFrame:
        """What the measure says of blocks and branches at the chosen moment."""
        return readings.cells(measured.now, self.key)

    def strip(self, measured: Measured) -> Strip:
        """The same, all over the network."""
        return derive(_strip, measured, key=self.key)

    def look(self, ends: tuple[float, float], *, difference: bool = False, key: str = "") -> Look:
        """How values are coloured; of another measure, if `key` names one."""
        measure = MEASURES[key] if key else self.measure
        dark = st.context.theme.type == "dark"
        return Look(measure, ends, stretched=self.stretched and not difference, difference=difference, dark=dark)

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest value at the chosen moment, of all pairs of branches in all blocks."""
        values = pd.concat([self.cells(each)["value"] for each in self.runs]).dropna()
        return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)

    def file(self, part: str) -> str:
        """Name of a file to download."""
        return f"{self.own.name.replace('/', '-')}-{part}"


def _strip(measured: Measured, key: str) -> Strip:
    return strip(measured.space, readings.cells(measured.now, key))


def choose() -> Found | None:
    """The widgets that choose, and what they choose; None, and what to do next, while nothing was measured."""
    name, run = ui.open_run()
    with ui.problems_in_place("The interference cannot be shown"):
        table = load(readings.readings, run, run.interference)
        if table is None or not readings.of_blocks(table):
            _begin(run)
            return None
        with st.container(horizontal=True, vertical_alignment="bottom"):
            measures = readings.of_blocks(table)
            key = st.selectbox(
                "Measure",
                measures,
                index=measures.index(FIRST) if FIRST in measures else 0,
                format_func=lambda measure: sentence(MEASURES[measure].label),
                key="measure",
                bind="query-params",
                width=270,
            )
            moments = readings.moments(table)
            moment = st.selectbox("Measured at", [NEWEST, *moments], key="at", bind="query-params", width=165)
            own = _measured(name, run, table, moments.get(moment))
            names = [block.name for block in blocks(own.space, own.space.largest)]
            shown = _worst(own, key, names)
            block = st.selectbox("Block", names, index=names.index(shown), key="block", bind="query-params", width=90)
            others = [NOTHING, *(other for other in links.runs() if other != name)]
            first = next(iter(links.compared()), NOTHING)
            beside = st.selectbox(
                "Beside", others, index=others.index(first), key="other", bind="query-params", width=165
            )
            stretched = st.toggle(
                "Full contrast",
                value=False,
                key="contrast",
                bind="query-params",
                help="Colours begin at 0: the fuller, the worse or the better. With full contrast they run from the "
                "worst to the best value here, to show where it is worst, however bad that is",
            )
        other = None if beside == NOTHING else _other(own, beside, key)
        return Found(own, other, key, names.index(block), stretched)
    return None


def _measured(name: str, run: RunFolder, table: pd.DataFrame, step: int | None) -> Measured:
    space = glance(candidates.space_of, run, run.recipe, run.path / "checkpoints")
    if strange := _strange(table, space):
        raise InputError(
            f"{run.interference}: {each}; it belongs to another run. Delete it and probe again: supernet probe RUN"
            for each in strange
        )
    digest = repr((run.path, stamp(run.recipe), stamp(run.interference), step))
    return Measured(name, run, space, table, readings.at(table, step), digest)


def _strange(table: pd.DataFrame, space: SearchSpace) -> list[str]:
    """What a table is about that a space does not have."""
    positions, last = len(space.widest), table["block"].max()
    found = [f"is about block {last}, but {space.name} has {positions} blocks"] if last >= positions else []
    unknown = sorted(set(table["decision"]) - {"", *(decision.name for decision in space.decisions)})
    if unknown:
        found.append(f"is about decision {shorten(unknown[0])!r}, which {space.name} does not have")
    return found


def _other(own: Measured, name: str, key: str) -> Measured | None:
    """The newest measurements of another run, if they are about the same network."""
    run = links.runs()[name]
    try:
        table = load(readings.readings, run, run.interference)
        if table is None:
            ui.empty(
                f"Nothing measured in {text.plain(name)} yet", "One command does it.", ("supernet", "probe", run.path)
            )
            return None
        found = _measured(name, run, table, None)
    except InputError as error:
        ui.problems(f"{text.plain(name)} cannot be shown beside it", error.problems)
        return None
    if found.space.name != own.space.name:
        said = f"{text.plain(name)} is a run on {found.space.name}, this one on {own.space.name}: their blocks differ."
        st.info(said, icon=":material/info:")
        return None
    if key not in readings.of_blocks(found.now):
        st.info(f"{text.plain(name)} has no numbers for this measure.", icon=":material/info:")
        return None
    return found


def _worst(measured: Measured, key: str, names: list[str]) -> str:
    """The block to look at first."""
    known = readings.by_block(readings.cells(measured.now, key))
    if known.empty:
        return names[0]
    worst = known["value"].argmin() if MEASURES[key].bad == "low" else known["value"].argmax()
    return names[int(known["block"].iloc[worst])]


def _begin(run: RunFolder) -> None:
    ui.empty(
        "Nothing measured yet",
        "A probe asks, block by block, whether the branches that share weights pull them in the same direction. It "
        "reads the run's checkpoints and changes nothing in them; training does it by itself every few epochs where "
        "the recipe says so.",
        *([] if run.checkpoints() else [("supernet", "train", "--resume", "--out", run.path)]),
        ("supernet", "probe", run.path),
    )
