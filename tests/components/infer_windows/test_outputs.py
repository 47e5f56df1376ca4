"""Where results lie: keys that stay as they are until something decides otherwise on pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.core import storage
from components.core.documents.inference import load_config
from components.core.geometry import Size
from components.core.hashing import digest
from components.core.project import Item
from components.core.project.parts import Rows
from components.infer_windows.outputs import SceneFiles, scene_files
from tests.builders import scene_item

SIZE = Size(100, 120)
ALL = Rows(0, 100)


@pytest.fixture
def scene(tmp_path: Path) -> Item:
    return scene_item(tmp_path, "austin 1", SIZE)


def files(scene: Item, *rows: Rows, **mode: Any) -> list[SceneFiles]:
    assert scene.image is not None
    return scene_files(scene, scene.image, "model", load_config({"mode": mode}), "data", rows or [ALL])


def test_the_key_of_defaults_stays_what_it_was_when_probabilities_were_first_kept(scene: Item) -> None:
    assert scene.image is not None
    source = storage.stat(scene.image.uri)
    assert source is not None
    recipe = '{"height": 100, "left": 0, "left_right": false, "top": 0, "up_down": false, "width": 120}'
    mode = '{"source":"sliding_window","window":{"height":512,"width":512},"min_overlap":{"x":128,"y":128}}'

    (found,) = files(scene)

    decisive = ("2", scene.image.uri, source.etag, str(source.size_bytes), recipe, "model", mode, "auto")
    assert (found.probability_key, found.key) == (digest(*decisive), digest(digest(*decisive)))
    assert found.part.mask == f"data/predictions/austin_1-{found.key[:12]}.tif"
    assert found.part.probability == f"data/predictions/austin_1-{found.probability_key[:12]}-probability.tif"
    assert found.record == f"data/predictions/austin_1-{found.key[:12]}.json"
    assert files(scene, save=True, class_name="w") == [found]


def test_what_decides_on_pixels_changes_the_key(scene: Item) -> None:
    modes: list[dict[str, Any]] = [
        {},
        {"blend": {"method": "hann"}},
        {"blend": {"discard_border": 3}},
        {"flips": "both"},
        {"pad": "reflect"},
    ]

    assert len({files(scene, **mode)[0].key for mode in modes}) == len(modes)


def test_the_key_of_regions_is_where_they_lie_and_how_often_they_are_seen(scene: Item) -> None:
    assert scene.image is not None
    source = storage.stat(scene.image.uri)
    assert source is not None
    recipe = '{"height": 100, "left": 0, "left_right": false, "top": 0, "up_down": false, "width": 120}'
    mode = '{"regions": [[0, 0, 100, 120]], "flips": "none"}'

    (found,) = files(scene, source="full_image")

    decisive = ("2", scene.image.uri, source.etag, str(source.size_bytes), recipe, "model", mode, "auto")
    assert (found.probability_key, found.key) == (digest(*decisive), digest(digest(*decisive)))
    assert files(scene, source="roi", save=True, class_name="w") == [found]
    others: list[dict[str, Any]] = [{"flips": "both"}, {"bounds": {"left": "1px"}}, {"bounds": {"top": "1%"}}]
    assert len({found.key, *(files(scene, source="roi", **mode)[0].key for mode in others)}) == 4


def test_parts_have_names_and_keys_of_their_own(scene: Item) -> None:
    parts = files(scene, Rows(0, 50), Rows(50, 100))

    assert [Path(part.part.mask).name[:18] for part in parts] == ["austin_1__r0000000", "austin_1__r0000050"]
    assert len({part.key for part in (*parts, *files(scene))}) == 3
    assert files(scene, Rows(50, 100)) == parts[1:]
