"""A project as COCO annotations, or its objects as results with scores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.core.class_titles import NEUTRAL_CLASS
from components.core.coco.run_lengths import counts_of, text_of
from components.core.errors import ConfigError, DataError
from components.core.figures import AREA_SHAPES, Bitmap, Figure, Polygon
from components.core.figures.row_bands import as_bitmap
from components.core.geometry import Size
from components.core.project import Item, Project
from components.core.project.confidence import confidence_sums, mean_confidence
from components.core.storage import staged_file, suffix_of

SCORE_DECIMALS = 4


def write_annotations(project: Project, file: Path | str, class_title: str = "") -> int:
    """Write the images, classes and objects of a project as COCO annotations, an object at a time.

    Polygons of vector labels stay polygons, but for those with holes, which COCO's have none of: these, and bitmaps,
    become run lengths as text. Unlabelled ground is a crowd (`iscrowd`) of the first class. Images, classes and
    objects have numbers from 1 in the project's order.

    Args:
        project: The project.
        file: Path or URI; it appears when it is whole.
        class_title: Of this class alone; empty for all that cover an area.

    Returns:
        How many annotations.

    Raises:
        ConfigError: If there is no such class.
        DataError: If the project cannot be read.
        StorageError: If the file cannot be written.
    """
    titles = _titles(project, class_title)
    with staged_file(file) as staged, staged.open("w", encoding="utf-8") as out:
        out.write('{"categories": ')
        out.write(json.dumps([{"id": number, "name": name} for name, number in titles.items()], ensure_ascii=False))
        out.write(',\n"images": [')
        _write(out, (_image(item, number) for number, item in enumerate(project, 1)))
        out.write('],\n"annotations": [')
        annotations = _write(out, _numbered(_annotations(project, titles)))
        out.write("]}\n")
    return annotations


def write_results(project: Project, file: Path | str, class_title: str = "") -> int:
    """Write the objects of a project of predictions as COCO results: run lengths, boxes and scores, no images.

    A score is the object's mean confidence; images and classes have the numbers that `write_annotations` gives them.

    Args:
        project: Predictions, split into objects.
        file: Path or URI; it appears when it is whole.
        class_title: As for `write_annotations`.

    Returns:
        How many results.

    Raises:
        ConfigError: If there is no such class.
        DataError: If the project cannot be read, or an item has no confidences.
        StorageError: If the file cannot be written.
    """
    titles = _titles(project, class_title)
    with staged_file(file) as staged, staged.open("w", encoding="utf-8") as out:
        out.write("[")
        count = _write(out, _results(project, titles))
        out.write("]\n")
    return count


def _titles(project: Project, class_title: str) -> dict[str, int]:
    titles = [known.title for known in project.meta.classes if known.shape in AREA_SHAPES]
    titles = [title for title in titles if title != NEUTRAL_CLASS]
    if class_title and class_title not in titles:
        raise ConfigError(
            f"class_title: {class_title!r} is no class of {project.place} that covers an area; these are "
            f"{', '.join(titles) or 'none'}"
        )
    return {title: number for number, title in enumerate(titles, 1) if class_title in ("", title)}


def _write(out: Any, entries: Iterator[dict[str, Any]]) -> int:
    count = 0
    for entry in entries:
        out.write((",\n" if count else "\n") + json.dumps(entry, ensure_ascii=False))
        count += 1
    return count


def _image(item: Item, number: int) -> dict[str, Any]:
    suffix = "" if item.image is None else suffix_of(item.image.uri)
    return {"id": number, "file_name": f"{item.name}{suffix}", "height": item.size.height, "width": item.size.width}


def _numbered(entries: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, entry in enumerate(entries, 1):
        yield {"id": number, **entry}


def _annotations(project: Project, titles: dict[str, int]) -> Iterator[dict[str, Any]]:
    for number, item in enumerate(project, 1):
        for entry in item.objects:
            is_crowd = entry.class_title == NEUTRAL_CLASS
            if entry.class_title not in titles and not (is_crowd and titles):
                continue
            if entry.figure.shape not in AREA_SHAPES or (bitmap := as_bitmap(entry.figure, item.size)) is None:
                continue
            shape = _run_lengths(bitmap, item.size) if is_crowd else _shape(entry.figure, bitmap, item.size)
            yield {
                "image_id": number,
                "category_id": next(iter(titles.values())) if is_crowd else titles[entry.class_title],
                "segmentation": shape,
                **_measures(bitmap),
                "iscrowd": int(is_crowd),
            }


def _results(project: Project, titles: dict[str, int]) -> Iterator[dict[str, Any]]:
    for number, item in enumerate(project, 1):
        chosen = [entry for entry in item.objects if entry.class_title in titles]
        drawn = [(entry, as_bitmap(entry.figure, item.size)) for entry in chosen]
        known = [(entry, bitmap) for entry, bitmap in drawn if bitmap is not None]
        sums = confidence_sums(item, [bitmap for _, bitmap in known])
        if sums is None:
            raise DataError(f"{item.key}: has no confidences for scores; give predictions, or write annotations")
        for (entry, bitmap), total in zip(known, sums.tolist(), strict=True):
            yield {
                "image_id": number,
                "category_id": titles[entry.class_title],
                "segmentation": _run_lengths(bitmap, item.size),
                "bbox": _measures(bitmap)["bbox"],
                "score": round(mean_confidence(total, bitmap), SCORE_DECIMALS),
            }


def _shape(figure: Figure, bitmap: Bitmap, size: Size) -> Any:
    if isinstance(figure, Polygon) and figure.by_centres and not figure.interiors:
        return [figure.exterior[:, ::-1].ravel().tolist()]
    return _run_lengths(bitmap, size)


def _run_lengths(bitmap: Bitmap, size: Size) -> dict[str, Any]:
    return {"size": [size.height, size.width], "counts": text_of(counts_of(bitmap, size))}


def _measures(bitmap: Bitmap) -> dict[str, Any]:
    box = bitmap.window
    return {"bbox": [box.left, box.top, box.width, box.height], "area": bitmap.mask.area}
