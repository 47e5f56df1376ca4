"""`drop_noise`: small pieces of masks go."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, cast

import numpy as np
from pydantic import AfterValidator, Field

from components.core.dtl.action import ActionSettings
from components.core.dtl.object_action import ClassesAction, ClassesSettings
from components.core.figures import Bitmap, Shape
from components.core.figures.connected_components import connected_components, merged
from components.core.project import Item, Object

AREA = re.compile(r"(?P<pixels>[0-9]{1,18})px|(?P<percent>[0-9]{1,18}(\.[0-9]{1,2})?)%")
AREA_PATTERN = r"^([0-9]{1,18}px|[0-9]{1,18}(\.[0-9]{1,2})?%)$"


def _is_area(text: str) -> str:
    if AREA.fullmatch(text) is None:
        raise ValueError(f'{text!r} is not an area; give "Npx", or "N%" with at most two decimals')
    return text


class DropNoiseSettings(ClassesSettings):
    """Settings of `drop_noise`."""

    min_area: Annotated[str, AfterValidator(_is_area), Field(json_schema_extra={"pattern": AREA_PATTERN})]
    """Pieces of fewer pixels go: "Npx", or "N%", rounded down to whole pixels."""

    src_type: Literal["image", "bbox"]
    """What percentages are of: the area of the image, or of the object's box."""


class DropNoise(ClassesAction):
    """From every bitmap of a listed class the 4-connected pieces go that have fewer pixels than `min_area`; pieces that
    touch by a corner are told apart. The rest stays one object, and one with nothing left goes. A figure of another
    shape makes its image fail. The mask is read by row band; where a piece goes, the rest is held in memory. Tags
    and descriptions are lost; the image stays as it is.
    """

    name: ClassVar[str] = "drop_noise"
    settings_model: ClassVar[type[ActionSettings]] = DropNoiseSettings
    takes: ClassVar[frozenset[Shape]] = frozenset({Shape.BITMAP})
    works_on_pixels: ClassVar[bool] = True

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """The object without its small pieces, if there are others."""
        bitmap = cast(Bitmap, entry.figure)
        whole = item.size if self.settings.src_type == "image" else bitmap.window.size
        rest = without_small_pieces(bitmap, self._least(whole.area))
        return [] if rest is None else [Object(entry.class_title, rest)]

    def _least(self, whole: int) -> int:
        """The least area that stays, in pixels."""
        found = AREA.fullmatch(self.settings.min_area)
        if found is None:
            raise TypeError(f"min_area was not checked: {self.settings.min_area!r}")
        if found["pixels"]:
            return int(found["pixels"])
        return int(Decimal(found["percent"]) * whole / 100)

    def summary(self) -> str:
        """Classes and least area."""
        of = f" of the {self.settings.src_type}" if self.settings.min_area.endswith("%") else ""
        return f"{super().summary()}, under {self.settings.min_area}{of}"


def without_small_pieces(bitmap: Bitmap, least: int) -> Bitmap | None:
    """A bitmap without its 4-connected pieces of fewer than `least` pixels; itself, where there are none."""
    parts = connected_components(bitmap.mask)
    kept = [_large_pieces(part, least) for part in parts]
    if all(rest is part for rest, part in zip(kept, parts, strict=True)):
        return bitmap
    found = [rest for rest in kept if rest is not None]
    return merged(found).moved(bitmap.top, bitmap.left) if found else None


def _large_pieces(part: Bitmap, least: int) -> Bitmap | None:
    """Of one 8-connected component: 4-connected ones never reach beyond."""
    import cv2

    if part.mask.area < least:
        return None
    pixels = part.mask.pixels()
    _, labels, facts, _ = cv2.connectedComponentsWithStats(pixels.view(np.uint8), connectivity=4)
    stays = facts[:, cv2.CC_STAT_AREA] >= least
    if stays[1:].all():
        return part
    stays[0] = False
    return Bitmap.of_pixels(stays[labels], part.top, part.left)
