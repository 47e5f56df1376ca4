"""Puts the parts that were inferred apart together, as if one step had done them all."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from components.core.errors import DataError
from components.core.project import Item, Project, open_project, write_manifest

log = logging.getLogger(__name__)


def collect_predictions(parts: Sequence[Path | str], project: Path | str, predictions: Path | str) -> int:
    """Write one project of the parts' items, in the order of the project that they were inferred from.

    Args:
        parts: Directories of the parts.
        project: Directory of the project that inference ran on.
        predictions: Directory of the new project; it appears when it is whole.

    Returns:
        The number of items.

    Raises:
        DataError: If there is no part, parts differ in classes, two hold the same item, or one holds an item that
            the project does not have.
    """
    if not parts:
        raise DataError("parts: is empty; give the directory of at least one inferred part")
    opened = [open_project(part) for part in parts]
    for part in opened[1:]:
        if part.meta != opened[0].meta:
            raise DataError(
                f"{part.place}: name, classes or tags are not those of {opened[0].place}; "
                "infer all parts with one model and one config"
            )
    count = write_manifest(predictions, opened[0].meta, _in_order(opened, open_project(project)))
    log.info("%d items of %d parts", count, len(opened))
    return count


def _in_order(parts: Sequence[Project], source: Project) -> Iterator[Item]:
    places: dict[str, tuple[Project, int]] = {}
    for part in parts:
        for index in range(len(part)):
            label = part.label(index)
            other = places.setdefault(label, (part, index))
            if other != (part, index):
                raise DataError(f"{part.place}: item {label} is in {other[0].place} too; give every part once")
    for index in range(len(source)):
        found = places.pop(source.label(index), None)
        if found is not None:
            yield found[0].item(found[1])
    if places:
        label, (part, _) = next(iter(places.items()))
        raise DataError(f"{part.place}: item {label} is not in {source.place}; give the project that inference ran on")
