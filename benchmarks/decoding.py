"""How many training images a CPU core decodes, crops and flips in a second: what feeds a GPU on ImageNet.

Run it from the root of the checkout: python -m benchmarks.decoding [--help]

The files are made: JPEG of noise, smooth and fine at once, of about as many pixels and bytes as ImageNet's have. They
are decoded as a training does it. A second is one of CPU time, whatever the number of threads.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from toolkit.data.base import DRAWS
from toolkit.data.imagefolder import FolderSplit


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--width", type=int, default=500)
    parser.add_argument("--height", type=int, default=375)
    parser.add_argument("--size", type=int, default=224, help="pixels of what comes out")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder, names = Path(name), [f"{i}.jpg" for i in range(options.images)]
        for file in names:
            smooth = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
            smooth = smooth.resize((options.width, options.height), Image.Resampling.BICUBIC)
            fine = np.asarray(smooth) + rng.normal(0, 18, (options.height, options.width, 1))
            Image.fromarray(fine.clip(0, 255).astype(np.uint8)).save(folder / file, "JPEG", quality=90)
        kilobytes = sum((folder / file).stat().st_size for file in names) / len(names) / 1e3
        split = FolderSplit(folder, np.array(names, object), np.zeros(len(names), np.int64), options.size)
        start = time.process_time()
        split.augmented(range(len(names)), rng.random((len(names), DRAWS)))
        rate = len(names) / (time.process_time() - start)
    print(
        f"{options.width} x {options.height}, {kilobytes:.0f} kB, to {options.size} px: {rate:,.0f} images a CPU second"
    )


if __name__ == "__main__":
    main()
