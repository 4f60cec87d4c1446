import re
import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from app import theme

# Light and dark ground of Streamlit's themes.
GROUNDS = ("#ffffff", "#171614")

# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)


def linear(color: str) -> np.ndarray:
    values = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def luminance(color: str) -> float:
    return float(linear(color) @ [0.2126, 0.7152, 0.0722])


def contrast(first: str, second: str) -> float:
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("vision", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["all", "protanopia", "deuteranopia"])
def test_colours_can_be_told_apart(vision: np.ndarray) -> None:
    seen = {color: np.clip(vision @ linear(color), 0, 1) ** (1 / 2.2) for color in theme.CATEGORICAL}
    for first, second in combinations(theme.CATEGORICAL, 2):
        assert np.linalg.norm(seen[first] - seen[second]) > 0.15, (first, second)


@pytest.mark.parametrize("ground", GROUNDS)
def test_lines_and_scales_show_on_both_grounds(ground: str) -> None:
    for color in (*theme.CATEGORICAL, theme.NEUTRAL, theme.VIRIDIS[0], theme.VIRIDIS[-1]):
        assert contrast(color, ground) > 1.7, color
    assert contrast(theme.BLUE, ground) > 3


def test_buttons_can_be_read() -> None:
    assert contrast(theme.BLUE, "#ffffff") > 4.5
    assert contrast(theme.BLUE_ON_DARK, "#ffffff") > 3
    assert contrast(theme.BLUE_ON_DARK, GROUNDS[1]) > 4.5


def test_streamlit_is_told_the_same_colours(root: Path) -> None:
    settings = tomllib.loads((root / "app" / ".streamlit" / "config.toml").read_text())
    assert settings["theme"]["primaryColor"] == theme.BLUE
    assert settings["theme"]["dark"]["primaryColor"] == theme.BLUE_ON_DARK
    assert tuple(settings["theme"]["chartCategoricalColors"]) == theme.CATEGORICAL


def test_nothing_is_sent_home(root: Path) -> None:
    settings = tomllib.loads((root / "app" / ".streamlit" / "config.toml").read_text())
    assert settings["browser"]["gatherUsageStats"] is False


def test_colours_stand_in_one_place(root: Path) -> None:
    for path in (root / "app").rglob("*.py"):
        if path.name != "theme.py":
            assert not re.search(r"#[0-9a-fA-F]{6}\b|rgba?\(", path.read_text()), path


def test_steps_are_flat_and_cover_the_scale() -> None:
    scale = theme.steps(3)
    assert [edge for edge, _ in scale] == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1])
    assert [shade for _, shade in scale][::2] == [shade for _, shade in scale][1::2]
    assert len({shade for _, shade in scale}) == 3
    assert len(theme.steps(1)) == 2


def test_series_differ_beyond_six() -> None:
    looks = {(theme.color(i), theme.dash(i)) for i in range(24)}
    assert len(looks) == 24


@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0], [3.0, 1.0, 2.0]])
def test_sparkline_of_few_or_equal_values(values: list[float]) -> None:
    assert "data:image/svg+xml" in theme.sparkline(values)
