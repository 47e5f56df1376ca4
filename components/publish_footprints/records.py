"""The scenes of a project as rows of a layer."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from components.core.errors import DataError
from components.core.footprints.generalize import Generalization
from components.core.footprints.records import OUTLINE, TOUCHES_EDGE, FootprintRules, scene_schema
from components.core.footprints.vectorize import scene_footprints
from components.core.project import Project
from components.core.scene_errors import scene_errors
from components.core.skip_budget import Skipped


@dataclass(frozen=True, slots=True)
class PublishedScene:
    """One image to be published.

    Attributes:
        items: Indices of its items in the project, from the top down; several where it came in parts.
        source: The image's name, unique among the scenes.
    """

    items: tuple[int, ...]
    source: str


@dataclass(frozen=True)
class SceneRows:
    """What became of one scene.

    Attributes:
        source: The image's name.
        on_map: Whether the rows are in map coordinates, else in pixels.
        rows: Of `MAP_SCHEMA` or `PIXEL_SCHEMA`.
        outlines: (N,) exact outlines, as WKB in pixels, of those that touch the scene's border; null for the others.
        left_out: Objects below the least area.
        fragments: Rows of `scene_schema`, of those of them that touch the scene's border.
        drawing: How outlines were drawn, in this scene's pixels.
    """

    source: str
    on_map: bool
    rows: pa.Table
    outlines: pa.ChunkedArray
    left_out: int
    fragments: pa.Table
    drawing: Generalization


@dataclass(frozen=True)
class FootprintMaker:
    """Makes the rows of scenes; picklable, so that processes share the project by reference.

    Attributes:
        project: The project.
        rules: What is published.
        crs: Of the layer in map coordinates.
    """

    project: Project
    rules: FootprintRules
    crs: str

    def __call__(self, scene: PublishedScene) -> SceneRows | Skipped:
        """The rows of one scene, or why it has none."""
        try:
            with scene_errors(scene.source):
                return self._rows(scene)
        except DataError as error:
            return Skipped(scene.source, str(error))

    def _rows(self, scene: PublishedScene) -> SceneRows:
        items = (self.project.item(index) for index in scene.items)
        made = scene_footprints(items, scene.source, self.rules, self.crs)
        schema = scene_schema(made.on_map)
        rows = pa.concat_tables([schema.empty_table(), *made])
        outlines = rows[OUTLINE]
        rows = rows.drop_columns([TOUCHES_EDGE, OUTLINE])
        return SceneRows(made.source, made.on_map, rows, outlines, made.left_out, made.fragments, made.drawing)
