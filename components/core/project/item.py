"""An image with its annotation: what flows through every stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from components.core.figures import Figure
from components.core.geometry import Size
from components.core.imagery.bands import COLOURS
from components.core.imagery.recipe import Recipe, Step

if TYPE_CHECKING:
    from affine import Affine

    from components.core.imagery.reading import UInt8


ATTRIBUTES = "attributes"
"""Key, among an object's further ones, of what vector labels say of it: an object of text and numbers by name."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """Pixels by reference: a raster, and which of its pixels an item shows.

    Attributes:
        uri: The raster.
        size: Of the raster, in pixels.
        recipe: Window, flips and operations that make the item of the raster.
        crs: "EPSG:…" or WKT of the raster; None where it has none.
        transform: From (column, row) of the raster to map coordinates; None where it has none.
        bands: Names of the bands that `pixels` reads; whoever looks at more than colours says so, no manifest does.
    """

    uri: str
    size: Size
    recipe: Recipe
    crs: str | None = None
    transform: Affine | None = None
    bands: tuple[str, ...] = COLOURS

    @classmethod
    def whole(cls, uri: str, size: Size, crs: str | None = None, transform: Affine | None = None) -> ImageRef:
        """A raster as it is."""
        return cls(uri, size, Recipe.whole(size), crs, transform)

    def then(self, step: Step) -> ImageRef:
        """The same raster with one more step."""
        return replace(self, recipe=self.recipe.then(step))

    def pixels(self, size: Size | None = None) -> UInt8:
        """(C, H, W) uint8, the bands of the item, or of `size` where it is to be smaller; read now."""
        from components.core.imagery.images import read_image  # GDAL, for those who read pixels

        return read_image(self.uri, self.recipe, size, self.bands)

    @property
    def is_whole(self) -> bool:
        """Whether all of the raster is shown, as it is."""
        return self.recipe == Recipe.whole(self.size)

    @property
    def item_transform(self) -> Affine | None:
        """From (column, row) of the item to map coordinates."""
        return None if self.transform is None else self.transform @ self.recipe.affine()


@dataclass(frozen=True, slots=True)
class Object:
    """One annotated object.

    Attributes:
        class_title: Title of its class.
        figure: Its geometry, of the class's shape.
        tags: The object's tags, repeats kept.
        description: Free text.
        extra: Further keys of the Supervisely format, passed through.
    """

    class_title: str
    figure: Figure
    tags: tuple[str, ...] = ()
    description: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def with_figure(self, figure: Figure) -> Object:
        """The same object with another geometry."""
        return replace(self, figure=figure)


@dataclass(frozen=True, slots=True)
class Item:
    """One image with its annotation.

    Attributes:
        dataset: Dataset in its project.
        name: Unique in its dataset; the file stem of the Supervisely format.
        size: Of the item, in pixels.
        image: Its pixels; None where only the annotation is known.
        tags: The image's tags, repeats kept.
        description: Free text.
        objects: In order; later ones are drawn over earlier ones.
        rasters: Further rasters by role, such as "confidence", pixel on pixel with the item; whoever cuts or mirrors
            the item drops them.
        extra: Further keys of the Supervisely format, passed through.
    """

    dataset: str
    name: str
    size: Size
    image: ImageRef | None = None
    tags: tuple[str, ...] = ()
    description: str = ""
    objects: tuple[Object, ...] = ()
    rasters: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Give "dataset/name": unique in the project."""
        return f"{self.dataset}/{self.name}"

    def with_objects(self, objects: Iterable[Object]) -> Item:
        """The same item with other objects."""
        return replace(self, objects=tuple(objects))
