import pytest

from app.views.ranking.subject import Subject
from tests.app import example_ranking
from toolkit.runs.folder import RunFolder


@pytest.fixture(scope="session")
def cells_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run in a space of cells, with truths, several scores and checkpoints."""
    return example_ranking.cells(tmp_path_factory.mktemp("ranking") / "cells")


@pytest.fixture(scope="session")
def subject(cells_run: RunFolder) -> Subject:
    """Its submission against its truth."""
    return example_ranking.subject_of(cells_run)
