"""`split_masks`: turns one mask into one object a connected component."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import ClassVar, Literal, cast

from pydantic import Field

from components.core.dtl.action import ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.object_action import ClassesAction, ClassesSettings
from components.core.errors import DataError
from components.core.figures import Bitmap, Shape
from components.core.figures.connected_components import connected_components
from components.core.project import Item, Object
from components.core.project.predictions import CONFIDENCE_ROLE
from components.core.project.splitting import SplitRule, with_split_rule


class SplitMasksSettings(ClassesSettings):
    """What is split, how, and which pieces stay."""

    method: Literal["components", "watershed"] = "components"
    """`components`: a piece is a connected component. `watershed`: where a component has several cores of which the
    network is sure, each of them is a piece, with the ground that is nearer to it by falling confidence: walls that
    stand together are parted. It needs the raster that inference lays beside the image, as `min_confidence` does."""

    seed_confidence: float = Field(0.8, gt=0, le=1)
    """Least confidence of a core's pixels, above 0 and up to 1; used by `watershed` alone."""

    min_seed_area: int = Field(1, ge=1)
    """Least pixels of a core; smaller ones go to their neighbours. Used by `watershed` alone."""

    min_confidence: float = Field(0.0, ge=0, le=1)
    """Least mean confidence of a piece, 0–1, by the raster that inference lays beside the image; pieces below it are
    dropped. One that goes on in another row part of a large scene is parted and judged as a whole, when footprints are
    made."""

    @property
    def rule(self) -> SplitRule:
        """The same as a rule for the pieces."""
        seed = self.seed_confidence if self.method == "watershed" else None
        return SplitRule(self.min_confidence, seed, self.min_seed_area)


class SplitMasks(ClassesAction):
    """Every bitmap of a listed class becomes one bitmap a component, of the same class; each object is split by itself.

    Components are 8-connected, so that pixels that touch by a corner stay together; holes stay holes. A figure of
    another shape makes its image fail. Tags and descriptions are lost; the image stays as it is. By `watershed` a
    component's parts share no pixel and together are the component (Beucher, Meyer, "The morphological approach to
    segmentation: the watershed transformation", 1993).
    """

    name: ClassVar[str] = "split_masks"
    settings_model: ClassVar[type[ActionSettings]] = SplitMasksSettings
    takes: ClassVar[frozenset[Shape]] = frozenset({Shape.BITMAP})
    works_on_pixels: ClassVar[bool] = True

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """The pieces, which lose tags and description."""
        bitmap = cast(Bitmap, entry.figure)
        components = [part.moved(bitmap.top, bitmap.left) for part in connected_components(bitmap.mask)]
        rule = self.settings.rule
        for piece in self._separated(components, item) if rule.needs_confidence else components:
            yield Object(entry.class_title, piece)

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element with its masks split; a row part remembers the rule for what meets its seams."""
        for emission in super().apply(element, layer, context):
            item = with_split_rule(emission.element.item, self.settings.classes, self.settings.rule)
            yield replace(emission, element=emission.element.with_item(item))

    def _separated(self, components: list[Bitmap], item: Item) -> list[Bitmap]:
        if CONFIDENCE_ROLE not in item.rasters:
            key = "min_confidence" if self.settings.min_confidence else "method"
            raise DataError(
                f"{self.place}.settings.{key}: image {item.name!r} has no confidence raster; inference "
                "writes one, and layers that cut or mirror drop it: split before such layers, or leave it out"
            )
        from components.core.project.separating import separated  # GDAL, to read pixels

        return separated(item, components, self.settings.rule)

    def summary(self) -> str:
        """The classes, the method where it is not the plain one, and from which confidence on."""
        settings = self.settings
        seeds = f", watershed from {settings.seed_confidence:g}" if settings.method == "watershed" else ""
        least = f", confidence ≥ {settings.min_confidence:g}" if settings.min_confidence else ""
        return super().summary() + seeds + least
