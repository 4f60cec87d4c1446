"""A page for each method, which names every option with its default."""

import re
from pathlib import Path

import pytest
import tomli_w
from pydantic import BaseModel

from toolkit.methods import METHODS
from toolkit.runs.tables import Split, Supernet


def rows(page: Path) -> dict[str, str]:
    """Defaults by option, as the page's tables have them."""
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page.read_text(encoding="utf-8"), re.MULTILINE))


def pages(root: Path) -> Path:
    return root / "docs" / "methods"


@pytest.mark.parametrize("name", sorted(METHODS.keys() - {"largest"}))
def test_every_option_is_documented_with_its_default(name: str, root: Path) -> None:
    page = pages(root) / f"{name}.md"
    found = rows(page)
    for option, field in METHODS[name].options_type.model_fields.items():
        if option == "name":
            continue
        if field.is_required():
            assert found[option] == "needed"
        elif option == "sampling":
            assert found[option] == ("uniform" if field.default is None else field.default.name)
        else:
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            if default is None:
                assert found[option] == "none"
                continue
            written = " ".join(tomli_w.dumps({"x": default}).removeprefix("x = ").replace(",\n]", "]").split())
            assert found[option].strip("`") == written.replace("[ ", "["), option
    assert METHODS[name].name in page.read_text(encoding="utf-8").splitlines()[0]
    assert re.search(r"arXiv \d{4}\.\d{5}|doi ", page.read_text(encoding="utf-8"))
    assert "[results.md](../results.md)" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("table", [Supernet, Split])
def test_every_way_to_share_is_documented(table: type[BaseModel], root: Path) -> None:
    assert table.model_fields.keys() <= rows(pages(root) / "sharing.md").keys()


def test_every_page_is_in_the_index_and_every_link_leads_somewhere(root: Path) -> None:
    index = (pages(root) / "README.md").read_text(encoding="utf-8")
    for page in pages(root).glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
    assert all(f"`{name}`" in index for name in METHODS)
