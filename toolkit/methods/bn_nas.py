"""BN-NAS: train nothing but the last batch norms of candidate blocks, and rank by their scales (arXiv 2108.07375).

By its released code (bychen515/BNNAS): blocks stay as they were drawn; the mean |gamma| of an option's last batch norm
is its indicator, and an architecture scores the sum over its options. The training's optimiser must not decay scales
(`training.decay_norm` is off by default): else they tell how seldom an option was drawn.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from toolkit.errors import InputError
from toolkit.methods.base import Options
from toolkit.methods.lab import Lab
from toolkit.methods.spos import SPOS, SPOSOptions
from toolkit.spaces import Arch, Plans, SearchSpace
from toolkit.spaces.primitives import Norm
from toolkit.spaces.wiring import graph

Indicators = list[list[float]]
"""By decision and option."""

NormNames = list[list[tuple[str, ...]]]
"""By decision and option: its last batch norms, one for each block that has it; none where it computes nothing."""


class BNNAS(SPOS):
    """Single path one-shot, in which only scale and shift of each option's last batch norms are trained."""

    name = "bn-nas"
    summary = "only the last batch norms of options are trained; their scales rank (BN-NAS, arXiv 2108.07375)"
    options_type: ClassVar[type[Options]] = SPOSOptions

    def __init__(self, space: SearchSpace, options: Options) -> None:
        super().__init__(space, options)
        self._norms = last_norms(space)
        self._frozen: frozenset[str] = frozenset()

    @override
    def begin(self, lab: Lab) -> None:
        norms = {name for options in self._norms for names in options for name in names}
        self._frozen = lab.net.freeze(but={f"{norm}.{part}" for norm in norms for part in ("weight", "bias")})

    @override
    def frozen(self) -> frozenset[str]:
        """All parameters but scale and shift of those norms; known when it has begun."""
        return self._frozen


def last_norms(space: SearchSpace) -> NormNames:
    """The last batch norm of each option, in the order of execution, in each block that the option has to itself.

    Raises:
        InputError: options share blocks, as widths do; or a norm begins silent, so that its scale says nothing.
    """
    found: NormNames = []
    problems = []
    norms, silent = _norms(space.widest), _norms(space.widest, silent=True)
    for number, decision in enumerate(space.decisions):
        archs = [space.with_option(number, option) for option in range(len(decision.options))]
        paths = [_layers(space.supernet_plans(arch)) for arch in archs]
        own = [[n for n in path if not any(n in other for other in paths if other is not path)] for path in paths]
        names = [_last(each, norms) for each in own]
        if sum(map(bool, names)) == 0:
            problems.append(f"method bn-nas: options of {decision.name} have no batch norms of their own")
        if any(name in silent for each in names for name in each):
            problems.append(f"method bn-nas: the last batch norm of {decision.name} begins with a scale of 0")
        found.append(names)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(f"{problems[0]}{more}; space {space.name} has no indicator, choose another method")
    return found


def indicators(
    norms: NormNames, weights: Mapping[str, npt.NDArray[np.float32]], *, standardise: bool = False
) -> Indicators:
    """Mean |gamma| of each option, mean over its blocks; 0 where it computes nothing.

    Args:
        standardise: z-scores over the options of each decision, for widths differ between them (ours).
    """
    table = []
    for options in norms:
        row = [
            float(np.mean([np.abs(weights[f"{name}.weight"]).mean() for name in names])) if names else 0.0
            for names in options
        ]
        if standardise:
            spread = float(np.std(row))
            row = [(value - float(np.mean(row))) / spread if spread else 0.0 for value in row]
        table.append(row)
    return table


def indicated(table: Indicators, arch: Arch) -> float:
    """An architecture's score: the sum over its options; higher is better."""
    return sum(table[number][answer] for number, answer in enumerate(arch) if answer >= 0)


def _layers(plans: Plans) -> list[str]:
    """Names of all layers of a path, in the order of execution."""
    blocks = ((index, plan) for index, plan in enumerate(plans) if plan is not None)
    return [f"blocks.{index}.{step.name}" for index, plan in blocks for step in graph(plan).steps if step.name]


def _norms(plans: Plans, *, silent: bool = False) -> set[str]:
    return {
        f"blocks.{index}.{step.name}"
        for index, plan in enumerate(plans)
        if plan is not None
        for step in graph(plan).steps
        if isinstance(step.op, Norm) and (step.silent or not silent)
    }


def _last(names: list[str], norms: set[str]) -> tuple[str, ...]:
    """Of layers in the order of execution, the last norm in each block."""
    return tuple({name.split(".")[1]: name for name in names if name in norms}.values())
