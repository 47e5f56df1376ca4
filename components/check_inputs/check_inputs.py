"""Check all inputs of a training run together, before a stage reads imagery or requests a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from components.check_inputs.documents import read_documents
from components.check_inputs.fit import check_fit
from components.check_inputs.inputs import TrainingInputs
from components.check_inputs.places import look
from components.core.imagery.bands import bands_of_text
from components.core.imagery.mask_values import MaskValues
from components.core.preflight.named_faults import NamedFaults
from components.core.preflight.numbers import check_max_shards, check_tags
from components.core.skip_budget import check_max_bad


def check_inputs(inputs: TrainingInputs, names: Mapping[str, str] | None = None) -> str:
    """Check documents, places and settings, each by itself and against each other.

    Nothing is read but names of files, a model's description and the documents; nothing is written but a small object
    below each place in object storage that the run writes to, and removed again.

    Args:
        inputs: What the run is given.
        names: What the user calls the parameters, by their names here; those that are called the same may be left out.

    Returns:
        That all is well, for the log.

    Raises:
        InputsError: If anything is wrong; it lists all faults.
    """
    faults = NamedFaults({field.name: field.name for field in fields(TrainingInputs)} | dict(names or {}))
    faults.attempt("bands", bands_of_text, inputs.bands)
    faults.attempt("max_bad", check_max_bad, inputs.max_bad)
    faults.attempt("mask_value", MaskValues.parse, inputs.mask_value)
    faults.attempt("max_shards", check_max_shards, inputs.max_shards)
    faults.attempt("image_tags", check_tags, inputs.image_tags)
    documents = read_documents(faults, inputs)
    for name in ("masks_uri", "mask_value"):
        if inputs.labels and getattr(inputs, name):
            faults.say((name,), "is given beside labels; give masks or labels, not both")
    found = look(faults, inputs, documents)
    check_fit(faults, inputs, documents, found)
    faults.raise_any()
    images = "the run's own scenes" if found.names is None else f"{len(found.names)} images"
    return f"documents, paths and settings are valid; {images}"
