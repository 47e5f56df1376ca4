"""Finishing a scene: its rasters, footprints and STAC item are written, then its marker; then it is done.

A shard finishes the scenes that are wholly its own, and publication those that several shards have rows of, and those
that a shard could not finish.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from affine import Affine

from components.core import storage
from components.core.collection.collect_parts import CompleteScene, SceneFailure
from components.core.collection.coverage import coverage_bytes, seen_pixels
from components.core.collection.layer.ids import Change, inherit_ids
from components.core.collection.layer.shown import ShownFootprints
from components.core.collection.layer.sightings import FIRST_SEEN, LAST_SEEN
from components.core.collection.layer.tables import (
    CAPTURED,
    COVERAGE,
    COVERAGE_FILE,
    FOOTPRINTS_FILE,
    MODEL_CHARACTERS,
    SCENE_SCHEMA,
    read_footprints,
    scene_bytes,
)
from components.core.collection.ledger import Collection, Mark, SceneRecord
from components.core.collection.plan import Plan, PlannedScene
from components.core.collection.scene_drift import SceneDrift
from components.core.collection.stac import MaskClass, document_bytes, item_place, scene_item
from components.core.drift import TrainingStatistics
from components.core.errors import DataError, StorageError
from components.core.footprints.geography import WGS84, PixelGrid, reprojected
from components.core.footprints.georeference import placed
from components.core.footprints.records import FootprintRules
from components.core.footprints.tolerance import Tolerance
from components.core.footprints.vectorize import SceneFootprints, scene_footprints
from components.core.geometry import Size
from components.core.imagery import RasterProfile
from components.core.imagery.cog import Overviews, write_cog
from components.core.imagery.reading import describe
from components.core.project import Item, Project
from components.core.project.predictions import (
    CONFIDENCE_ROLE,
    CONFIDENCE_TAGS,
    MASK_ROLE,
    PROBABILITY_ROLE,
    PROBABILITY_TAGS,
)
from components.core.scene_errors import scene_errors
from components.core.skip_budget import Skipped

STAGE = "publish_collection"
BORDER_POINTS = 16
"""Points that are added to each side of an image to find its bounds in degrees."""


@dataclass(frozen=True, slots=True)
class FinishedScene:
    """A scene that is done.

    Attributes:
        planned: Its entry in the plan.
        mark: Its marker.
        record: What the marker says.
        pixels: URI of the raster that the network saw: the image, or what the import made of it; empty where that is
            not known any more.
        transform: From (column, row) of the image to map coordinates.
        change: Buildings against the scene's detection before; None where there was none, or it is not known any more.
        confidence: Mean over its buildings; None where there is none.
    """

    planned: PlannedScene
    mark: Mark
    record: SceneRecord
    pixels: str
    transform: Affine
    change: Change | None
    confidence: float | None


def scene_as_it_is(plan: Plan, planned: PlannedScene) -> FinishedScene:
    """A scene that has its marker, as far as the collection knows it.

    Raises:
        DataError: If its marker or its footprints are broken.
        StorageError: If they cannot be read, or are not there.
    """
    collection, mark = Collection(plan.output_uri), plan.mark(planned)
    record = collection.read(mark)
    rows = read_footprints(storage.join_uri(collection.scene_folder(mark), FOOTPRINTS_FILE), ["confidence"])
    return FinishedScene(
        planned=planned,
        mark=mark,
        record=record,
        pixels="",
        transform=Affine.identity() if record.transform is None else Affine(*record.transform),
        change=None,
        confidence=pc.mean(rows["confidence"]).as_py(),
    )


@dataclass(frozen=True)
class SceneFinisher:
    """Finishes scenes; picklable, so that processes share projects by reference.

    Attributes:
        plan: Says how scenes are published, and where.
        projects: Split projects that hold the scenes' rows.
        earlier: The detection before, by scene.
        classes: What the mask's values mean.
        detected: When this run detects; with its time zone.
        software: Versions of what detects, by name.
        statistics: Of the model's training, with which scenes are compared; None for no comparison.
    """

    plan: Plan
    projects: tuple[Project, ...]
    earlier: Mapping[str, Mark]
    classes: tuple[MaskClass, ...]
    detected: datetime
    software: Mapping[str, str] = field(default_factory=dict)
    statistics: TrainingStatistics | None = None

    def __call__(self, scene: CompleteScene) -> FinishedScene | SceneFailure:
        """Finish one scene; whatever goes wrong with it is its result.

        One that has its marker is left as it is: this step was killed and runs again, or another run did the scene.
        Its earlier detection may be gone by now, from which it has its ids.
        """
        try:
            with scene_errors(scene.planned.key):
                return self._as_it_is(scene) or self._finish(scene)
        except (DataError, StorageError) as error:
            skipped = Skipped(scene.planned.key, str(error), STAGE)
            return SceneFailure(skipped, is_lasting=isinstance(error, DataError))

    def _as_it_is(self, scene: CompleteScene) -> FinishedScene | None:
        if not Collection(self.plan.output_uri).has(self.plan.mark(scene.planned)):
            return None
        item = self._item(scene, 0)
        found = scene_as_it_is(self.plan, scene.planned)
        return replace(found, pixels=_pixels_of(item), transform=_grid_of(item).transform)

    def _finish(self, scene: CompleteScene) -> FinishedScene:
        planned, collection = scene.planned, Collection(self.plan.output_uri)
        mark = self.plan.mark(planned)
        drift = None if self.statistics is None or planned.remade_from else SceneDrift(self.statistics)
        items = _PassingItems(self._items(scene), self._roles().values(), drift)
        earlier = self._earlier_rows(planned, collection)
        found = self._found(items, planned)
        rows = self._footprints(found, planned)
        grid = _grid_of(items.first)
        files = self._write_rasters(items, planned.size, collection.scene_folder(mark), grid)
        bounds = _bounds(planned, grid)
        inherited = inherit_ids(
            rows, SCENE_SCHEMA.empty_table() if earlier is None else earlier, self._shown.near(bounds, planned.id)
        )
        rows, change = inherited.rows, None if earlier is None else inherited.change
        fragments = self._with_columns(found.fragments, planned)
        place = storage.join_uri(collection.scene_folder(mark), FOOTPRINTS_FILE)
        storage.write_bytes(place, scene_bytes(rows, fragments))
        record = SceneRecord(
            key=planned.key,
            uri=planned.uri,
            etag=planned.etag,
            size_bytes=planned.size_bytes,
            height=planned.size.height,
            width=planned.size.width,
            crs=grid.crs,
            captured=planned.captured,
            model=self.plan.model,
            footprints=rows.num_rows,
            area_m2=round(pc.sum(rows["area_m2"]).as_py() or 0.0, 3),
            bounds=bounds,
            files=files | {"footprints": FOOTPRINTS_FILE, COVERAGE: COVERAGE_FILE},
            transform=tuple(grid.transform)[:6],
            tolerance_px=found.drawing.tolerance_px,
            regularise=found.drawing.regularise,
            min_area_m2=self.plan.settings.min_area_m2,
            drift=self._drift_before(mark, planned, collection) if drift is None else drift.distances(),
            prediction=self.plan.prediction_of(planned),
        )
        self._write_coverage(mark, record, items, grid)
        self._describe(mark, record, grid.transform, collection)
        collection.finish(mark, record)
        return FinishedScene(
            planned=planned,
            mark=mark,
            record=record,
            pixels=_pixels_of(items.first),
            transform=grid.transform,
            change=change,
            confidence=pc.mean(rows["confidence"]).as_py(),
        )

    def _item(self, scene: CompleteScene, number: int) -> Item:
        place = scene.places[number]
        return self.projects[place.project].item(place.item)

    def _items(self, scene: CompleteScene) -> Iterator[Item]:
        for number in range(len(scene.places)):
            yield self._item(scene, number)

    def _roles(self) -> dict[str, str]:
        """The rasters that are published, by name, and what they are called in projects."""
        optional = {"confidence": CONFIDENCE_ROLE if self.plan.settings.confidence else ""}
        optional[PROBABILITY_ROLE] = PROBABILITY_ROLE if self.plan.prediction else ""
        return {"mask": MASK_ROLE} | {name: role for name, role in optional.items() if role}

    def _write_rasters(self, items: _PassingItems, size: Size, folder: str, grid: PixelGrid) -> dict[str, str]:
        """The scene's mask and, where the settings want them, its confidence and probabilities; files by role."""
        files = {name: f"{name}.tif" for name in self._roles()}
        profile = RasterProfile(size, crs=grid.crs, transform=grid.transform)
        masks = items.rasters[MASK_ROLE]
        nodata = next((value for value in (describe(mask).nodata for mask in masks) if value is not None), None)
        write_cog(storage.join_uri(folder, files["mask"]), masks, replace(profile, nodata=nodata))
        if "confidence" in files:
            tagged = replace(profile, tags=CONFIDENCE_TAGS, level=1)
            parts = items.rasters[CONFIDENCE_ROLE]
            write_cog(storage.join_uri(folder, files["confidence"]), parts, tagged, Overviews.AVERAGE)
        if PROBABILITY_ROLE in files:
            parts = items.rasters[PROBABILITY_ROLE]
            tagged = replace(profile, bands=describe(parts[0]).bands, nodata=nodata, tags=PROBABILITY_TAGS, level=1)
            write_cog(storage.join_uri(folder, files[PROBABILITY_ROLE]), parts, tagged, Overviews.NEAREST)
        return files

    def _write_coverage(self, mark: Mark, record: SceneRecord, items: _PassingItems, grid: PixelGrid) -> None:
        """What of the scene was looked at."""
        content = coverage_bytes(mark, record, seen_pixels(items.rasters[MASK_ROLE]), grid)
        folder = Collection(self.plan.output_uri).scene_folder(mark)
        storage.write_bytes(storage.join_uri(folder, COVERAGE_FILE), content)

    def _found(self, items: Iterable[Item], planned: PlannedScene) -> SceneFootprints:
        """The scene's objects in WGS 84."""
        settings = self.plan.settings
        rules = FootprintRules(
            settings.class_title, Tolerance.parse(settings.tolerance), settings.min_area_m2, settings.regularise
        )
        found = scene_footprints(items, planned.id, rules, WGS84)
        if not found.on_map:
            raise DataError(f"{planned.key}: has no CRS or no transform, which the layer needs; georeference the image")
        return found

    def _footprints(self, found: SceneFootprints, planned: PlannedScene) -> pa.Table:
        """The scene's rows, of `SCENE_SCHEMA`."""
        tables = [self._with_columns(table, planned) for table in found]
        return pa.concat_tables(tables) if tables else SCENE_SCHEMA.empty_table()

    def _with_columns(self, rows: pa.Table, planned: PlannedScene) -> pa.Table:
        """Rows as they are made, of `SCENE_SCHEMA`."""
        constant = {
            "source": planned.key,
            **dict.fromkeys((CAPTURED, FIRST_SEEN, LAST_SEEN), planned.captured or None),
            "model": self.plan.model[:MODEL_CHARACTERS],
        }
        return _with_constants(rows, constant)

    @cached_property
    def _shown(self) -> ShownFootprints:
        """What other scenes show, as long as this run has not changed it."""
        return ShownFootprints(Collection(self.plan.output_uri))

    def _earlier_rows(self, planned: PlannedScene, collection: Collection) -> pa.Table | None:
        earlier = self.earlier.get(planned.id)
        if earlier is None:
            return None
        return read_footprints(storage.join_uri(collection.scene_folder(earlier), FOOTPRINTS_FILE))

    def _drift_before(self, mark: Mark, planned: PlannedScene, collection: Collection) -> dict[str, float] | None:
        """What was found when the network saw the scene, whose footprints are made again of that."""
        return collection.read(replace(mark, detector=planned.remade_from)).drift if planned.remade_from else None

    def _describe(self, mark: Mark, record: SceneRecord, transform: Affine, collection: Collection) -> None:
        item = scene_item(
            mark,
            record,
            transform=transform,
            classes=self.classes,
            detected=self.detected,
            software=self.software,
        )
        storage.write_bytes(collection.place(item_place(mark)), document_bytes(item))


