from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
import shapely
from affine import Affine

from components.core.footprints.geography import WGS84, reprojected
from components.core.geometry import Size
from components.core.reporting.palette import PREDICTION, rgb
from components.publish_collection import pictures
from components.publish_collection.pictures import ScenePicture, scene_picture

CRS = "EPSG:32633"
GROUND = 90


def place(gsd_m: float = 0.5) -> Affine:
    return Affine(gsd_m, 0, 600_000, 0, -gsd_m, 5_300_000)


def write_image(file: Path, size: Size, dtype: str = "uint8") -> str:
    profile = {"driver": "GTiff", "height": size.height, "width": size.width, "count": 3, "dtype": dtype}
    with rasterio.open(file, "w", crs=CRS, transform=place(), tiled=True, compress="deflate", **profile) as out:
        for band in (1, 2, 3):
            out.write(np.full((size.height, size.width), GROUND, dtype), band)
    return str(file)


def write_footprints(file: Path, *boxes: tuple[int, int, int, int]) -> Path:
    """Boxes of left, top, right, bottom in pixels."""
    corners = np.array([shapely.box(*box) for box in boxes], dtype=object)
    on_map = shapely.transform(corners, lambda points: points * (place().a, place().e) + (place().c, place().f))
    shapes = reprojected(on_map, CRS, WGS84)
    pq.write_table(
        pa.table({"id": [str(index) for index in range(len(boxes))], "geometry": shapely.to_wkb(shapes).tolist()}), file
    )
    return file


def drawn(tmp_path: Path, size: Size, *boxes: tuple[int, int, int, int], dtype: str = "uint8") -> ScenePicture:
    image = write_image(tmp_path / "a.tif", size, dtype)
    return scene_picture("2026/a.tif", image, size, CRS, place(), write_footprints(tmp_path / "f.parquet", *boxes))


def is_outline(pixels: np.ndarray) -> np.ndarray:
    return (np.abs(pixels.astype(int) - rgb(PREDICTION).as_array()).max(axis=2) < 40).astype(bool)


def test_outlines_lie_where_the_footprints_are(tmp_path: Path) -> None:
    found = drawn(tmp_path, Size(200, 300), (50, 40, 150, 120))

    (panel,) = found.panels
    assert panel.pixels.shape == (200, 300, 3)
    assert found.note == "200×300 px · 1 footprint"
    rows, columns = np.nonzero(is_outline(panel.pixels))
    assert abs(rows.min() - 40) <= 2 and abs(rows.max() - 119) <= 2
    assert abs(columns.min() - 50) <= 2 and abs(columns.max() - 149) <= 2
    assert (panel.pixels[60:100, 70:130] == GROUND).all()


def test_of_a_large_scene_the_part_with_the_footprints_is_shown_large(tmp_path: Path) -> None:
    found = drawn(tmp_path, Size(1600, 2400), *[(1700 + 40 * step, 900, 1720 + 40 * step, 930) for step in range(10)])

    whole, part = found.panels
    assert max(whole.pixels.shape) == max(part.pixels.shape) == pictures.PANEL_PX
    assert is_outline(part.pixels).sum() > 500
    assert "part with the most outlines: rows " in part.caption


def test_a_scene_without_footprints_is_shown(tmp_path: Path) -> None:
    found = drawn(tmp_path, Size(100, 100))

    assert (found.panels[0].pixels == GROUND).all()
    assert found.note.endswith("0 footprints")


def test_what_cannot_be_shown_is_drawn_as_a_plan(tmp_path: Path) -> None:
    (panel,) = drawn(tmp_path, Size(100, 200), (20, 20, 60, 60), dtype="uint16").panels

    assert is_outline(panel.pixels).any()
    assert (panel.pixels[80:, 100:] == rgb(pictures.GROUND).as_array()).all()


def test_a_missing_image_leaves_the_plan(tmp_path: Path) -> None:
    footprints = write_footprints(tmp_path / "f.parquet", (1, 1, 9, 9))

    found = scene_picture("a", str(tmp_path / "none.tif"), Size(1000, 1000), CRS, place(), footprints)

    assert len(found.panels) == 2


def test_a_huge_scene_without_overviews_is_not_read_whole(tmp_path: Path) -> None:
    size = Size(8_192, 8_192)
    file = tmp_path / "huge.tif"
    profile = {"driver": "GTiff", "height": size.height, "width": size.width, "count": 3, "dtype": "uint8"}
    with rasterio.open(file, "w", crs=CRS, transform=place(), tiled=True, SPARSE_OK=True, **profile):
        pass
    footprints = write_footprints(tmp_path / "f.parquet", (4000, 4000, 4100, 4100))

    plan, _ = scene_picture("a", str(file), size, CRS, place(), footprints).panels
    with rasterio.open(file, "r+") as out:
        out.build_overviews([16])
    read, part = scene_picture("a", str(file), size, CRS, place(), footprints).panels

    assert (plan.pixels[0, 0] == rgb(pictures.GROUND).as_array()).all()
    assert (read.pixels[0, 0] == 0).all() and (part.pixels[-1, -1] == 0).all()
