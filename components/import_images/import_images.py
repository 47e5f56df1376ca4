"""Folders of imagery and masks become a project that refers to them."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.core import storage
from components.core.class_titles import NEUTRAL_CLASS
from components.core.documents.imagery import TrainingImages
from components.core.documents.labels import LabelsConfig
from components.core.errors import ConfigError, DataError
from components.core.figures import Shape
from components.core.imagery.bands import bands_of_text
from components.core.imagery.files import NOT_TEXT
from components.core.imagery.mask_values import MaskValues
from components.core.imagery.pairs import find_pairs
from components.core.imagery.scaling import PERCENTILE, Scaling
from components.core.listing import first_names
from components.core.parallel import LOST, parallel_map, worker_count
from components.core.progress import progress
from components.core.project import ClassInfo, ProjectMeta, manifest_writer
from components.core.project.history import StageRun
from components.core.project.parts import wanted_rows
from components.core.skip_budget import SkipBudget, Skipped, check_max_bad
from components.core.vectors.files import VectorFile
from components.core.vectors.layer import open_layer
from components.import_images.label_sources import check_beside, check_titles, label_sources
from components.import_images.labels import LabelSummary
from components.import_images.mask_remarks import log_masks
from components.import_images.scene import import_scene
from components.import_images.task import ImportOutcome, OutsideScene, ReadyScene, SceneTask

log = logging.getLogger(__name__)

STAGE = "import_images"

MEGA = 1_000_000

DEFAULTS = TrainingImages()


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did.

    Attributes:
        items: Scenes in the project.
        objects: Scenes with building in their mask.
        rewritten: Rasters, images and masks, written to the data root.
        reused: Rasters that an earlier run had written there.
        kept: Rasters that stay where they are.
        megapixels: Of all scenes together.
        building_share: Of the labelled pixels of all scenes with a mask, how many are building.
        unpaired_images: Names of images without a mask.
        unpaired_masks: Names of masks without an image; they are not.
        skipped: Images that could not be imported.
        outside: Names of images that do not meet the area of interest.
        cut: Names of images of which some lies outside it.
    """

    items: int
    objects: int
    rewritten: int
    reused: int
    kept: int
    megapixels: float
    building_share: float
    unpaired_images: tuple[str, ...]
    unpaired_masks: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    outside: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()

    def scalars(self) -> dict[str, float]:
        """Named figures for a table."""
        return {
            "items": self.items,
            "objects": self.objects,
            "rewritten": self.rewritten,
            "reused": self.reused,
            "kept": self.kept,
            "megapixels": self.megapixels,
            "building_share": self.building_share,
            "unpaired_images": len(self.unpaired_images),
            "unpaired_masks": len(self.unpaired_masks),
            "skipped": len(self.skipped),
            "outside": len(self.outside),
        }


