"""What inference lays beside an item: the names of its rasters, and what they say of themselves."""

from __future__ import annotations

METHOD = "2"
"""Part of what identifies a prediction: another number where the same input gives another one."""

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

PROBABILITY_ROLE = "probability"
"""Key of an item's `rasters`: what the network says of each class, 8-bit; see
`components.core.project.probabilities`."""

PROBABILITY_TAGS = {
    "QUANTITY": "probability of the second of two classes, or of each of more classes in a band of its own",
    "SCALE": "above (value - 1) / 254 and at most value / 254; 0 for 0",
}
"""Tags of a probability raster."""
