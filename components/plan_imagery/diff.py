"""Images against the ledger: what is to be done, what is done, and what is to be forgotten."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from components.core.collection.identity import within
from components.core.collection.ledger import Mark
from components.core.collection.plan import DetectionReason
from components.core.skip_budget import Skipped
from components.plan_imagery.area import OutsideImage
from components.plan_imagery.sources import SourceImage


@dataclass(slots=True)
class ImageryDiff:
    """What a listing of images and a ledger say together.

    Attributes:
        images: How many there are, in the area of interest or outside.
        outside: How many are outside, whose marks stay as they are.
        todo: Images to be done, and why, in the listing's order.
        done: How many are done in this version and detector.
        waiting: How many are done in this version and another detector, and stay so.
        retired: Marks to be removed, sorted.
        skipped: Images whose names are no text, or have the id of another.
        detected: Marks of the same version of an image that is to be done with another detector, by its id.
    """

    images: int = 0
    outside: int = 0
    todo: list[tuple[SourceImage, DetectionReason]] = field(default_factory=list)
    done: int = 0
    waiting: int = 0
    retired: list[Mark] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    detected: dict[str, tuple[Mark, ...]] = field(default_factory=dict)


def diff_imagery(
    images: Iterable[SourceImage | Skipped | OutsideImage],
    marks: Iterable[Mark],
    detector: str,
    redo_all: bool,
    shown: Container[str] = (),
) -> ImageryDiff:
    """Compare images with a ledger.

    Retired are marks whose images are gone, and those that a run left behind when it was killed: all others of a
    scene that is done, and all but one of a scene that waits. Of several that would do, the one that the layer shows
    stays, else the last by name, which publishing would choose as well. Marks of a scene that is to be done are not
    among them: they stand until its new one does, and for good where the new content turns out to be broken. Nor are
    those of an image outside the area of interest, whatever became of it.

    Args:
        images: Each once, in the order of their keys; what is skipped already stays so.
        marks: Of the ledger, in any order.
        detector: How scenes are detected now.
        redo_all: Whether scenes of another detector are done again.
        shown: Stems of the marks that the layer shows.

    Returns:
        The same for the same images and marks, in whatever order the ledger lists them.
    """
    known: dict[str, tuple[Mark, ...] | None] = {}
    for mark in marks:
        known[mark.scene] = (*(known.get(mark.scene) or ()), mark)
    result = ImageryDiff()
    for image in images:
        result.images += 1
        if isinstance(image, Skipped):
            result.skipped.append(image)
            continue
        own = known.get(image.id, ())
        known[image.id] = None  # seen
        if isinstance(image, OutsideImage):
            result.outside += 1
            continue
        if own is None:
            reason = f"{image.uri}: its id {image.id} is also another image's; rename it"
            result.skipped.append(Skipped(image.key, reason))
        else:
            wanted = Mark(image.id, image.version, within(detector, image.area))
            _sort_in(result, image, own, wanted, redo_all, shown)
    result.retired += (mark for own in known.values() for mark in own or ())
    result.retired.sort()
    return result


def _sort_in(
    result: ImageryDiff,
    image: SourceImage,
    marks: tuple[Mark, ...],
    wanted: Mark,
    redo_all: bool,
    shown: Container[str],
) -> None:
    same_version = [mark for mark in marks if mark.version == wanted.version]
    if wanted in same_version:
        result.done += 1
        result.retired += (mark for mark in marks if mark != wanted)
    elif same_version and not redo_all:
        stays = max(same_version, key=lambda mark: (mark.stem in shown, mark))
        result.waiting += 1
        result.retired += (mark for mark in marks if mark != stays)
    else:
        why = DetectionReason.REDONE if same_version else DetectionReason.CHANGED if marks else DetectionReason.NEW
        result.todo.append((image, why))
        if same_version:
            result.detected[image.id] = tuple(sorted(same_version))
