"""Vector labels of a run: where each scene finds its own, and what is worth a word about them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.core.class_titles import NEUTRAL_CLASS
from components.core.coco.reading import CATEGORY, CocoImage, read_coco
from components.core.documents.labels import LabelsConfig
from components.core.errors import ConfigError, DataError
from components.core.figures import Shape
from components.core.footprints.geography import name_of_crs
from components.core.listing import first_names
from components.core.vectors.files import VectorFile
from components.core.vectors.layer import VectorLayer, open_layer
from components.core.vectors.pairing import find_labels
from components.import_images.labels import LabelSummary, SceneLabels, check_attribute

MOST_CLASSES = 250
"""A mask's bytes hold no more, beside the background and neutral pixels."""

log = logging.getLogger(__name__)


def check_beside(**masks: str) -> None:
    """See that nothing is said of masks where there are vector labels.

    Args:
        masks: Parameters about masks, by name.

    Raises:
        ConfigError: If one is given.
    """
    for name, value in masks.items():
        if value:
            raise ConfigError(f"{name}: is {value!r} beside labels; give masks or labels, not both")


@dataclass(frozen=True, slots=True)
class LabelSources:
    """Where the scenes of a run have their labels.

    Attributes:
        config: Of the run.
        source: The layer of all scenes, or each scene's own file, or COCO annotations, by its name.
        area: Layer of the ground that was labelled; None for all.
        by_default: Whether scenes without labels show no building.
    """

    config: LabelsConfig
    source: VectorLayer | Mapping[str, VectorFile | CocoImage]
    area: VectorLayer | None
    by_default: bool

    def of_scene(self, name: str) -> SceneLabels | None:
        """Where a scene's are; None where it has no file."""
        source = self.source if isinstance(self.source, VectorLayer) else self.source.get(name)
        if source is None:
            return None
        return SceneLabels(source, self.area, self.config.label_attribute, self.by_default)

    def unpaired(self, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Scenes without a file of their own, and files without a scene, where each has one."""
        if isinstance(self.source, VectorLayer):
            return (), ()
        known = set(names)
        alone = tuple(sorted(self.source.keys() - known))
        return tuple(name for name in names if name not in self.source), alone

    @property
    def shape(self) -> Shape:
        """Of objects: polygons, but for annotations with run lengths, which are pixels."""
        if isinstance(self.source, VectorLayer):
            return Shape.POLYGON
        has_pixels = any(isinstance(entry, CocoImage) and entry.has_run_lengths for entry in self.source.values())
        return Shape.BITMAP if has_pixels else Shape.POLYGON

    def log(self, found: Mapping[str, LabelSummary]) -> None:
        """Say what is odd about the labels that were found, by the names of scenes.

        Raises:
            DataError: If one file has the labels of all scenes and none of them touches a scene.
        """
        if isinstance(self.source, VectorLayer):
            self._check_touching(self.source, found)
            _log_passed_over(self.source.uri, self.source.passed_over)
        else:
            for name, summary in found.items():
                _log_passed_over(self.source[name].uri, summary.passed_over)
        if self.area is not None:
            _log_passed_over(self.area.uri, self.area.passed_over)
            outside = [name for name, summary in found.items() if summary.unlabelled == summary.pixels]
            if outside:
                log.warning("%s: %s in no labelled area and teach nothing", *_lie(outside))
        broken = {number for summary in found.values() for number in summary.made_valid}
        if broken:
            names = [name for name, summary in found.items() if summary.made_valid]
            log.warning(
                "labels with rings that cross were made valid: %d (numbers %s, in %s); correct them",
                len(broken),
                first_names(sorted(broken), 5),
                first_names(names),
            )
        self._log_empty(found)

    def _log_empty(self, found: Mapping[str, LabelSummary]) -> None:
        empty = [name for name, summary in found.items() if summary.is_empty]
        if not empty:
            return
        if self.by_default:
            log.warning("%s: no label touches them: they count as ground without building", first_names(empty))
        else:
            log.warning(
                "%s: no label touches them, and nothing says that anybody looked: their ground is unlabelled and "
                "ignored; give labelled_area_uri, or set allow_unpaired where it shows no building",
                first_names(empty),
            )

    def _check_touching(self, layer: VectorLayer, found: Mapping[str, LabelSummary]) -> None:
        touching = {number for summary in found.values() for number in summary.features}
        if found and not touching:
            west, south, east, north = layer.bounds
            raise DataError(
                f"{layer.uri}: none of its {layer.features} polygons touches an image; they lie from {west:.6g}, "
                f"{south:.6g} to {east:.6g}, {north:.6g} in {name_of_crs(layer.crs)}: check that this is their CRS, "
                "and that labels and images are of the same place"
            )
        unreadable = sum(summary.unreadable for summary in found.values())
        if unreadable:
            log.warning("%s: left out: %d features that are no polygons, or cannot be read", layer.uri, unreadable)
        elsewhere = layer.features - len(touching)
        if elsewhere > 0:
            log.info("%s: %d of %d polygons touch no image", layer.uri, elsewhere, layer.features)


def _lie(names: Sequence[str]) -> tuple[str, str]:
    return first_names(names), "lies" if len(names) == 1 else "lie"


def _log_passed_over(uri: str, passed_over: Mapping[str, int]) -> None:
    if passed_over:
        listed = ", ".join(f"{count} {kind}" for kind, count in passed_over.items())
        log.warning("%s: left out: %s; labels are polygons", uri, listed)


def label_sources(config: LabelsConfig, names: Sequence[str], by_default: bool, folder: Path) -> LabelSources:
    """Open what many scenes share, and find what each has of its own.

    Args:
        config: Of the run.
        names: Of the scenes.
        by_default: Whether scenes without labels show no building.
        folder: For copies; it must outlive the import.

    Raises:
        DataError: If a file cannot be used, or none fits a scene.
        StorageError: If one cannot be read.
    """
    place = find_labels(config.labels_uri, names)
    area_uri = config.labelled_area_uri
    area = open_layer(VectorFile.parse(area_uri), folder / "area") if area_uri else None
    coco = _coco(config, place, names) if isinstance(place, VectorFile) else None
    if coco is not None:
        return LabelSources(config, coco, area, by_default)
    if isinstance(place, dict):
        return LabelSources(config, place, area, by_default)
    layer = open_layer(place, folder / "labels")
    check_attribute(layer, config.label_attribute)
    return LabelSources(config, layer, area, by_default)


def _coco(config: LabelsConfig, file: VectorFile, names: Sequence[str]) -> Mapping[str, VectorFile | CocoImage] | None:
    """The annotations by image, where a file is of COCO's."""
    if file.layer is not None or not file.uri.lower().endswith(".json"):
        return None
    found = read_coco(file.uri)
    if found is None:
        return None
    if config.label_attribute not in ("", CATEGORY):
        raise DataError(
            f"label_attribute: {config.label_attribute!r} is nothing that COCO annotations have; give {CATEGORY!r} for "
            "a class a category, or leave it empty for one class"
        )
    if not found.keys() & set(names):
        raise DataError(
            f"{file.uri}: none of its images has the name of one that is imported: there are "
            f"{first_names(sorted(found), 3)}, and imported are {first_names(sorted(names), 3)}"
        )
    return dict(found)


def check_titles(titles: Counter[str], attribute: str) -> None:
    """See that an attribute's values are classes.

    Args:
        titles: Of the objects, with how many have each.
        attribute: Its name.

    Raises:
        DataError: If there are too many.
    """
    titles = Counter({title: count for title, count in titles.items() if title != NEUTRAL_CLASS})
    if len(titles) > MOST_CLASSES:
        raise DataError(
            f"label_attribute: {attribute!r} has {len(titles)} values ({first_names(sorted(titles), 5)}), and each "
            f"would be a class, of which there are {MOST_CLASSES} at most; name an attribute of few values"
        )
