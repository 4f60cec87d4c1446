"""Where sharing weights hurts: probes of a supernet, the table they fill, and the splits that the table suggests."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolkit.data.base import Dataset
    from toolkit.interference.during import Watch
    from toolkit.runs.folder import RunFolder
    from toolkit.runs.recipe import Recipe
    from toolkit.training.loop import Loop


def watch(loop: "Loop", data: "Dataset", recipe: "Recipe", run: "RunFolder", start: int) -> "Watch":
    """Probes as the recipe's `[probe]` table asks for them: a `toolkit.training.trainer.Watching`."""
    from toolkit.interference.during import Watch  # its table's libraries are slow to load

    return Watch(loop, data, recipe, run, start)
