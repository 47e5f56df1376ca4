"""`split_masks`: turns one mask into one object a connected component."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import ClassVar, cast

from pydantic import Field

from components.core.dtl.action import ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.object_action import ClassesAction, ClassesSettings
from components.core.errors import DataError
from components.core.figures import Bitmap, Shape
from components.core.figures.connected_components import connected_components
from components.core.project import Item, Object
from components.core.project.parts import meets_seam
from components.core.project.predictions import with_least_confidence


class SplitMasksSettings(ClassesSettings):
    """What is split, and which pieces stay."""

    min_confidence: float = Field(0.0, ge=0, le=1)
    """Least mean confidence of a piece, 0–1, by the raster that inference lays beside the image; pieces below it are
    dropped. One that goes on in another row part of a large scene is judged as a whole, when footprints are made."""


class SplitMasks(ClassesAction):
    """Every bitmap of a listed class becomes one bitmap a component, of the same class; each object is split by itself.

    Components are 8-connected, so that pixels that touch by a corner stay together; holes stay holes. A figure of
    another shape makes its image fail. Tags and descriptions are lost; the image stays as it is.
    """

    name: ClassVar[str] = "split_masks"
    settings_model: ClassVar[type[ActionSettings]] = SplitMasksSettings
    takes: ClassVar[frozenset[Shape]] = frozenset({Shape.BITMAP})
    works_on_pixels: ClassVar[bool] = True

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """The pieces, which lose tags and description."""
        bitmap = cast(Bitmap, entry.figure)
        pieces = [part.moved(bitmap.top, bitmap.left) for part in connected_components(bitmap.mask)]
        for piece in self._believed(pieces, item):
            yield Object(entry.class_title, piece)

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element with its masks split; a row part remembers the least confidence for what meets its seams."""
        least = self.settings.min_confidence
        for emission in super().apply(element, layer, context):
            item = emission.element.item
            marked = with_least_confidence(item, self.settings.classes, least) if least else item
            yield replace(emission, element=emission.element.with_item(marked))

    def _believed(self, pieces: list[Bitmap], item: Item) -> list[Bitmap]:
        least = self.settings.min_confidence
        if not least:
            return pieces
        from components.core.project.confidence import confidence_sums, mean_confidence  # GDAL, to read pixels

        sums = confidence_sums(item, pieces)
        if sums is None:
            raise DataError(
                f"{self.place}.settings.min_confidence: image {item.name!r} has no confidence raster; inference "
                "writes one, and layers that cut or mirror drop it: split before such layers, or leave it out"
            )
        return [
            piece
            for piece, total in zip(pieces, sums.tolist(), strict=True)
            if mean_confidence(total, piece) >= least or meets_seam(item, piece.window)
        ]

    def summary(self) -> str:
        """The classes, and from which confidence on."""
        least = self.settings.min_confidence
        return super().summary() + (f", confidence ≥ {least:g}" if least else "")
