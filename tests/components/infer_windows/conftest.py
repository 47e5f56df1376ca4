from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import scene_item
from tests.components.infer_windows.small import SIZE, save_pair_model, write_project


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose two classes are about as frequent, and whose results are the same bits everywhere."""
    return save_pair_model(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three scenes, two of them for the test."""
    names = ("austin1", "austin2", "tyrol-w3")
    tags = (("austin", "test"), ("austin", "trainval"), ("tyrol-w", "test"))
    scenes = zip(names, tags, strict=True)
    return write_project(tmp_path, [scene_item(tmp_path, name, SIZE, i, own) for i, (name, own) in enumerate(scenes)])
