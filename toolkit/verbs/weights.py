"""A run folder of somebody's weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from converters.weights import Ask, Imported
from converters.weights import import_run as make_run
from toolkit.data.base import Progress
from toolkit.runs.setup import quiet


def import_run(
    source: Path | str,
    data: str,
    out: Path | str,
    *,
    space: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    widths: Mapping[int, int] | None = None,
    network: str | None = None,
    size: int | None = None,
    drop: Sequence[str] = (),
    recipe: Path | str | None = None,
    changes: Sequence[str] = (),
    progress: Progress = quiet,
) -> Imported:
    """Make a run folder of a supernet's weights, so that its candidates can be evaluated, ranked and submitted.

    Args:
        source: .safetensors, .pdparams, .pth or .pt.
        data: such as `cifar100:FOLDER`.
        space: by default what the file says or fits.
        mean, std: of the normalisation, a number for each channel; by default the data's own.
        widths: widths that run in place of others, such as {4: 5, 8: 9}; none: {}.
        network: which, if there are several: student, teacher, split2, ema or a prefix.
        size: height of the images; by default the data's own.
        drop: tensors, or patterns, that have no place in the space and may be lost.
        recipe: one that says of the supernet what names and shapes of tensors do not.
        changes: such as `data.calibration=5000`.

    Raises:
        InputError: as `converters.weights.import_run` does.
    """
    images: dict[str, Any] = {"source": data}
    for name, value in (("mean", mean), ("std", std)):
        if value is not None:
            images[name] = list(value)
    if size is not None:
        images["size"] = size
    tables: dict[str, Any] = {"data": images}
    if widths is not None:
        tables["supernet"] = {"widths": {str(before): after for before, after in widths.items()}}
    ask = Ask(space, None, network, size, tuple(drop))
    return make_run(Path(source), Path(out), ask, tables, recipe=recipe, changes=changes, progress=progress)
