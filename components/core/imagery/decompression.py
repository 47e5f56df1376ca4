"""Files of few bytes that unpack to more than any memory or disk holds: refused by what their headers say."""

from __future__ import annotations

import numpy as np

from components.core.errors import DataError
from components.core.imagery.reading import RasterInfo

MOST_BLOCK_BYTES = 1 << 30
"""Of a block, which is unpacked whole whatever is wanted of it; tiles have some megabytes."""

MOST_RATIO = 5_000
"""Of unpacked bytes to those of the file, where that is more than `MOST_BLOCK_BYTES`; deflate reaches 1 032."""


def check_unpacking(info: RasterInfo, size_bytes: int, uri: str) -> None:
    """See that an image or a mask can be read with some memory, and is not next to nothing.

    Args:
        info: What it says of itself.
        size_bytes: Of the file.
        uri: The file.

    Raises:
        DataError: If one of its blocks, or all of it, is too large.
    """
    pixel_bytes = info.bands * (np.dtype(info.dtype).itemsize if info.dtype in np.sctypeDict else 8)
    block_bytes = min(info.tile.height, info.size.height) * min(info.tile.width, info.size.width) * pixel_bytes
    if block_bytes > MOST_BLOCK_BYTES:
        raise DataError(
            f"{uri}: is stored in blocks of {info.tile} px, each {block_bytes / 1e9:.1f} GB when decompressed; write "
            "it in tiles (gdal_translate -co TILED=YES)"
        )
    whole_bytes = info.size.area * pixel_bytes
    if whole_bytes > max(MOST_BLOCK_BYTES, MOST_RATIO * size_bytes):
        raise DataError(
            f"{uri}: its {size_bytes} bytes decompress to {whole_bytes / 1e9:.1f} GB, so that it is nearly empty; "
            "crop it to the area that holds data"
        )
