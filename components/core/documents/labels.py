"""The labels config: where vector labels are, what says their class, and which ground was labelled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from components.core.coco.reading import is_coco
from components.core.documents.vector_file import one_vector_file
from components.core.settings import check_document, naming_file, read_document

WHERE = "labels"


class LabelsConfig(BaseModel):
    """Vector labels in the place of masks; only the first key must be given."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    labels_uri: str = Field(min_length=1)
    """A vector file with the labels of all images, perhaps with `|layername=NAME` behind it; a folder of one file an
    image, of the image's name; or a JSON file of COCO annotations."""

    label_attribute: str = ""
    """Attribute that says an object's class, of COCO annotations `category`; empty for one class, which stands for
    missing values, too."""

    labelled_area_uri: str = ""
    """A vector file of the ground that was labelled, whose outside does not count; empty for all ground."""

    @field_validator("labelled_area_uri")
    @classmethod
    def _is_one_file(cls, uri: str) -> str:
        return one_vector_file(uri)


def load_labels(source: str | Path | Mapping[str, Any]) -> LabelsConfig:
    """Check a labels config.

    Args:
        source: JSON text, the path of a JSON file, or the parsed document; or the path or URI of the labels themselves,
            where that is all, COCO annotations on disk included.

    Raises:
        ConfigError: If it cannot be read, a key is unknown or missing, or a value breaks its rule.
    """
    if isinstance(source, str) and _names_labels(source):
        source = {"labels_uri": source}
    document = read_document(source, WHERE) if isinstance(source, str | Path) else source
    if is_coco(document) and (isinstance(source, Path) or not str(source).lstrip().startswith("{")):
        document = {"labels_uri": str(source)}
    with naming_file(source):
        return check_document(LabelsConfig, document, WHERE)


def _names_labels(text: str) -> bool:
    return not text.lstrip().startswith("{") and not text.lower().endswith(".json")