class _PassingItems:
    """Items on their way to those who need their objects; on it their rasters are noted, and they are compared with the
    training, so that none is read twice.

    Attributes:
        first: The first item, once it has passed.
        rasters: URIs by role, of the items that have passed.
    """

    first: Item

    def __init__(self, items: Iterator[Item], roles: Iterable[str], drift: SceneDrift | None) -> None:
        self._items = items
        self._drift = drift
        self.rasters: dict[str, list[str]] = {role: [] for role in roles}

    def __iter__(self) -> Iterator[Item]:
        for number, item in enumerate(self._items):
            if number == 0:
                self.first = item
            for role, uris in self.rasters.items():
                uris.append(_raster(item, role))
            if self._drift is not None:
                self._drift.add(item)
            yield item


def _grid_of(item: Item) -> PixelGrid:
    """The grid of the scene of which an item shows the first rows."""
    grid = placed(item, item.key)
    if grid is None:
        raise DataError(f"{item.key}: has no CRS or no transform, which the layer needs; georeference the image")
    return grid


def _pixels_of(item: Item) -> str:
    return "" if item.image is None else item.image.uri


def _raster(item: Item, role: str) -> str:
    uri = item.rasters.get(role)
    if uri is None:
        raise DataError(
            f"{item.key}: has no raster {role!r}; give the output of infer_windows, neither cropped nor mirrored"
        )
    return uri


def _with_constants(rows: pa.Table, constants: Mapping[str, str | None]) -> pa.Table:
    columns = {name: rows[name] for name in rows.column_names}
    for name, value in constants.items():
        columns[name] = pa.array([value] * rows.num_rows, pa.string())
    return pa.table([columns[name] for name in SCENE_SCHEMA.names], schema=SCENE_SCHEMA)


def _bounds(planned: PlannedScene, grid: PixelGrid) -> tuple[float, float, float, float]:
    """West, south, east, north of an image in WGS 84; west is greater than east across the 180th meridian."""
    size = planned.size
    outline = shapely.segmentize(
        shapely.box(0, 0, size.width, size.height), max(size.height, size.width) / BORDER_POINTS
    )
    placed = reprojected(grid.to_map(np.array([outline], dtype=object)), grid.crs, WGS84)
    west, south, east, north = shapely.total_bounds(placed).tolist()
    if east - west > 180:
        longitudes = shapely.get_coordinates(placed)[:, 0]
        west, east = float(longitudes[longitudes > 0].min()), float(longitudes[longitudes < 0].max())
    return west, south, east, north
