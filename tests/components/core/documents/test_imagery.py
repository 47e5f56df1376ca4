"""The options of imagery: what is read, what is refused, and what flags say beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.core.documents.imagery import DetectionImages, TrainingImages, load_options, with_flags
from components.core.errors import ConfigError


def test_options_are_text_a_file_or_a_document(tmp_path: Path) -> None:
    document = {"scaling": "0,4095", "captured_pattern": "none"}
    wanted = DetectionImages(scaling="0,4095", captured_pattern="none")
    (tmp_path / "options.json").write_text(json.dumps(document))
    for source in (document, json.dumps(document), str(tmp_path / "options.json")):
        assert load_options(DetectionImages, source) == wanted
    assert load_options(DetectionImages, "") == load_options(DetectionImages, {}) == DetectionImages()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('{"allow_unparied": true}', "allow_unparied: unknown key; known keys: allow_unpaired"),
        ('{"allow_unpaired": "yes"}', "allow_unpaired: 'yes': input should be a valid boolean"),
        ("[]", "input should be a valid dictionary"),
        ("{", "not JSON"),
        ("missing.json", "neither JSON nor a readable file"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(source: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"images_options: .*{said}"):
        load_options(TrainingImages, source)


def test_options_of_the_other_pipeline_are_refused() -> None:
    with pytest.raises(ConfigError, match="allow_unpaired: unknown key; known keys: captured_pattern, scaling"):
        load_options(DetectionImages, {"allow_unpaired": True})


def test_flags_stand_beside_a_document_and_do_not_contradict_it() -> None:
    assert with_flags("", scaling="", captured_pattern="") == ""
    assert with_flags("options.json", scaling="") == "options.json"
    assert json.loads(with_flags('{"scaling": "full"}', captured_pattern="none")) == {
        "scaling": "full",
        "captured_pattern": "none",
    }
    with pytest.raises(ConfigError, match="scaling: is given beside the flag --scaling; give one of the two"):
        with_flags('{"scaling": "full"}', scaling="0,1")
    with pytest.raises(ConfigError, match="is JSON, but not an object"):
        with_flags("[]", scaling="full")
