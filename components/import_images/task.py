"""The import of one scene: what to do, and its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from components.core.imagery.mask_values import MaskValues
from components.core.imagery.pairs import ImagePair
from components.core.imagery.scaling import Scaling
from components.core.project import Item
from components.core.project.parts import Rows
from components.core.storage import StoredObject
from components.core.vectors.layer import VectorLayer
from components.import_images.labels import LabelSummary, SceneLabels
from components.import_images.mask_remarks import MaskSummary


class ImportOutcome(StrEnum):
    """What became of a raster."""

    KEPT = "kept"
    REWRITTEN = "rewritten"
    REUSED = "reused"


@dataclass(frozen=True, slots=True)
class SceneTask:
    """What one worker does.

    Attributes:
        pair: Image and mask.
        data_root: Where rewritten rasters go.
        scaling: How more than 8 bits become 8.
        dataset: Of the item.
        class_title: Of the object.
        mask_values: What the run says of its masks' values.
        keep_untiled: Whether 8-bit images that are not tiled stay where they are, too.
        area: Layer of the area of interest; None for none.
        rows: Rows that are wanted of it; None for all.
        wanted_area: What of it is wanted, in its pixels, as `components.core.vectors.area.AreaOnScene` has it; empty
            for all.
        stack: Rasters that are the image's bands, one each; none where one raster has all.
        bands: Numbers of the bands that are red, green and blue, or grey; none to go by what the image says.
        needs_mask: Whether an image without a mask, or without labels of its name, is skipped, instead of showing no
            building.
        labels: Vector labels, in the place of a mask.
        labels_folder: Folder of one file of labels an image; empty where there is none.
    """

    pair: ImagePair
    data_root: str
    scaling: Scaling
    dataset: str
    class_title: str
    mask_values: MaskValues = field(default_factory=MaskValues)
    keep_untiled: bool = False
    rows: Rows | None = None
    wanted_area: bytes = b""
    area: VectorLayer | None = None
    stack: tuple[StoredObject, ...] = ()
    bands: tuple[int, ...] = ()
    needs_mask: bool = False
    labels: SceneLabels | None = None
    labels_folder: str = ""


@dataclass(frozen=True, slots=True)
class OutsideScene:
    """A scene that does not meet the area of interest, and is not imported."""

    name: str


@dataclass(frozen=True, slots=True)
class ReadyScene:
    """An imported scene.

    Attributes:
        item: The scene.
        outcomes: What became of its rasters.
        mask: What its mask holds; None where it has none.
        labels: What its vector labels hold; None where it has none.
        understood: Which bands became its colours, and whether it was turned, in words.
        is_cut: Whether some of it lies outside the area of interest.
        notes: What its user should know of how its pixels were understood.
    """

    item: Item
    outcomes: tuple[ImportOutcome, ...]
    mask: MaskSummary | None = None
    labels: LabelSummary | None = None
    understood: str = ""
    notes: tuple[str, ...] = ()
    is_cut: bool = False
