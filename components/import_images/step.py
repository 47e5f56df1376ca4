"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import Any

from components.core.documents.imagery import TrainingImages, load_options, with_flags
from components.core.documents.labels import load_labels
from components.core.step import Artifact, Document, Metrics, document_text, step
from components.core.storage.mounted import data_root_or_default
from components.import_images.import_images import import_images


def run(
    project: Artifact,
    metrics: Metrics,
    images_uri: str,
    masks_uri: str,
    data_root: str,
    labels: Document,
    images_options: Document,
    *,
    allow_unpaired: bool = False,
    **options: Any,
) -> None:
    """Run the stage; see `import_images`.

    Args:
        project: The output project.
        metrics: Counts of scenes and rasters; megabytes read and written.
        images_uri: Folder or URI prefix of images, or of folders images/img and ann/gt/masks.
        masks_uri: Folder or URI prefix of masks; empty where images_uri holds them, or there are none.
        data_root: Folder or URI prefix for rasters that must be rewritten; empty for the cluster's own
            (FOOTPRINTS_DATA_ROOT).
        labels: Vector labels in the place of masks: the labels config; empty for none.
        images_options: How the imagery is read, beside where it lies; empty for the defaults.
        allow_unpaired: Whether images without a mask, where others have one, show no building; else they are scenes
            that cannot be imported. Images that no label of a common file touches show none either; else, where no
            labelled area says that somebody looked, they are unlabelled.
        options: Of the stage.
    """
    text = document_text(labels)
    with step(metrics, project) as numbers:
        report = import_images(
            images_uri,
            masks_uri,
            project.path,
            data_root=data_root_or_default(data_root),
            labels=load_labels(text) if text else None,
            options=load_options(
                TrainingImages, with_flags(document_text(images_options), allow_unpaired=allow_unpaired)
            ),
            **options,
        )
        numbers.update(report.scalars())