def import_images(
    images_uri: str,
    masks_uri: str,
    project_dir: Path | str,
    *,
    data_root: str,
    project_name: str = "INRIA",
    dataset: str = "ds",
    class_title: str = "untitled",
    scaling: str = PERCENTILE,
    bands: str = "",
    mask_value: str = "",
    labels: LabelsConfig | None = None,
    options: TrainingImages = DEFAULTS,
    max_bad: int = 0,
    workers: int = 0,
) -> ImportResult:
    """Import images and their binary masks, or vector labels, as a project.

    Each image is an item; what its mask says is building is one object, and what it says nobody labelled another, of
    the class "neutral"; `components.import_images.mask_meaning` has the rules. Vector labels are polygons, an object
    each part, which become pixels when they are read; what lies outside the labelled area is "neutral", too. Rasters
    that are tiled stay where they are; others, and images that are not 8-bit grey or RGB, are rewritten as tiled
    GeoTIFFs in the data root, once. Masks and rewritten images are read in full; of images that stay, only the extent
    of the tiles is checked.

    Args:
        images_uri: A folder of images, or one that holds them in `images` or `img` and their masks in `ann`, `gt` or
            `masks`. Or a STAC document, whose items' assets are images, paired by the items' ids.
        masks_uri: A folder of masks; empty where `images_uri` holds them too, or for imagery without masks.
        project_dir: The project's directory; it appears when it is whole.
        data_root: A folder or URI prefix for rewritten rasters.
        project_name: Name of the project, which queries use.
        dataset: Name of its one dataset.
        class_title: Class of the objects.
        scaling: How more than 8 bits become 8: percentile, full, or LOW,HIGH.
        bands: Numbers of the red, green and blue band, such as 3,2,1, and of further ones to keep; empty to go by the
            images.
        mask_value: Values of masks that are building, such as 1, or 2,3, or #FF0000, and 1,ignore=255; empty for all
            above 0.
        labels: Vector labels in the place of masks; None for none. Objects whose attribute says no class are of
            `class_title`.
        options: How the imagery is read.
        max_bad: How many images may be skipped because their files are broken.
        workers: Worker processes (0 = one per core).

    Returns:
        What was done; the project does not depend on the number of workers.

    Raises:
        ConfigError: If a parameter breaks its rule.
        DataError: If the folders do not hold what they should, no mask holds building, or no label touches an image.
        TooManySkippedError: If more images are skipped than `max_bad`, or all; no project is written.
        StorageError: If a place cannot be written, which is found out before the first image is read.
    """
    check_max_bad(max_bad)
    _check_names(project_name=project_name, dataset=dataset, class_title=class_title)
    if not data_root:
        raise ConfigError("data_root: is empty; give a folder or URI prefix for rewritten rasters")
    asked, chosen = Scaling.parse(scaling), bands_of_text(bands)
    values = MaskValues.parse(mask_value)
    if labels is not None:
        check_beside(masks_uri=masks_uri, mask_value=mask_value)
    root = storage.absolute_uri(data_root)
    pairing = find_pairs(images_uri, masks_uri, labels is not None, options.assets)
    for place in (root, project_dir):
        storage.check_writable(place)
    pairing.log_passed_over()
    with storage.scratch_folder("labels") as folder:
        sources = (
            None
            if labels is None
            else label_sources(labels, [pair.name for pair in pairing.pairs], options.allow_unpaired, folder)
        )
        area = open_layer(VectorFile.parse(options.aoi_uri), folder / "aoi") if options.aoi_uri else None
        needs_mask = (pairing.has_masks or sources is not None) and not options.allow_unpaired
        tasks = [
            SceneTask(
                pair,
                root,
                asked,
                dataset,
                class_title,
                values,
                bands=chosen,
                needs_mask=needs_mask,
                labels=None if sources is None else sources.of_scene(pair.name),
                labels_folder="" if labels is None else labels.labels_uri,
                area=area,
                stack=pair.bands,
            )
            for pair in pairing.pairs
        ]
        budget = SkipBudget(max_bad, len(tasks) + len(pairing.unnamable) + len(pairing.unusable))
        imported = run_tasks(import_scene, tasks, workers, budget)
    budget.add(*pairing.unusable)
    budget.add(*(Skipped(storage.name_of(uri), f"{uri}: {NOT_TEXT}") for uri in pairing.unnamable))
    budget.check("rasters that were rewritten stay in the data root, where the next run finds them")
    _check_area(imported, len(tasks), options.aoi_uri, images_uri)
    unpaired_images, unpaired_files = pairing.unpaired_images, pairing.unpaired_masks
    if sources is not None:
        sources.log(imported.labels)
        check_titles(imported.titles, sources.config.label_attribute)
        unpaired_images, unpaired_files = sources.unpaired([pair.name for pair in pairing.pairs])
    beyond = set(imported.outside)
    unpaired_images = tuple(name for name in unpaired_images if name not in beyond)
    report = imported.report(unpaired_images, unpaired_files)
    _log_report(report, options.allow_unpaired, sources is not None)
    _check_objects(imported, pairing.has_masks, sources is not None)
    write_imported(project_dir, project_name, class_title, imported, sources.shape if sources else Shape.BITMAP)
    return report


def _check_names(**names: str) -> None:
    for name, value in names.items():
        if not value:
            raise ConfigError(f"{name}: is empty; give a name")
    if names["class_title"] == NEUTRAL_CLASS:
        raise ConfigError(f"class_title: {NEUTRAL_CLASS!r} is the class of unlabelled pixels; give another")


def _check_area(imported: Imported, images: int, aoi_uri: str, images_uri: str) -> None:
    if images and len(imported.outside) == images:
        raise DataError(
            f"aoi_uri: {aoi_uri}: touches none of the {images} images in {images_uri}; check its CRS, and that it is "
            "of the same place as the imagery"
        )


@dataclass(frozen=True, slots=True)
class Imported:
    """Scenes that were imported, and those that could not be.

    Attributes:
        ready: In order.
        budget: Holds the others.
        seconds: From the first scene to the last.
        outside: Names of those that do not meet the area of interest.
    """

    ready: tuple[ReadyScene, ...]
    budget: SkipBudget
    seconds: float
    outside: tuple[str, ...] = ()

    @property
    def megapixels(self) -> float:
        """Of all imported scenes together, or of the rows that are wanted of them."""
        return sum(wanted_rows(scene.item).height * scene.item.size.width for scene in self.ready) / MEGA

    @property
    def labels(self) -> dict[str, LabelSummary]:
        """What the vector labels of each scene hold, by its name."""
        return {scene.item.name: scene.labels for scene in self.ready if scene.labels is not None}

    @property
    def titles(self) -> Counter[str]:
        """How many objects have which class."""
        return Counter(entry.class_title for scene in self.ready for entry in scene.item.objects)

    def report(self, unpaired_images: tuple[str, ...] = (), unpaired_masks: tuple[str, ...] = ()) -> ImportResult:
        """What was done, in numbers."""
        outcomes = [outcome for scene in self.ready for outcome in scene.outcomes]
        masks = [scene.mask or scene.labels for scene in self.ready]
        counts = [(mask.building, mask.unlabelled, mask.pixels) for mask in masks if mask is not None]
        building, unlabelled, pixels = (sum(column) for column in zip((0, 0, 0), *counts, strict=True))
        return ImportResult(
            items=len(self.ready),
            objects=sum(count[0] > 0 for count in counts),
            rewritten=outcomes.count(ImportOutcome.REWRITTEN),
            reused=outcomes.count(ImportOutcome.REUSED),
            kept=outcomes.count(ImportOutcome.KEPT),
            megapixels=self.megapixels,
            building_share=building / (pixels - unlabelled) if pixels > unlabelled else 0.0,
            unpaired_images=unpaired_images,
            unpaired_masks=unpaired_masks,
            skipped=tuple(self.budget.skipped),
            outside=self.outside,
            cut=tuple(scene.item.name for scene in self.ready if scene.is_cut),
        )


def run_tasks(
    work: Callable[[SceneTask], ReadyScene | OutsideScene | Skipped],
    tasks: Sequence[SceneTask],
    workers: int,
    budget: SkipBudget,
) -> Imported:
    """Import scenes, in several processes where that pays; `budget` gets those that cannot be imported."""
    started = time.perf_counter()
    done = parallel_map(work, tasks, worker_count(workers, len(tasks)), lambda task: Skipped(task.pair.name, LOST))
    results = list(progress(done, len(tasks), "scenes"))
    budget.add(*(result for result in results if isinstance(result, Skipped)))
    ready = tuple(result for result in results if isinstance(result, ReadyScene))
    _log_understood(ready)
    log_masks({scene.item.name: scene.mask for scene in ready if scene.mask is not None})
    outside = tuple(result.name for result in results if isinstance(result, OutsideScene))
    return Imported(ready, budget, time.perf_counter() - started, outside)


