"""What every step of a pipeline does around its stage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.core import storage
from components.core.command.run import LocalArtifact, Logged
from components.core.step import document_text, step


def test_a_step_shows_its_numbers_and_what_it_moved_once_it_has_ended(tmp_path: Path) -> None:
    metrics, artifact = Logged(), LocalArtifact(str(tmp_path))
    with step(metrics, artifact) as numbers:
        storage.write_bytes(tmp_path / "a", bytes(2_000_000))
        numbers["scenes"] = 3
        assert metrics.values == {} and artifact.metadata == {}
    assert artifact.metadata == {"scenes": 3}
    assert metrics.values["scenes"] == 3 and "local_written_mb" in metrics.values


def test_a_step_that_fails_shows_nothing(tmp_path: Path) -> None:
    metrics, artifact = Logged(), LocalArtifact(str(tmp_path))
    with pytest.raises(KeyError), step(metrics, artifact) as numbers:
        numbers["scenes"] = 3
        raise KeyError
    assert metrics.values == {} and artifact.metadata == {}


def test_a_step_may_show_no_numbers() -> None:
    with step():
        pass


@pytest.mark.parametrize("empty", [[], {}])
def test_an_empty_document_stands_for_the_default(empty: object) -> None:
    assert document_text(empty) == ""  # type: ignore[arg-type]


def test_whole_numbers_stay_whole_however_they_arrive() -> None:
    sent = {"mode": {"window": {"width": 512.0, "height": 512}}, "gpu_devices": [0.0], "lr": 0.001, "save": False}
    text = document_text(sent)
    assert json.loads(text) == {
        "mode": {"window": {"width": 512, "height": 512}},
        "gpu_devices": [0],
        "lr": 0.001,
        "save": False,
    }
    assert "512.0" not in text and '"save": false' in text


def test_texts_stay_as_they_are() -> None:
    assert document_text([{"tag": "bâtiment", "size": "1.0"}]) == '[{"tag": "bâtiment", "size": "1.0"}]'
