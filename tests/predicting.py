"""One scene put through the stage's own runner, by any plan and with any function for a network."""

from __future__ import annotations

from collections.abc import Sequence

from components.core.project import ImageRef, Item
from components.core.project.class_rasters import ClassExtent, PartFiles
from components.core.project.parts import Rows
from components.infer_windows.outputs import SceneFiles
from components.infer_windows.predictor import Predictor
from components.infer_windows.runner import SceneInference, run_scenes
from components.infer_windows.scene_plan import ScenePlan


def run_scene(
    image: ImageRef, plan: ScenePlan, predictor: Predictor, mask: str, confidence: str
) -> tuple[ClassExtent, ...]:
    """Write the class of every wanted pixel of an image, and how sure the network is of it.

    Returns:
        The classes that occur, by value.
    """
    return run_parts(image, plan, predictor, [PartFiles(Rows(plan.top, plan.bottom), mask, confidence)])[0]


def run_parts(
    image: ImageRef, plan: ScenePlan, predictor: Predictor, parts: Sequence[PartFiles]
) -> Sequence[tuple[ClassExtent, ...]]:
    """The same for row parts; gives for each the classes that occur."""
    item = Item("ds", "scene", image.recipe.size, image)
    files = [SceneFiles("key", image.uri, part, f"{part.mask}.json") for part in parts]
    job = SceneInference(item, image, plan, files, [], reused=False)
    (extents,) = [finish().extents for _, finish in run_scenes([("scene", lambda: job)], predictor)]
    return extents
