"""A package of somebody else's, as an installer leaves it: modules and a dist-info in a folder of their own."""

from pathlib import Path

SPACE = """
from dataclasses import dataclass, replace
from toolkit.spaces import SearchSpace
from toolkit.spaces.resnet48 import RESNET48_MINI

TINY = replace(RESNET48_MINI, name="acme-tiny", summary="somebody else's")
"""

METHOD = """
from typing import Literal
from toolkit.methods import Batch, Method
from toolkit.methods.base import Options
from toolkit.methods.spos import SPOS
from toolkit.sampling import Sampler
from toolkit.sampling.base import SamplerOptions
from toolkit.priors import Options as PriorOptions, Prior
from toolkit.priors.cost import Params

class Mine(SPOS):
    name, summary = "acme-method", "somebody else's"

class Half(SamplerOptions):
    name: Literal["acme-smallest"] = "acme-smallest"

class Smallest(Sampler):
    name, summary, options_type = "acme-smallest", "the smallest path", Half

    def draw(self, rng, count, moment):
        return [self.space.smallest] * count

class Blocks(Params):
    name, summary = "acme-params", "somebody else's"
"""

PAGE = """
def page():
    \"\"\"Acme's page.\"\"\"
    import streamlit as st
    st.title("Hello from Acme")
"""

ENTRY_POINTS = """
[supernet_toolkit.spaces]
acme-tiny = acme.space:TINY
resnet20 = acme.space:TINY
acme-broken = acme.missing:NOTHING
acme-raises = acme.raises:X
acme-other = acme.space:TINY
acme-none = acme.space:dataclass

[supernet_toolkit.methods]
acme-method = acme.method:Mine
acme-abstract = toolkit.methods:Method

[supernet_toolkit.samplers]
acme-smallest = acme.method:Smallest

[supernet_toolkit.priors]
acme-params = acme.method:Blocks

[supernet_toolkit.pages]
acme = acme.page:page
acme_wrong = acme.space:TINY
"""


def install(folder: Path) -> Path:
    """Put the package into `folder`, which then belongs on `sys.path`."""
    (folder / "acme").mkdir(parents=True)
    modules = {
        "__init__": "",
        "space": SPACE,
        "method": METHOD,
        "page": PAGE,
        "raises": "raise SystemExit('no licence')",
    }
    for name, source in modules.items():
        (folder / "acme" / f"{name}.py").write_text(source)
    about = folder / "acme_nas-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-nas\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder
