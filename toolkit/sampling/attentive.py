"""Attentive sampling: of a few paths of like cost, the one with the best or the worst loss (arXiv 2011.09011)."""

from typing import Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from toolkit.errors import InputError
from toolkit.sampling.base import Moment, Sampler, SamplerOptions, option_counts
from toolkit.spaces import Arch, SearchSpace

_STREAM = 0x61747465  # sets the table's draws apart from all others


class AttentiveOptions(SamplerOptions):
    """Which of how many, and how fine their costs are told apart."""

    name: Literal["attentive"] = Field("attentive", description="which sampler")
    mode: Literal["best-up", "worst-up"] = Field("best-up", description="train the lowest or the highest loss")
    among: int = Field(3, ge=2, description="networks of like MACs that are compared for each path")
    bins: int = Field(32, ge=1, description="equal intervals of MACs, within which networks count as alike")
    table: int = Field(4096, ge=2, description="uniform draws that say how MACs are distributed")
    tries: int = Field(100, ge=1, description="draws for a network of a bin, before one is taken from the table")


class Attentive(Sampler):
    """Draw a bin of MACs, then `among` architectures in it, and keep the one whose loss on the batch is extreme.

    A table of uniform draws, the same for every training, says how often each bin is drawn: as often as it holds one of
    them. A candidate answers every decision as a random row of the bin does (the bin's marginals) and is drawn again
    until its own MACs lie in the bin.
    """

    name = "attentive"
    summary = "of three paths of like MACs, the best or worst on the batch (AttentiveNAS, arXiv 2011.09011)"
    options_type = AttentiveOptions
    needs_loss = True

    def __init__(self, space: SearchSpace, options: AttentiveOptions) -> None:
        super().__init__(space, options)
        self._among, self._tries = options.among, options.tries
        self._worst = options.mode == "worst-up"
        counts = option_counts(space)
        # Answers to all decisions, whether they apply or not: those of two rows can then be mixed.
        self._table = np.random.default_rng(_STREAM).integers(counts, size=(options.table, len(counts)))
        macs = [space.cost(space.canonical(answers)).macs for answers in self._table.tolist()]
        self._edges = np.linspace(min(macs), max(macs), options.bins + 1)[1:-1]
        self._bins = np.searchsorted(self._edges, macs, side="right")
        self._rows = [np.flatnonzero(self._bins == number) for number in range(options.bins)]

    def bin(self, arch: Arch) -> int:
        """The bin of MACs that `arch` lies in, counted from 0."""
        return int(np.searchsorted(self._edges, self.space.cost(arch).macs, side="right"))

    @override
    def draw(self, rng: np.random.Generator, count: int, moment: Moment) -> list[Arch]:
        """The `count` paths that won among their like; raises InputError if there is no loss."""
        if moment.loss is None:
            raise InputError(f"method.sampling.name: {self.name} needs the loss of paths, which nobody can tell here")
        paths = []
        for _ in range(count):
            target = int(self._bins[rng.integers(len(self._bins))])
            alike = [self._near(target, rng) for _ in range(self._among)]
            losses = [moment.loss(arch) for arch in alike]
            paths.append(alike[int(np.argmax(losses) if self._worst else np.argmin(losses))])
        return paths

    def _near(self, target: int, rng: np.random.Generator) -> Arch:
        rows = self._rows[target]
        decisions = np.arange(self._table.shape[1])
        for _ in range(self._tries):
            arch = self.space.canonical(self._table[rng.choice(rows, len(decisions)), decisions].tolist())
            if self.bin(arch) == target:
                return arch
        return self.space.canonical(self._table[rng.choice(rows)].tolist())
