"""The laptop's documents made smaller still: scenes of 256 px, windows of 128 px, one epoch."""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.documents import laptop_documents

SMALL_OPTIONS = ("--scenes-per-town", "2", "--size-px", "256", "--seed", "3")
WINDOW_PX = 128


def small_documents(folder: Path) -> list[str]:
    """Write the documents into a folder and give the options that name them."""
    documents = laptop_documents()
    side = {"width": WINDOW_PX, "height": WINDOW_PX}
    crops = documents.crop_augment
    crops[2]["settings"]["window"] = side
    crops[5]["settings"]["condition"]["group_by"] = "item"  # of so few scenes all might go to training
    training = {**documents.training, "input_size": {"width": 64, "height": 64}, "epochs": 1}
    inference = documents.inference
    inference["mode"] |= {"window": side, "min_overlap": {"x": 32, "y": 32}}
    options = []
    for flag, content in (
        ("crop-augment-query", crops),
        ("train-config", training),
        ("inference-config", inference),
    ):
        file = folder / f"{flag}.json"
        file.write_text(json.dumps(content))
        options += [f"--{flag}", str(file)]
    return [*options, "--split-masks-query", "split_masks"]  # after one epoch a network may be sure of nothing
