from __future__ import annotations

from pathlib import Path

import pytest

from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import Detection


@pytest.fixture(scope="session")
def bright_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds bright roofs, pixel by pixel."""
    return save_bright_model(tmp_path_factory.mktemp("bright") / "model")


@pytest.fixture
def detection(tmp_path: Path, bright_model: Path) -> Detection:
    """A collection of the imagery in `tmp_path`/in."""
    return Detection(str(tmp_path / "in"), str(bright_model), str(tmp_path / "out"), str(tmp_path / "data"))
