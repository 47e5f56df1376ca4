"""`objects_filter`: objects go by their size."""

from __future__ import annotations

from collections.abc import Iterable
from operator import gt, lt
from typing import ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from components.core.dtl.action import ActionSettings
from components.core.dtl.object_action import ObjectAction
from components.core.dtl.schema_rules import both, given, left_out, one_of
from components.core.figures import Figure
from components.core.figures.bounds import bounds_of
from components.core.geometry import Size
from components.core.project import Item, Object, ProjectMeta

AREA_SIZE = one_of(
    both(given("percent"), left_out("width", "height")), both(given("width", "height"), left_out("percent"))
)


class AreaSizeSettings(ActionSettings):
    """Either `percent`, or `width` and `height`."""

    model_config = ConfigDict(json_schema_extra=AREA_SIZE)

    percent: float | None = Field(default=None, ge=0, le=100)
    """Of the image's area, which the object's area is compared with."""

    width: int | None = Field(default=None, ge=0)
    """In pixels, which the width of the object's box is compared with."""

    height: int | None = Field(default=None, ge=0)
    """In pixels, which the height of the object's box is compared with."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> AreaSizeSettings:
        given = self.percent is not None, self.width is not None, self.height is not None
        if given not in ((True, False, False), (False, True, True)):
            raise ValueError('holds either "percent", or "width" and "height"')
        return self


class PolygonSizesSettings(ActionSettings):
    """Which objects go."""

    filtering_classes: list[str]
    """Classes whose objects may go."""

    area_size: AreaSizeSettings

    comparator: Literal["less", "greater"]
    """Whether objects that are under or over the size go; equal ones stay."""

    action: Literal["delete"]
    """What becomes of them."""


class FilterSettings(ActionSettings):
    """What objects are filtered by."""

    polygon_sizes: PolygonSizesSettings


class ObjectsFilterSettings(ActionSettings):
    """Settings of `objects_filter`."""

    filter_by: FilterSettings


class ObjectsFilter(ObjectAction):
    """Objects of the listed classes go whose area is under, or over, a share of the image's; or whose box is narrower
    or lower, or wider or higher, than given, where one side suffices. An area is a bitmap's pixels, a polygon's
    exterior, holes counted, a rectangle's width × height, and 0 for lines and points; boxes are those of `bbox`. Other
    objects stay as they are, tags and all, and so does the image; no pixel is read.
    """

    name: ClassVar[str] = "objects_filter"
    settings_model: ClassVar[type[ActionSettings]] = ObjectsFilterSettings
    key: ClassVar[str] = "filter_by.polygon_sizes.filtering_classes"

    @property
    def _rule(self) -> PolygonSizesSettings:
        rule: PolygonSizesSettings = self.settings.filter_by.polygon_sizes
        return rule

    def listed(self) -> Iterable[str]:
        """As the settings say."""
        return self._rule.filtering_classes

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """Classes stay; one that is not there is warned of."""
        self.warn_of_unknown_classes(meta, self._rule.filtering_classes, self.key)
        return meta

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """The object, unless it goes."""
        return [] if self._goes(entry.figure, item.size) else [entry]

    def _goes(self, figure: Figure, image: Size) -> bool:
        limit = self._rule.area_size
        exceeds = lt if self._rule.comparator == "less" else gt
        if limit.percent is not None:
            return exceeds(100 * figure.area, limit.percent * image.area)
        box = bounds_of(figure)
        return exceeds(box.right - box.left, limit.width or 0) or exceeds(box.bottom - box.top, limit.height or 0)

    def summary(self) -> str:
        """Classes and rule."""
        limit, side = self._rule.area_size, "under" if self._rule.comparator == "less" else "over"
        size = f"{limit.width}×{limit.height} px" if limit.percent is None else f"{limit.percent:g}%"
        return f"{', '.join(self._rule.filtering_classes)} {side} {size}"