def _log_understood(ready: Sequence[ReadyScene]) -> None:
    """Say how pixels were understood, and what is not as one might expect."""
    for understood, count in Counter(scene.understood for scene in ready).most_common():
        log.info("%d of %d images: %s", count, len(ready), understood)
    for scene in ready:
        for note in scene.notes:
            log.warning("%s: %s", scene.item.name, note)
    unplaced = [scene.item.name for scene in ready if _has_crs_alone(scene)]
    if unplaced:
        log.warning(
            "%d of %d images have a CRS and no transform: their footprints will be in pixel coordinates; "
            "geo-reference %s",
            len(unplaced),
            len(ready),
            first_names(unplaced),
        )


def _has_crs_alone(scene: ReadyScene) -> bool:
    image = scene.item.image
    return image is not None and image.crs is not None and image.transform is None


def write_imported(
    project_dir: Path | str, name: str, class_title: str, imported: Imported, shape: Shape = Shape.BITMAP
) -> None:
    """Write the project of imported scenes, whose objects have a shape."""
    used = {entry.class_title for scene in imported.ready for entry in scene.item.objects}
    titles = (class_title, *sorted(used - {class_title}))
    meta = ProjectMeta(name, tuple(ClassInfo.with_own_color(title, shape) for title in titles))
    skipped = tuple(imported.budget.skipped)
    with manifest_writer(project_dir, meta) as writer:
        for scene in imported.ready:
            writer.add(scene.item)
        seconds = round(imported.seconds, 6)
        writer.history = (StageRun(STAGE, len(imported.ready), imported.megapixels, seconds, skipped),)


def _check_objects(imported: Imported, has_masks: bool, has_labels: bool) -> None:
    """Say now that there is nothing to learn, which a later stage would find.

    Raises:
        DataError: If there are masks, and none holds building; or labels, and none is left in an image.
    """
    if has_labels:
        if not any(summary.building for summary in imported.labels.values()):
            raise DataError(
                f"no image has an object: no label covers the centre of a pixel of {len(imported.ready)} images, "
                "inside the labelled area and the area of interest where these are given; check labels_uri, "
                "labelled_area_uri and aoi_uri"
            )
    elif not has_masks:
        log.warning("there are no masks: no image has an object, and a training has nothing to learn from")
    elif not any(scene.mask is not None and scene.mask.building for scene in imported.ready):
        raise DataError(
            f"no image has an object: not one of {len(imported.ready)} masks holds a pixel of building, inside the "
            "area of interest where one is given; check the masks, and mask_value, which says which of their "
            "values are building"
        )


def _log_report(report: ImportResult, allow_unpaired: bool, has_labels: bool) -> None:
    unpaired = report.unpaired_images if allow_unpaired else ()
    one, several = ("file of labels", "files of labels") if has_labels else ("mask", "masks")
    for names, what in (
        (unpaired, f"images have no {one} and count as ground without building"),
        (report.unpaired_masks, f"{several} have no image and are ignored"),
    ):
        if names:
            log.warning("%d %s: %s", len(names), what, first_names(names))
    if report.outside or report.cut:
        log.info(
            "area of interest: %d images outside it were left out%s; %d are cut by it, and unlabelled outside%s",
            *(len(report.outside), _listed(report.outside), len(report.cut), _listed(report.cut)),
        )
    log.info(
        "%d scenes, %.1f megapixels, %d with objects, %.1f %% of what is labelled is building; rasters: %d rewritten, "
        "%d reused, %d kept in place",
        report.items,
        report.megapixels,
        report.objects,
        100 * report.building_share,
        report.rewritten,
        report.reused,
        report.kept,
    )


def _listed(names: Sequence[str]) -> str:
    return f" ({first_names(names)})" if names else ""
