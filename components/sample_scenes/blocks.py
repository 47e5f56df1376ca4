"""What a block becomes: the table of kinds of land, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable

from components.sample_scenes.closed_blocks import estate, perimeter
from components.sample_scenes.housing import houses, terraces
from components.sample_scenes.open_land import commerce, industry, lake, meadow, park, snowfield, sports, woods
from components.sample_scenes.placing import Site, choose, pick
from components.sample_scenes.scene import Scene
from components.sample_scenes.scenery import Layer, Material, Patch, Scenery
from components.sample_scenes.streets import Block

KINDS: dict[str, Callable[[Scenery, Site], None]] = {
    kind.__name__: kind
    for kind in (houses, terraces, perimeter, estate, commerce, industry, park, sports, woods, meadow, snowfield, lake)
}
NARROWEST_M = 24.0


def kind_of(scene: Scene, block: Block) -> str:
    """Kind of land of a block; half of the blocks share it with their neighbours, so that quarters form."""
    quarter = scene.uniform("together", str(block.row), str(block.col)) < 0.5
    row, col = (block.row // 2, block.col // 2) if quarter else (block.row, block.col)
    return choose(scene.town.land, scene.uniform("land", str(quarter), str(row), str(col)))


def furnish(scenery: Scenery, scene: Scene, block: Block) -> None:
    """Fill a block with everything that lies and stands on it.

    Args:
        scenery: gets the things; the block's streets may be in it already.
        scene: the scene, for its style, sun and keys.
        block: where.
    """
    rng = scene.generator("block", str(block.row), str(block.col))
    site = Site(block, scene.town, scene.sun, rng)
    scenery.patches.append(Patch(block.outline, pick(scene.town.palette.grass, rng), Material.GRASS, Layer.GROUND))
    if min(block.length_m, block.breadth_m) < NARROWEST_M:
        return
    KINDS[kind_of(scene, block)](scenery, site)
