"""Where a raster holds data, by what GDAL says of its bands."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import MaskFlags
from rasterio.windows import Window as RasterWindow


def data_mask(dataset: rasterio.DatasetReader, window: RasterWindow) -> npt.NDArray[np.bool_]:
    """Which pixels of a window hold data: those that are not transparent, or have no nodata value in any band.

    GDAL's mask of a whole raster takes the fourth band of four for alpha where the first is red, whatever it is; this
    asks each band.

    Args:
        dataset: The open raster.
        window: What is read.

    Returns:
        (H, W) bool.
    """
    if any(MaskFlags.per_dataset in flags for flags in dataset.mask_flag_enums):
        return np.asarray(dataset.read_masks(1, window=window) > 0)
    return np.asarray((dataset.read_masks(window=window) > 0).any(axis=0))
