"""Where a raster holds data, by what GDAL says of its bands."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window as RasterWindow

from components.core.geometry import Size


def data_mask(
    dataset: rasterio.DatasetReader, window: RasterWindow, alpha: int, size: Size | None = None
) -> npt.NDArray[np.bool_]:
    """Which pixels of a window hold data: those that are not transparent, or have no nodata value in any band.

    GDAL's mask of a whole raster takes the fourth band of four for alpha where the first is red, whatever it is, and
    no band of five or more; this asks each band.

    Args:
        dataset: The open raster.
        window: What is read.
        alpha: Number of its alpha band; 0 where it has none that says it (see `alpha_of`).
        size: Of the result where it is to be smaller: the nearest pixels.

    Returns:
        (H, W) bool.
    """
    shape = (int(window.height), int(window.width)) if size is None else (size.height, size.width)
    if _has_own_mask(dataset):
        return np.asarray(dataset.read_masks(1, window=window, out_shape=shape) > 0)
    valid = np.ones(shape, np.bool_)
    if any(MaskFlags.nodata in flags for flags in dataset.mask_flag_enums):
        masks = dataset.read_masks(list(dataset.indexes), window=window, out_shape=(dataset.count, *shape))
        valid = np.asarray((masks > 0).any(axis=0))
    if alpha:
        valid &= dataset.read(alpha, window=window, out_shape=shape) > 0
    return valid


def declares_gaps(dataset: rasterio.DatasetReader, alpha: int) -> bool:
    """Whether a raster says that some of its pixels may hold no data, by nodata value, mask or alpha band.

    Args:
        dataset: The open raster.
        alpha: As `data_mask` takes it.
    """
    has_nodata = any(MaskFlags.nodata in flags for flags in dataset.mask_flag_enums)
    return bool(alpha) or has_nodata or _has_own_mask(dataset)


def alpha_band(dataset: rasterio.DatasetReader) -> int:
    """Number of the band that is tagged alpha, whatever its values are; 0 where none is, or a mask of its own counts.

    GDAL's flags know it of two and of four bands alone, and not beside a nodata value.
    """
    is_tagged = ColorInterp.alpha in dataset.colorinterp and not _has_own_mask(dataset)
    return 1 + dataset.colorinterp.index(ColorInterp.alpha) if is_tagged else 0


def _has_own_mask(dataset: rasterio.DatasetReader) -> bool:
    """Whether a mask that is no band says it."""
    return any(MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags for flags in dataset.mask_flag_enums)
