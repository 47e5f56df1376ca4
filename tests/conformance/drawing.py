"""What the project's own cases are drawn with: pictures as text, and the folder format written down by hand.

Nothing of the engine is used here, so that a case says on its own what should come out.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Data = dict[str, Any]
Mask = npt.NDArray[np.bool_]

BITMAP, POLYGON, LINE, RECTANGLE, POINT = "bitmap", "polygon", "line", "rectangle", "point"


def mask_of(*rows: str) -> Mask:
    """(H, W) bool: set where the picture has a `#`."""
    return np.array([[letter == "#" for letter in row] for row in rows], np.bool_)


def picture(height: int, width: int) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR in which no two pixels are the same."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([5 * rows, 5 * columns, 3 * rows + 7 * columns], axis=2).astype(np.uint8)


def bitmap(title: str, mask: Mask, top: int = 0, left: int = 0, **more: Any) -> Data:
    """An object of a mask whose first pixel lies at (top, left) of the image."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    tight = np.ascontiguousarray(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    _, png = cv2.imencode(".png", tight.astype(np.uint8) * np.uint8(255), [cv2.IMWRITE_PNG_BILEVEL, 1])
    data = base64.b64encode(zlib.compress(png.tobytes())).decode("ascii")
    origin = [left + int(columns[0]), top + int(rows[0])]
    points: Data = {"exterior": [], "interior": []}
    return _object(title, BITMAP, {"origin": origin, "data": data}, points, more)


def vector(title: str, shape: str, *points: Sequence[float], **more: Any) -> Data:
    """An object of (x, y) points."""
    return _object(title, shape, None, {"exterior": [list(point) for point in points], "interior": []}, more)


def _object(title: str, shape: str, packed: Data | None, points: Data, more: Data) -> Data:
    common = {"classTitle": title, "type": shape, "description": "", "tags": []}
    return {**common, "bitmap": packed, "points": points, **more}


def write_project(folder: Path, classes: Mapping[str, str], tags: Sequence[str] = ()) -> Path:
    """Write `meta.json` of (title, shape) classes; gives the folder."""
    folder.mkdir(parents=True)
    listed = [{"title": title, "shape": shape, "color": "#d59fa5"} for title, shape in classes.items()]
    _write_json(folder / "meta.json", {"classes": listed, "tags_images": list(tags), "tags_objects": []})
    return folder


def write_item(
    project: Path,
    place: str,
    pixels: npt.NDArray[np.uint8],
    objects: Sequence[Data] = (),
    tags: Sequence[str] = (),
    with_image: bool = True,
) -> None:
    """Write the annotation, and the image unless told otherwise, of `place`: "dataset/name"."""
    dataset, name = place.split("/")
    height, width = pixels.shape[:2]
    size = {"height": height, "width": width}
    annotation = {"tags": list(tags), "description": "", "objects": list(objects), "size": size}
    _write_json(project / dataset / "ann" / f"{name}.json", annotation)
    if with_image:
        write_picture(project / dataset / "img" / f"{name}.png", pixels)


def write_picture(file: Path, pixels: npt.NDArray[np.uint8]) -> None:
    """Write (H, W, 3) uint8 BGR."""
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), np.ascontiguousarray(pixels))


def write_case(folder: Path, what: str, layers: Sequence[Data], **facts: Any) -> None:
    """Write `query.json` and `case.json`; `facts` are what is not as usual."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "query.json", list(layers))
    actions = list(dict.fromkeys(layer["action"] for layer in layers))
    usual = {"outcome": "ok", "ignore": ["name_suffix", "class_color"], "images": "exact"}
    _write_json(folder / "case.json", {"what": what, "actions": actions, **usual, **facts})


def _write_json(file: Path, data: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
