"""What every step of a pipeline does around its stage."""

from __future__ import annotations

import json

import pytest

from components.core.step import document_text


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
