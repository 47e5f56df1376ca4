"""STAC catalogues with a broken document."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from components.core.collection.plan import DetectionReason, PlannedScene
from components.core.geometry import Size
from components.core.skip_budget import Skipped
from components.plan_imagery.capture_date import date_pattern
from components.plan_imagery.headers import read_headers
from components.plan_imagery.sources import find_images
from tests.builders import noise, write_tiled
from tests.components.core.catalogue.catalogues import as_json, item, put_catalogue
from tests.components.core.catalogue.test_catalogue import ASSETS
from tests.fuzzing.mutations import mutated_bytes, mutated_json


class Catalogues:
    """An item of two is broken, and the other is planned, whatever becomes of it; or the catalogue is."""

    name = "catalogues"

    def prepare(self, folder: Path) -> None:
        """A catalogue of two items, which share their images."""
        pixels = noise(Size(64, 48))
        for name in ("r", "g", "b", "v", "t"):
            write_tiled(folder / f"items/{name}.tif", pixels[:1] if name in "rgb" else pixels)
        grid = {"proj:code": "EPSG:32633", "proj:shape": [64, 48], "proj:transform": [0.5, 0, 5e5, 0, -0.5, 5e6]}
        good, bad = (as_json(item(name, ASSETS, **grid)) for name in ("good", "bad"))
        put_catalogue(str(folder), good, bad, links=({"rel": "self", "href": "https://example.com/c/catalog.json"},))
        self.folder = folder

    def attempt(self, folder: Path, draw: random.Random) -> None:
        """Break an item, or the catalogue."""
        shutil.copytree(self.folder, folder / "c")
        is_item = draw.random() < 0.7
        file = folder / "c" / ("items/bad.json" if is_item else "catalog.json")
        content = file.read_bytes()
        if draw.random() < 0.7:
            file.write_text(mutated_json(json.loads(content), draw), errors="replace")
        else:
            file.write_bytes(mutated_bytes(content, draw))
        names = draw.choice(((), ("visual",), ("red", "green", "blue")))
        notes = str(folder / "notes.parquet")
        found = list(find_images(str(folder / "c" / "catalog.json"), "", names, notes))
        assert [*find_images(str(folder / "c" / "catalog.json"), "", names, notes)] == found, (
            "what is kept is not equal"
        )
        todo = [(entry, DetectionReason.NEW) for entry in found if not isinstance(entry, Skipped)]
        planned = list(read_headers(todo, date_pattern("")))
        assert len(planned) == len(todo)
        scenes = [entry.key for entry in planned if isinstance(entry, PlannedScene)]
        if is_item and names:
            assert "good" in scenes, "the good item is not planned"
