"""What the network sees of a scene: sliding windows, or regions."""

from __future__ import annotations

from components.core.documents.inference_modes import Mode, RegionMode
from components.core.documents.regions import regions_of
from components.core.project import ImageRef, Item
from components.core.project.parts import Rows
from components.infer_windows.regions import RegionPlan, plan_regions
from components.infer_windows.windows import WindowPlan, grid_of, plan_windows

ScenePlan = WindowPlan | RegionPlan


def plan_scene(item: Item, image: ImageRef, mode: Mode, batch_size: int, classes: int, rows: Rows) -> ScenePlan:
    """Decide how a scene is done.

    Args:
        item: The whole scene, with the objects that it is annotated with.
        image: Its pixels.
        mode: Sliding window, or which regions.
        batch_size: How many windows go through the network at once; regions go one by one.
        classes: Number of channels that the network gives.
        rows: The rows that are wanted.

    Raises:
        DataError: If the mode cannot be used on it.
    """
    size = image.recipe.size
    if isinstance(mode, RegionMode):
        return plan_regions(size, regions_of(mode, size, item.objects), classes, rows)
    return plan_windows(grid_of(size, mode), batch_size, classes, rows)
