"""What is known of images before inference: which cannot be done, and in which there is nothing to do."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from components.core.documents.inference_modes import BboxesMode, Mode
from components.core.documents.regions import regions_of, why_not
from components.core.errors import DataError
from components.core.listing import first_names
from components.core.project import Project
from components.core.skip_budget import Skipped

log = logging.getLogger(__name__)


def expected_skips(source: Project, rows: Sequence[int], mode: Mode) -> list[Skipped]:
    """The images on which a mode cannot be used.

    The log names images without a box to infer, which get no prediction.

    Args:
        source: The project.
        rows: Indices of the images.
        mode: Which windows or regions of them to infer.
    """
    if isinstance(mode, BboxesMode):
        return _without_boxes(source, rows, mode)
    sizes = list(source.item_sizes())
    reasons = ((row, why_not(mode, sizes[row])) for row in rows)
    return [Skipped(source.label(row), reason) for row, reason in reasons if reason is not None]


def _without_boxes(source: Project, rows: Sequence[int], mode: BboxesMode) -> list[Skipped]:
    skips, empty = [], []
    for row in rows:
        try:
            item = source.item(row)
            if not regions_of(mode, item.size, item.objects):
                empty.append(item.key)
        except DataError as error:
            skips.append(Skipped(source.label(row), str(error)))
    if empty:
        log.warning(
            "%d of %d images have no annotated box to infer and get no prediction: %s; annotate objects of "
            "mode.from_classes there, and give mode.padding where these are points or level lines",
            len(empty),
            len(rows),
            first_names(empty),
        )
    return skips
