"""Images made ready for windowed reading: left where they are, or rewritten as 8-bit grey or RGB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import rasterio

from components.core.geometry import Size, Window, row_bands
from components.core.imagery.alpha import alpha_of
from components.core.imagery.bands import COLOURS, ColourBands, colour_bands
from components.core.imagery.data_mask import declares_gaps
from components.core.imagery.opening import open_raster
from components.core.imagery.orientation import Turn, turned, upright
from components.core.imagery.reading import RasterInfo, UInt8, palette_of
from components.core.imagery.sidecar_metadata import is_read_otherwise
from components.core.imagery.writing import TILE_PX, RasterProfile, raster_writer
from components.core.storage import scratch_folder
from components.import_images.image_survey import Gaps, ImageSurvey, any_not_finite, survey
from components.import_images.rasters import bands_of, check_extent, read_rows, read_validity
from components.import_images.rewriting import finished_tags, rewritten_uri
from components.import_images.scaling import Stretch, stretch_of
from components.import_images.task import ImportOutcome, SceneTask

SCALING_TAG = "FOOTPRINTS_SCALING"
NOTES_TAG = "FOOTPRINTS_NOTES"


@dataclass(frozen=True, slots=True)
class ReadyImage:
    """An image that can be read by window.

    Attributes:
        uri: The image, or what was made of it.
        info: What it says of itself, after it was turned upright.
        outcome: Whether it was rewritten.
        bands: Which bands became its colours.
        stretch: How its values became 8 bits; None where they were.
        notes: What its user should know of how its pixels were understood.
    """

    uri: str
    info: RasterInfo
    outcome: ImportOutcome
    bands: ColourBands
    stretch: Stretch | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Meaning:
    """How the pixels of an image are understood.

    Attributes:
        bands: Which of them are read.
        gaps: Which pixels hold no data.
        stretch: How values become 8 bits.
        further: The same of each band behind the third: heights have little to do with colours.
        palette: (256, 3) the colours of the values; None where they are none.
        is_min_white: Whether the least value is white.
        notes: Remarks on it, for the log.
    """

    bands: ColourBands
    gaps: Gaps
    stretch: Stretch | None
    palette: UInt8 | None
    is_min_white: bool
    notes: tuple[str, ...] = ()
    further: tuple[Stretch | None, ...] = ()

    @property
    def channels(self) -> int:
        """Of what becomes of it, alpha included."""
        return (len(self.bands.indexes) if self.palette is None else 3) + self.gaps.are_there

    def read(self, dataset: rasterio.DatasetReader, uri: str, rows: Window) -> UInt8:
        """(C, H, W) uint8 of some rows."""
        pixels = read_rows(dataset, uri, rows, self.bands.indexes)
        others, pixels = pixels[len(COLOURS) :], pixels[: len(COLOURS)]
        shown = pixels if self.stretch is None else self.stretch.apply(pixels)
        if self.palette is not None:
            shown = np.moveaxis(self.palette[shown[0]], 2, 0)
        elif self.is_min_white:
            shown = 255 - shown
        if len(others):
            scaled = [band if how is None else how.apply(band) for band, how in zip(others, self.further, strict=True)]
            shown = np.concatenate([shown, np.stack(scaled)])
        if not self.gaps.are_there:
            return shown
        valid = self.gaps.valid(dataset, uri, rows, pixels)
        return np.concatenate([shown, valid[np.newaxis] * np.uint8(255)])


def ready_image(dataset: rasterio.DatasetReader, info: RasterInfo, turn: Turn, task: SceneTask) -> ReadyImage:
    """Leave an image where it is, or rewrite it.

    Args:
        dataset: The image, opened with the files beside it.
        info: What it says of itself.
        turn: What brings it upright.
        task: What to import, and how.

    Raises:
        DataError: If it is broken, or its pixels are of a kind that shows nothing.
        StorageError: If a place cannot be read or written.
    """
    source = task.pair.image
    palette = palette_of(dataset) if info.has_palette else None
    bands = colour_bands(dataset, source.uri, () if info.has_palette else task.bands)
    alpha = alpha_of(source.uri)
    notes = () if alpha.is_mask else (alpha.note(),)
    is_ready = info.dtype == "uint8" and bands.is_plain and not info.is_min_white and turn.is_none
    if is_ready and (info.is_tiled or task.keep_untiled) and not is_read_otherwise(source, dataset):
        check_extent(dataset, source.uri, source.size_bytes)
        return ReadyImage(source.uri, info, ImportOutcome.KEPT, bands, notes=notes)
    shown = turned(info, turn)
    target = rewritten_uri(source, task, "imagery", repr(task.scaling), repr(bands.indexes), repr(turn))
    tags = finished_tags(target, shown.size)
    if tags is not None:
        text = tags.get(SCALING_TAG)
        notes = tuple(json.loads(tags.get(NOTES_TAG, "[]")))
        return ReadyImage(target, shown, ImportOutcome.REUSED, bands, Stretch.of_text(text) if text else None, notes)
    meaning = _meaning(dataset, info, task, bands, declares_gaps(dataset, alpha.mask), palette)
    notes = (*notes, *meaning.notes)
    profile = RasterProfile(
        size=info.size,
        bands=meaning.channels,
        crs=shown.crs,
        transform=shown.transform,
        alpha=meaning.gaps.are_there,
        tags={SCALING_TAG: meaning.stretch.as_text()} if meaning.stretch else {},
        names=_names_of_further(dataset, bands),
    )
    if notes:
        profile = replace(profile, tags={**profile.tags, NOTES_TAG: json.dumps(notes, ensure_ascii=False)})
    strips = (meaning.read(dataset, source.uri, rows) for rows in bands_of(info))
    if turn.is_none:
        _write(target, profile, strips)
    else:
        _write_turned(target, profile, strips, turn)
    return ReadyImage(target, shown, ImportOutcome.REWRITTEN, bands, meaning.stretch, notes)


def _meaning(
    dataset: rasterio.DatasetReader,
    info: RasterInfo,
    task: SceneTask,
    bands: ColourBands,
    declared: bool,
    palette: UInt8 | None,
) -> _Meaning:
    uri, indexes = task.pair.image.uri, bands.indexes[: len(COLOURS)]
    surveyed: list[ImageSurvey] = []

    def percentiles() -> tuple[float, float]:
        surveyed.append(survey(dataset, uri, info, indexes, declared))
        return surveyed[0].low, surveyed[0].high

    def further(number: int) -> Stretch | None:
        def own() -> tuple[float, float]:
            found = survey(dataset, uri, info, (number,), declared)
            return found.low, found.high

        return stretch_of(task.scaling, uri, info.dtype, own)

    stretch = None if palette is not None else stretch_of(task.scaling, uri, info.dtype, percentiles)
    if surveyed:
        gaps = Gaps(declared, surveyed[0].has_nan, surveyed[0].fill)
    else:
        is_float = np.dtype(info.dtype).kind == "f"
        gaps = Gaps(declared, is_float and any_not_finite(dataset, uri, info, indexes))
    return _Meaning(
        bands=bands,
        gaps=gaps,
        stretch=stretch,
        palette=palette,
        is_min_white=info.is_min_white,
        notes=surveyed[0].notes if surveyed else (),
        further=tuple(further(number) for number in bands.indexes[len(COLOURS) :]),
    )


def _names_of_further(dataset: rasterio.DatasetReader, bands: ColourBands) -> dict[int, str]:
    """What the raster calls the bands that are kept behind the third, by their new numbers."""
    new = enumerate(bands.indexes[len(COLOURS) :], len(COLOURS) + 1)
    return {number: name for number, old in new if (name := dataset.descriptions[old - 1])}


def _write(target: str, profile: RasterProfile, strips: Iterator[UInt8]) -> None:
    with raster_writer(target, profile) as writer:
        for pixels in strips:
            writer.write(pixels)


def _write_turned(target: str, profile: RasterProfile, strips: Iterator[UInt8], turn: Turn) -> None:
    """Write rows as columns, or from the bottom up: by way of a tiled copy, of which any part can be read."""
    size = turn.size(profile.size)
    with scratch_folder("turned") as folder:
        copy = str(folder / "stored.tif")
        _write(copy, replace(profile, crs=None, transform=None), strips)
        with open_raster(copy) as stored:
            _write(target, replace(profile, size=size), _upright_strips(stored, copy, bool(profile.masks), turn))


def _upright_strips(stored: rasterio.DatasetReader, uri: str, has_mask: bool, turn: Turn) -> Iterator[UInt8]:
    """Rows of all bands, and behind them those of the file's mask where it has one, as its writer takes them."""
    size = turn.size(Size(stored.height, stored.width))
    for rows in row_bands(size, TILE_PX):
        window = turn.stored_window(rows, size)
        pixels = read_rows(stored, uri, window, range(1, stored.count + 1))
        if has_mask:
            mask = read_validity(stored, uri, window).astype(np.uint8) * np.uint8(255)
            pixels = np.concatenate([pixels, mask[np.newaxis]])
        yield upright(pixels, turn)
