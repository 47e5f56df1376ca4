"""Held-out images of two towns, and models that find some of their buildings: those above a brightness."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from components.core import storage
from components.core.figures import Bitmap
from components.core.geometry import Size
from components.core.project import ImageRef, Item, Object, write_manifest
from components.evaluate.evaluate import evaluate
from components.infer_windows.infer_windows import infer_windows
from components.promote.promote import Promotion, promote
from components.promote.scoring import Scoring
from components.split_masks.split_masks import split_masks
from tests.builders import bitmap_meta, write_tiled
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import CONFIG

SIZE = Size(96, 96)

ROOFS = {"austin": ((8, 8, 220), (8, 56, 160)), "vienna": ((8, 8, 220), (56, 8, 160), (56, 56, 100))}
"""Top, left and brightness of roofs of 24 × 24 pixels on ground of 40, by town."""

ROOF_PX, GROUND = 24, 40

ALL, MOST, FEW = 70.0, 130.0, 190.0
"""Models by their threshold: what finds every roof, every roof but the darkest, and the brightest alone."""


class HeldOut:
    """A project with the truth of four images, two a town.

    Attributes:
        root: Folder of everything.
        truth: The project.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.truth = root, root / "truth"
        self.items = [self._item(town, number) for town in ROOFS for number in (1, 2)]
        write_manifest(self.truth, bitmap_meta("INRIA_TAGGED"), self.items)

    def _item(self, town: str, number: int) -> Item:
        pixels, mask = np.full((3, *_SHAPE), GROUND, np.uint8), np.zeros(_SHAPE, np.bool_)
        for top, left, value in ROOFS[town]:
            place = slice(top, top + ROOF_PX), slice(left + number, left + number + ROOF_PX)
            pixels[:, *place], mask[place] = value, True
        uri = write_tiled(self.root / "images" / f"{town}{number}.tif", pixels)
        figure = Bitmap.of_pixels(mask)
        assert figure is not None
        image = ImageRef.whole(uri, SIZE)
        return Item("ds", f"{town}{number}", SIZE, image, (town, "test"), objects=(Object("untitled", figure),))

    def without_objects(self) -> Path:
        """The same images, of which nobody has seen a building."""
        write_manifest(self.root / "bare", bitmap_meta("BARE"), [replace(item, objects=()) for item in self.items])
        return self.root / "bare"

    def model(self, threshold: float) -> Path:
        """A model that finds what is brighter."""
        return save_bright_model(self.root / f"model_{threshold:g}", threshold=threshold)

    def scoring(self) -> Scoring:
        """How it is tested here."""
        return Scoring(project=self.truth, data_root=str(self.root / "data"), inference_config=CONFIG, workers=1)

    def evaluation(self, model: Path, truth: Path | None = None, tags: tuple[str, ...] = ("test",)) -> Path:
        """What evaluate says of a model, as the training pipeline asks it."""
        place = self.root / f"evaluation of {model.name} {storage.name_of(truth or self.truth)} {' '.join(tags)}"
        predictions, split = place / "predictions", place / "split"
        options = {"data_root": str(self.root / "data"), "config": CONFIG, "image_tags": tags}
        infer_windows(truth or self.truth, model, predictions, **options)
        split_masks(predictions, split)
        evaluate(split, truth or self.truth, place / "evaluation", image_tags=tags, workers=1)
        return place / "evaluation"

    def promote(self, threshold: float, pointer: str, **rule: object) -> Promotion:
        """Promote a model, if it is better."""
        model = self.model(threshold)
        return promote(
            model,
            self.evaluation(model),
            {"pointer_uri": pointer, **rule},
            self.scoring(),
            training_run=f"run {threshold:g}",
        )


_SHAPE = (SIZE.height, SIZE.width)
