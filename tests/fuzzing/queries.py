"""Queries over all actions: one of the kinds."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from components.core.documents.tutorial import (
    CROP_AUGMENT_QUERY,
    SPLIT_MASKS_QUERY,
    SPLIT_TAGGING_QUERY,
)
from components.core.dtl.run import execute_query, predict_query
from components.core.errors import FootprintsError
from components.core.geometry import Size
from components.core.project import open_project, write_manifest
from tests.builders import bitmap_meta, scene_item
from tests.fuzzing.mutations import mutated_json
from tests.fuzzing.results import check_figure, checked_items, read_all
from tests.random_queries import random_query
from tests.small_world import DATASETS, META, write_world


class Queries:
    """A query over all actions, sensible or as somebody changed it, run on a small project of figures of all shapes."""

    name = "queries"

    def prepare(self, folder: Path) -> None:
        self.world = write_world(folder)
        self.tutorial = []
        for query, name, classes in (
            (SPLIT_TAGGING_QUERY, "INRIA", ("untitled",)),
            (CROP_AUGMENT_QUERY, "INRIA_TAGGED", ("untitled",)),
            (SPLIT_MASKS_QUERY, "inf_INRIA_test_part", ("bg_dl", "untitled_dl")),
        ):
            project = folder / name
            item = scene_item(folder / "rasters", f"austin_{name}", Size(600, 520), 1, ("train",))
            write_manifest(project, bitmap_meta(name, *classes, tags=("train", "test")), [item])
            self.tutorial.append((json.loads(query.read_text()), project))

    def attempt(self, folder: Path, draw: random.Random) -> None:
        if draw.random() < 0.15:
            query, project = draw.choice(self.tutorial)
            run = predict_query(mutated_json(query, draw), [project])
            assert run.result.read <= 1, "more items than there are"
            return
        query = random_query(draw, META, DATASETS)
        text = mutated_json(query, draw) if draw.random() < 0.35 else json.dumps(query)
        check_query(text, self.world, folder, draw)


UNFORESEEN = "please report"


def check_query(text: str, world: Path, folder: Path, draw: random.Random) -> None:
    """Predict and run a query; whatever comes out is whole, and nothing is left where it is refused."""
    options: dict[str, Any] = {"seed": draw.randrange(3), "as_files": draw.random() < 0.15}
    try:
        predicted = predict_query(text, [world], seed=options["seed"]).result
        run = execute_query(text, [world], folder / "out", max_bad=None, allow_empty=True, **options)
    except FootprintsError as error:
        assert UNFORESEEN not in str(error), str(error)
        assert not list(folder.iterdir()), "a query that was refused left something behind"
        raise
    report = run.result
    for entry in report.skipped:
        assert UNFORESEEN not in entry.reason, entry.reason
        assert "query[" in entry.reason, f"{entry.reason}: does not say in which layer"
    if not report.skipped and not predicted.skipped and predicted.counted:
        same = predicted.written == report.written
        assert same if predicted.exact else predicted.written >= report.written, "the dry run said another number"
    assert [path.name for path in folder.iterdir()] == ["out"], "there is more than the result"
    files = run.query.save_action.files(run.meta)
    if files is not None and not files.annotations:
        return
    project = open_project(folder / "out")
    items = checked_items(project)
    assert len(items) == report.written, "the run says another number of items"
    shapes = {known.title: known.shape for known in project.meta.classes}
    for item in items:
        if item.image is not None and (files is None or files.images):
            read_all(item)
        assert set(item.tags) <= set(project.meta.tags_images), f"{item.key}: a tag that the project does not list"
        for entry in item.objects:
            assert shapes.get(entry.class_title) is entry.figure.shape, f"{item.key}: {entry.class_title}"
            check_figure(entry.figure, item.size)
