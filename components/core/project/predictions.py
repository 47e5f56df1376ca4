"""What inference lays beside an item: the names of its rasters, and what they say of themselves."""

from __future__ import annotations

MASK_ROLE = "classes"
"""Key of an item's `rasters`: the index of each pixel's class, 8-bit."""

CONFIDENCE_ROLE = "confidence"
"""Key of an item's `rasters`: 8-bit confidence, 0 for none, 255 for certainty."""

FULL_CONFIDENCE = 255
"""Value of a confidence raster for certainty."""

CONFIDENCE_TAGS = {
    "QUANTITY": "mean probability of the class that the mask names",
    "SCALE": "probability = value / 255",
}
"""Tags of a confidence raster."""
