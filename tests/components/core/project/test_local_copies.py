"""The rasters that an item is read from."""

from components.core.figures import Bitmap, Rectangle
from components.core.figures.mask import RasterMask
from components.core.geometry import Size, Window
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Recipe
from components.core.project import ImageRef, Item, Object
from components.core.project.local_copies import rasters_of

SIZE = Size(8, 8)


def test_the_image_and_every_raster_of_a_mask_are_named() -> None:
    in_raster = Bitmap(0, 0, RasterMask(MaskRaster("s3://bucket/gt.tif"), Recipe(Window.of_size(SIZE)), 3))
    objects = (Object("house", in_raster), Object("house", Rectangle(0, 0, 8, 8)))
    item = Item("ds", "town", SIZE, ImageRef.whole("s3://bucket/town.tif", SIZE), objects=objects)
    assert list(rasters_of(item)) == ["s3://bucket/town.tif", "s3://bucket/gt.tif"]
    assert list(rasters_of(Item("ds", "bare", SIZE))) == []
