"""Rows on what was trained how often."""

from collections.abc import Iterator

from toolkit.interference.table import Row
from toolkit.training.tally import Tally


def times_trained(tally: Tally) -> Iterator[Row]:
    """`times_trained` of each branch, and of each slice of channels that a layer puts out, such as `conv1[0:6]`.

    None, where the counts are not known: the run goes on from a checkpoint that holds none.
    """
    if not tally.known:
        return
    decisions, networks = tally.space.decisions, tally.networks
    for number, answer, block, times in tally.branches():
        decision = decisions[number]
        option = str(decision.options[answer])
        yield Row("times_trained", float(times), n=networks, block=block, decision=decision.name, first=option)
    for block, layer, slice_, times in tally.layers():
        yield Row("times_trained", float(times), n=networks, block=block, first=f"{layer}[{slice_}]")
