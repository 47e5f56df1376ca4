"""Publish the objects of a project as polygons on a map."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from components.core.errors import ConfigError, DataError
from components.core.footprints.geography import WGS84, PixelGrid, common_crs
from components.core.footprints.georeference import placed
from components.core.footprints.records import FootprintRules, check_class
from components.core.footprints.tiles import Tile, seams
from components.core.footprints.tolerance import DEFAULT, Tolerance
from components.core.parallel import parallel_map, worker_count
from components.core.progress import progress
from components.core.project import Project, open_project
from components.core.project.parts import part_of
from components.core.scene_errors import scene_errors
from components.core.skip_budget import SkipBudget, Skipped, check_max_bad
from components.core.storage import check_writable, put_tree
from components.core.storage.atomic_directory import staged_directory
from components.publish_footprints.layers import FORMATS, USUAL_FORMATS, LayerWriter, coordinates_of
from components.publish_footprints.records import FootprintMaker, PublishedScene, SceneRows
from components.publish_footprints.result import LayerResult, PublishResult, SceneResult
from components.publish_footprints.tile_joins import TileJoiner

log = logging.getLogger(__name__)

SUMMARY_FILE = "summary.json"


def publish(
    project: Path | str,
    output_dir: Path | str,
    *,
    output_uri: str = "",
    class_title: str = "untitled_dl",
    tolerance: str = "1 px",
    regularise: bool = False,
    min_area_m2: float = 0.0,
    formats: Sequence[str] = USUAL_FORMATS,
    join_tiles: bool = True,
    max_bad: int = 0,
    workers: int = 0,
) -> PublishResult:
    """Write every object of a class as a polygon.

    Scenes with a CRS make the layer `footprints`, in their CRS where they share one and in WGS 84 where not; its
    GeoJSON is always in WGS 84. Scenes without a CRS make a layer of their own, `footprints_pixels`.

    Args:
        project: Project with the objects, as bitmaps.
        output_dir: Directory to write: a file for each layer and format, and `summary.json`.
        output_uri: Folder or URI prefix that gets a copy of the files; empty for none.
        class_title: Class of the objects.
        tolerance: Of simplification, in pixels or metres, such as "0.5 m"; metres count in scenes with a CRS, and 0
            keeps the pixels' edges.
        regularise: Give polygons right angles and ones of 45°, and make round ones circles; the column `status` says
            what was done.
        min_area_m2: Smaller objects are left out, what is joined by its whole area; needs a CRS, scenes without keep
            all.
        formats: Any of geoparquet, gpkg, geojson, fgb (FlatGeobuf) and pmtiles (vector tiles, of scenes with a CRS).
        join_tiles: Join buildings across the common border of scenes that are tiles of one grid and do not overlap.
        max_bad: How many images may be skipped because their place or their rasters cannot be used.
        workers: Worker processes (0 = one per core). The files do not depend on it.

    Returns:
        Counts and areas by layer and by scene.

    Raises:
        ConfigError: If the class is unknown or not of bitmaps, or a parameter is outside its range.
        DataError: If there is no such project.
        TooManySkippedError: If more images are skipped than `max_bad`, or all; nothing is written.
        StorageError: If a place cannot be written.
    """
    rules = FootprintRules(class_title, Tolerance.parse(tolerance), min_area_m2, regularise)
    _check(rules, formats)
    check_max_bad(max_bad)
    opened = open_project(project)
    for place in (output_dir, output_uri):
        if place:
            check_writable(place)
    check_class(opened, class_title)
    survey = _survey(opened)
    scenes, crs, without_crs = survey.scenes, survey.crs, survey.without_crs
    joiner = TileJoiner(survey.tiles, seams(survey.tiles) if join_tiles else [], crs, min_area_m2)
    budget = SkipBudget(max_bad, len(scenes) + len(survey.unplaced))
    budget.add(*survey.unplaced)
    budget.check()
    maker = FootprintMaker(opened, rules, crs)
    made = parallel_map(maker, scenes, worker_count(workers, len(scenes)))
    with staged_directory(output_dir) as staged:
        layers = {True: LayerWriter(staged, crs, _about(rules, crs))} if len(scenes) > without_crs or not scenes else {}
        if without_crs:
            layers[False] = LayerWriter(staged, None, _about(rules, None))
        results = tuple(_added(progress(made, len(scenes), "scenes published"), layers, budget, joiner))
        joiner.end(layers)
        closed = tuple(_closed(layer, formats) for layer in layers.values())
        result = PublishResult(closed, results, rules, joiner.count, tuple(budget.skipped))
        text = json.dumps(result.as_json(), indent=1, ensure_ascii=False)
        (staged / SUMMARY_FILE).write_text(text + "\n", encoding="utf-8")
    if without_crs:
        log.warning(
            "%s of %s scenes have no CRS or no transform; their footprints are in pixel coordinates",
            without_crs,
            len(scenes),
        )
    if output_uri:
        put_tree(Path(output_dir), output_uri, last=SUMMARY_FILE)
    return result


def formats_of_text(text: str) -> list[str]:
    """Formats that are given separated by commas."""
    return [known.strip() for known in text.split(",") if known.strip()]


@dataclass(frozen=True, slots=True)
class _Survey:
    """What a project holds.

    Attributes:
        scenes: That can be published.
        crs: Of the layer in map coordinates.
        without_crs: How many of the scenes have none.
        unplaced: Those that lie nowhere on the Earth.
        tiles: Where the others lie, by source.
    """

    scenes: list[PublishedScene]
    crs: str
    without_crs: int
    unplaced: list[Skipped]
    tiles: dict[str, Tile]


def _survey(project: Project) -> _Survey:
    """What a project holds."""
    parts: dict[tuple[str, str], list[tuple[int, int]]] = {}
    grids: dict[tuple[str, str], PixelGrid | None] = {}
    tiles: dict[tuple[str, str], Tile] = {}
    bad: dict[tuple[str, str], Skipped] = {}
    for index in range(len(project)):
        dataset, _, name = project.label(index).partition("/")
        key = (dataset, name)
        try:
            with scene_errors(f"{dataset}/{name}"):
                item = project.item(index)
                part = part_of(item)
                key = (dataset, item.name if part is None else part.scene)
                parts.setdefault(key, []).append((0 if part is None else part.top, index))
                grids[key] = grid = placed(item, item.key)
                if grid is not None and (part is None or part.top == 0):
                    tiles[key] = Tile(grid, item.size if part is None else part.size)
        except DataError as error:
            bad[key] = Skipped(f"{key[0]}/{key[1]}", str(error))
    names = Counter(name for _, name in parts)
    sources = {(dataset, name): name if names[name] == 1 else f"{dataset}/{name}" for dataset, name in parts}
    scenes = [
        PublishedScene(tuple(index for _, index in sorted(found)), sources[key])
        for key, found in parts.items()
        if key not in bad
    ]
    found = [grid.crs for key, grid in grids.items() if grid is not None and key not in bad]
    crs = common_crs(found)
    if len(set(found)) > 1 and crs == WGS84:
        log.info("the scenes have several CRSs (%s); the layer is in WGS 84", ", ".join(sorted(set(found))))
    placed_tiles = {sources[key]: tile for key, tile in tiles.items() if key not in bad}
    return _Survey(scenes, crs, len(scenes) - len(found), list(bad.values()), placed_tiles)


def _added(
    made: Iterable[SceneRows | Skipped], layers: dict[bool, LayerWriter], budget: SkipBudget, joiner: TileJoiner
) -> Iterator[SceneResult]:
    for scene in made:
        if isinstance(scene, Skipped):
            budget.add(scene)
            budget.check()
            continue
        layer = layers[scene.on_map]
        layer.add(joiner.taken(scene))
        yield SceneResult(
            source=scene.source,
            layer=layer.name,
            footprints=scene.rows.num_rows,
            left_out=scene.left_out,
            area_m2=(pc.sum(scene.rows["area_m2"]).as_py() or 0.0) if scene.on_map else None,
            confidence=pc.mean(scene.rows["confidence"]).as_py(),
            tolerance_px=scene.drawing.tolerance_px,
        )


def _closed(layer: LayerWriter, formats: Sequence[str]) -> LayerResult:
    files = tuple(layer.close(formats))
    area = None if layer.crs is None else layer.area_m2
    return LayerResult(layer.name, layer.crs, coordinates_of(layer.crs), layer.count, area, layer.bounds, files)


def _about(rules: FootprintRules, crs: str | None) -> dict[str, str | float]:
    """What the files say of themselves."""
    is_known = crs is not None or rules.tolerance.unit == "px"
    return {
        "coordinates": coordinates_of(crs),
        "simplification_tolerance": str(rules.tolerance if is_known else DEFAULT),
        "area_m2": "of the object's pixels, on the ellipsoid of WGS 84, before simplification",
        "area_px": "number of the object's pixels",
        "confidence": "mean over the object's pixels, 0 to 1",
        "status": "what regularisation did with the outline",
        "id": "digest of the source image's name and the object's first pixel",
    }


def _check(rules: FootprintRules, formats: Sequence[str]) -> None:
    if not 0 <= rules.min_area_m2 < float("inf"):
        raise ConfigError(f"min_area_m2: {rules.min_area_m2} is not a number of 0 or more; use 0 for none")
    unknown = [known for known in formats if known not in FORMATS]
    if unknown or not formats:
        raise ConfigError(f"formats: {unknown[0] if unknown else 'none'!r} is not one of {', '.join(FORMATS)}")
