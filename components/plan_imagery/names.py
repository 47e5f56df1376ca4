"""What the pipeline calls the step's inputs; apart from the step, for commands that start without what it imports."""

from __future__ import annotations

from collections.abc import Mapping

PARAMETERS: Mapping[str, str] = {
    "inference_config": "infer_config",
    "class_title": "footprints_class_title",
    "tolerance": "footprints_tolerance",
    "min_area_m2": "footprints_min_area_m2",
    "regularise": "footprints_regularise",
    "confidence": "footprints_confidence",
    "formats": "footprints_formats",
    "join_tiles": "footprints_join_tiles",
    "confirm": "footprints_confirm",
    "redo": "images_redo",
    "shard_megapixels": "shards_megapixels",
    "max_shards": "shards_max",
    "bands": "images_bands",
    "data_root": "output_data_root",
    "max_bad": "images_max_bad",
}
"""Those with another name: faults use the names of the form."""
