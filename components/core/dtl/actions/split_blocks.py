"""`split_blocks`: sends every item one of two ways by the block of ground that it lies in, with a gap between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from pydantic import ConfigDict, Field, model_validator

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.blocks import Block, Grid
from components.core.dtl.schema_rules import both, given, left_out, one_of

RULE = one_of(
    both(given("block_m"), left_out("block_px", "gap_px")), both(given("block_px"), left_out("block_m", "gap_m"))
)


class SplitBlocksSettings(ActionSettings):
    """Settings of `split_blocks`: either `block_m` and `gap_m`, or `block_px` and `gap_px`."""

    model_config = ConfigDict(json_schema_extra=RULE)

    share: float = Field(gt=0, lt=1)
    """The chance of a block to go the first way."""

    block_m: float | None = Field(default=None, gt=0)
    """Side of a block, in metres on the ground: for georeferenced images, which share one grid around the Earth."""

    gap_m: float | None = Field(default=None, ge=0)
    """How far apart items are at least that go different ways, in metres, at most `block_m`; none is 0."""

    block_px: int | None = Field(default=None, gt=0)
    """Side of a block, in pixels: each image has a grid of its own, so its items must be cut from it before."""

    gap_px: int | None = Field(default=None, ge=0)
    """How far apart items of one image are at least, in pixels, at most `block_px`; none is 0."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> SplitBlocksSettings:
        by_metres, by_pixels = (self.block_m, self.gap_m), (self.block_px, self.gap_px)
        block, gap = by_metres if self.block_m is not None else by_pixels
        others = by_pixels if self.block_m is not None else by_metres
        if block is None or others != (None, None):
            raise ValueError('holds either "block_m" and perhaps "gap_m", or "block_px" and perhaps "gap_px"')
        if gap is not None and gap > block:
            raise ValueError(f"a gap of {gap:g} is wider than a block of {block:g}; use a narrower one")
        return self

    @property
    def grid(self) -> Grid:
        """The blocks."""
        if self.block_m is not None:
            return Grid(self.block_m, self.gap_m or 0.0, on_ground=True)
        return Grid(float(self.block_px or 0), float(self.gap_px or 0), on_ground=False)


class SplitBlocks(Action):
    """To the first or the second destination as the block of ground goes in which the item lies, by chance; to the
    third where the block is not the same all around it within half a gap.

    Items that go different ways are a gap apart at least, so that neighbours, and tiles that overlap, do not stand on
    both sides; where neighbouring blocks go the same way no item is lost between them. Mirror images go with what they
    are of. Items larger than a block are refused: cut them before. Objects and the image stay as they are.
    """

    name: ClassVar[str] = "split_blocks"
    settings_model: ClassVar[type[ActionSettings]] = SplitBlocksSettings
    ports: ClassVar[int] = 3
    may_draw: ClassVar[bool] = True

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """One way; in a dry run all three, where it is not known where the item lies."""
        if context.dry and element.item.image is None:
            perhaps = replace(element, certain=False)
            yield from (Emission(perhaps, port) for port in range(self.ports))
            return

        def is_first(block: Block) -> bool:
            return context.uniform_of_block(layer, block) < self.settings.share

        yield Emission(element, self.settings.grid.way_of(element.item, is_first))

    def summary(self) -> str:
        """Share, block and gap."""
        grid = self.settings.grid
        unit = "m" if grid.on_ground else "px"
        return f"share {self.settings.share:g}, blocks of {grid.side:g} {unit}, gap {grid.gap:g} {unit}"
