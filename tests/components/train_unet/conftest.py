"""What several tests read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.components.train_unet.projects import block_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that several tests read."""
    return block_project(tmp_path_factory.mktemp("blocks"))
