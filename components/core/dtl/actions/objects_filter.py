"""`objects_filter`: objects go by their size, or by an attribute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import gt, lt
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from components.core.dtl.action import ActionSettings
from components.core.dtl.object_action import ObjectAction
from components.core.dtl.schema_rules import both, given, left_out, one_of
from components.core.figures import Figure
from components.core.figures.bounds import bounds_of
from components.core.geometry import Size
from components.core.project import Item, Object, ProjectMeta
from components.core.project.item import ATTRIBUTES

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


AttributeValue = str | int | float | bool


class AttributeSettings(ActionSettings):
    """Which objects go, by an attribute that they have from vector labels."""

    filtering_classes: list[str]
    """Classes whose objects may go."""

    name: str = Field(min_length=1)
    """Of the attribute."""

    comparator: Literal["one_of", "none_of"]
    """Whether objects go that have one of the values, or that have none of them."""

    values: list[AttributeValue] = Field(min_length=1)
    """Text, numbers and truth values; a number is equal whether it is written as 3 or 3.0."""

    action: Literal["delete"]
    """What becomes of them."""

    def picks(self, attributes: Mapping[str, Any]) -> bool:
        """Whether an object of such attributes goes."""
        value = attributes.get(self.name)
        found = any(_are_alike(value, listed) for listed in self.values)
        return found if self.comparator == "one_of" else not found


def _are_alike(value: Any, other: AttributeValue) -> bool:
    return value == other and isinstance(value, bool) == isinstance(other, bool)


class FilterSettings(ActionSettings):
    """What objects are filtered by: one of the two."""

    model_config = ConfigDict(
        json_schema_extra=one_of(
            both(given("polygon_sizes"), left_out("attribute")), both(given("attribute"), left_out("polygon_sizes"))
        )
    )

    polygon_sizes: PolygonSizesSettings | None = None
    """Their size."""

    attribute: AttributeSettings | None = None
    """An attribute of theirs."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> FilterSettings:
        if (self.polygon_sizes is None) == (self.attribute is None):
            raise ValueError('holds either "polygon_sizes" or "attribute"')
        return self


class ObjectsFilterSettings(ActionSettings):
    """Settings of `objects_filter`."""

    filter_by: FilterSettings


class ObjectsFilter(ObjectAction):
    """Objects of the listed classes go by their size, or by an attribute.

    By size: those whose area is under, or over, a share of the image's; or whose box is narrower
    or lower, or wider or higher, than given, where one side suffices. An area is a bitmap's pixels, a polygon's
    exterior, holes counted, a rectangle's width × height, and 0 for lines and points; boxes are those of `bbox`.

    By attribute: those whose attribute, as vector labels bring it, has one of some values, or none of them; an object
    without the attribute has none.

    Other objects stay as they are, tags and all, and so does the image; no pixel is read.
    """

    name: ClassVar[str] = "objects_filter"
    settings_model: ClassVar[type[ActionSettings]] = ObjectsFilterSettings
    key: ClassVar[str] = "filter_by"

    @property
    def _rule(self) -> PolygonSizesSettings | AttributeSettings:
        by = self.settings.filter_by
        rule: PolygonSizesSettings | AttributeSettings = by.polygon_sizes or by.attribute
        return rule

    def listed(self) -> Iterable[str]:
        """As the settings say."""
        return self._rule.filtering_classes

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """Classes stay; one that is not there is warned of."""
        kind = "attribute" if isinstance(self._rule, AttributeSettings) else "polygon_sizes"
        self.warn_of_unknown_classes(meta, self._rule.filtering_classes, f"{self.key}.{kind}.filtering_classes")
        return meta

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """The object, unless it goes."""
        rule = self._rule
        if isinstance(rule, AttributeSettings):
            attributes = entry.extra.get(ATTRIBUTES)
            goes = rule.picks(attributes if isinstance(attributes, Mapping) else {})
        else:
            goes = _exceeds(rule, entry.figure, item.size)
        return [] if goes else [entry]

    def summary(self) -> str:
        """Classes and rule."""
        rule = self._rule
        classes = ", ".join(rule.filtering_classes)
        if isinstance(rule, AttributeSettings):
            return f"{classes} with {rule.name} {rule.comparator.replace('_', ' ')} {', '.join(map(str, rule.values))}"
        limit, side = rule.area_size, "under" if rule.comparator == "less" else "over"
        size = f"{limit.width}×{limit.height} px" if limit.percent is None else f"{limit.percent:g}%"
        return f"{classes} {side} {size}"


def _exceeds(rule: PolygonSizesSettings, figure: Figure, image: Size) -> bool:
    limit = rule.area_size
    exceeds = lt if rule.comparator == "less" else gt
    if limit.percent is not None:
        return exceeds(100 * figure.area, limit.percent * image.area)
    box = bounds_of(figure)
    return exceeds(box.right - box.left, limit.width or 0) or exceeds(box.bottom - box.top, limit.height or 0)
