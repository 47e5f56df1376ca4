from __future__ import annotations

import pytest

from tests.detection.detected import Detected, detected_towns


@pytest.fixture(scope="session")
def detected(tmp_path_factory: pytest.TempPathFactory) -> Detected:
    """What a run found in two towns and a broken image, before it is published; not to be changed."""
    return detected_towns(tmp_path_factory.mktemp("detected"))
