"""Options of methods whose policies pay for what networks cost."""

from pathlib import Path

from pydantic import Field

from toolkit.errors import InputError
from toolkit.methods.base import Options
from toolkit.search.costs import Cost, Kind, cost_of
from toolkit.spaces import Arch, SearchSpace


class CostOptions(Options):
    """Which cost, and how much of it counts as 1."""

    cost: Kind | None = Field(None, description="macs, parameters or latency; none by default")
    cost_target: float | None = Field(None, gt=0, description="the cost that counts as 1; needed with cost")
    latency: str | None = Field(None, description="a table of latencies (CSV) with every network of the space")
    latency_column: str | None = Field(None, description="the device's column there")

    def ratio(self, space: SearchSpace) -> Cost | None:
        """Cost over target of an architecture; None if no cost was asked for.

        Raises:
            InputError: there is no target, or the table of latencies cannot be used.
        """
        target = self.cost_target
        if self.cost is None:
            return None
        if target is None:
            raise InputError(
                "method.cost_target: missing; say which cost counts as 1, in MACs, parameters or the table's unit"
            )
        try:
            cost = cost_of(self.cost, space, Path(self.latency) if self.latency else None, self.latency_column)
        except InputError as error:
            raise InputError(f"method.latency: {problem}" for problem in error.problems) from error

        def of(arch: Arch) -> float:
            return cost(arch) / target

        return of
