"""Whether a mask lies where its image does, by what both say of it."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform as to_crs

from components.core.errors import DataError
from components.core.geometry import FlipAxis, Size
from components.core.imagery.reading import RasterInfo

MOST_PX = 0.5
"""How far a mask may lie from its image, in pixels: as far as two ways to say where a pixel is differ."""

ROUNDING_PX = 0.01

MapPoint = tuple[float, float]

Flips = tuple[FlipAxis, ...]

FLIPS: tuple[Flips, ...] = tuple(
    tuple(axis for axis, is_set in zip((FlipAxis.UP_DOWN, FlipAxis.LEFT_RIGHT), flags, strict=True) if is_set)
    for flags in product((False, True), repeat=2)
)


def flips_to_image(image: RasterInfo, mask: RasterInfo, uri: str) -> Flips | None:
    """How a mask must be mirrored to lie on its image.

    Beside its image it is refused: its pixels may be those of its own place or those of the image's. Far from all of
    the image they can only be the latter, and the georeference is some other raster's, or a default.

    Args:
        image: What the image says of itself.
        mask: What the mask says of itself; of the image's size.
        uri: Of the mask, for messages.

    Returns:
        The axes; none where it lies on the image as it is, or either does not say where it lies; None where the two
        share no ground.

    Raises:
        DataError: If they share some and lie apart by more than half a pixel.
    """
    if not (_is_placed(image) and _is_placed(mask)):
        return ()
    corners = _corners_in_mask(image, mask, uri)
    own = _corners(image.size)
    if corners is None or not _meet(corners, own):
        return None
    for flips in FLIPS:
        if np.abs(corners - _flipped(own, image.size, flips)).max() <= MOST_PX + ROUNDING_PX:
            return flips
    rows, columns = np.round((own - corners).mean(axis=0), 1) + 0.0
    shift = f"{abs(rows):g} px {'below' if rows > 0 else 'above'} and {abs(columns):g} px "
    shift += f"{'right' if columns > 0 else 'left'} of it"
    if not rows and not columns:
        shift = f"{np.abs(corners - own).max():.1f} px off at its corners"
    raise DataError(
        f"{uri}: its georeference places the mask not on its image, but {shift}; give the mask of the image's "
        "ground, or remove the mask's georeference where that is wrong (gdal_edit.py -unsetgt)"
    )


def _meet(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> bool:
    """Whether the boxes round some points share ground."""
    return bool((np.minimum(one.max(axis=0), other.max(axis=0)) > np.maximum(one.min(axis=0), other.min(axis=0))).all())


def _is_placed(info: RasterInfo) -> bool:
    transform = info.transform
    return transform is not None and transform != Affine.identity() and abs(transform.determinant) > 0


def _corners(size: Size) -> npt.NDArray[np.float64]:
    """(4, 2): row and column of the corners."""
    return np.array(list(product((0, size.height), (0, size.width))), np.float64)


def _flipped(corners: npt.NDArray[np.float64], size: Size, flips: Flips) -> npt.NDArray[np.float64]:
    sides = np.array([size.height, size.width], np.float64)
    mirrored = np.array([FlipAxis.UP_DOWN in flips, FlipAxis.LEFT_RIGHT in flips])
    return np.where(mirrored, sides - corners, corners)


def _corners_in_mask(image: RasterInfo, mask: RasterInfo, uri: str) -> npt.NDArray[np.float64] | None:
    """(4, 2): row and column in the mask where it shows the image's corners; None where its CRS does not reach them."""
    assert image.transform is not None and mask.transform is not None
    places = [image.transform @ (column, row) for row, column in _corners(image.size)]
    if image.crs is not None and mask.crs is not None and image.crs != mask.crs:
        places = _reprojected(places, image.crs, mask.crs, uri)
        if not np.isfinite(places).all():
            return None
    back = ~mask.transform
    return np.array([(back @ place)[::-1] for place in places], np.float64)


def _reprojected(places: list[MapPoint], source: str, target: str, uri: str) -> list[MapPoint]:
    try:
        xs, ys = to_crs(CRS.from_user_input(source), CRS.from_user_input(target), *zip(*places, strict=True))
    except RasterioError as error:
        raise DataError(
            f"{uri}: its CRS ({target}) cannot be compared with its image's ({source}): {error}; give both in one CRS"
        ) from error
    return list(zip(xs, ys, strict=True))
