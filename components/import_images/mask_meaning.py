"""What the values of a mask mean: which are building, and which mark unlabelled pixels.

Where a run does not say so (`mask_value`), the file decides:

- One band: every value above 0 is building. Where there are several such values, in one mask or from mask to mask, a
  warning lists them.
- A palette: a colour counts, not its index; black and transparent are not building. Where several used colours are
  neither and none is, index 0 is not building, and a warning says so.
- Red, green and blue: every colour but black is building; greys are as one band. Transparent is not building, unless
  all that is drawn is black.
- White as the lowest value (MinIsWhite): white is building.
- Values that compression or resampling has blurred between 0 and 255, and probabilities from 0 to 1: the upper half.
- A declared nodata value, NaN and a mask's own mask: not labelled. A declared 0 is not building, as is NaN where
  nothing else could be.
- Many values that change from pixel to pixel are no mask, but a picture.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.imagery.mask_values import MaskValues, PixelValues
from components.import_images.mask_codes import GREY, Codes, MaskForm
from components.import_images.mask_remarks import Remark
from components.import_images.mask_survey import BRIGHT, MaskSurvey

MIDDLE = 128
"""Least of 255 that counts as building where values are blurred; `HIGH_BITS` are those of colours with it."""

HIGH_BITS = 0x808080

FULL = frozenset((0, 255))

EVEN = 0.5
"""Least probability of building."""

BLURRED_VALUES = 5
"""Least number of distinct values that resampling leaves."""

PICTURE_VALUES = 16
"""A mask of no more distinct values is not a picture, however they lie."""

CLEAR_SHARE = 0.5
"""Least share of a blurred mask's nonzero pixels that are still nearly 0 or 255."""

FLAT_SHARE = 0.5
"""Least share of a mask's nonzero pixels that continue the value on their left."""

ALL_NODATA = (
    "the only value above 0 is {values}, which is declared nodata and so not labelled; if it is building, set "
    "mask_value={values}"
)

NAME_THEM = "name the building values with mask_value"


@dataclass(frozen=True, slots=True)
class Meaning:
    """How codes become labels.

    Attributes:
        is_rounded: Whether values are first rounded to 0 or 255 (probabilities: to 0 or 1), channel by channel.
        members: Codes that are building; None for all above 0.
        ignored: Codes that are not labelled.
        by_opacity: Whether all that is drawn is building, whatever its code.
        gaps_are_ground: Whether pixels that hold no value are simply not building.
        remarks: What the user should know.
    """

    is_rounded: bool = False
    members: tuple[float, ...] | None = None
    ignored: tuple[float, ...] = ()
    by_opacity: bool = False
    gaps_are_ground: bool = False
    remarks: tuple[Remark, ...] = ()

    def building(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """(H, W) bool: what is building."""
        if self.by_opacity and codes.opaque is not None:
            found = codes.opaque
        else:
            values = self._rounded(codes.values)
            found = np.asarray(values > 0 if self.members is None else np.isin(values, self.members))
            if self.members is None and self.ignored:
                found &= ~np.isin(values, self.ignored)
            if codes.opaque is not None:
                found &= codes.opaque
        return found if codes.unlabelled is None else found & ~codes.unlabelled

    def unlabelled(self, codes: Codes) -> npt.NDArray[np.bool_] | None:
        """(H, W) bool: what nobody labelled; None for nothing."""
        gaps = None if self.gaps_are_ground else codes.unlabelled
        if not self.ignored:
            return gaps
        ignored = np.isin(self._rounded(codes.values), self.ignored)
        if codes.unlabelled is not None:
            ignored &= ~codes.unlabelled  # 0 stands there
        if codes.opaque is not None:
            ignored &= codes.opaque
        return ignored if gaps is None else ignored | gaps

    def _rounded(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if not self.is_rounded:
            return values
        if values.dtype.kind == "f":
            return (values >= EVEN).astype(np.uint8)
        return (values & values.dtype.type(HIGH_BITS & np.iinfo(values.dtype).max)) // MIDDLE * 255


def meaning_of(uri: str, form: MaskForm, survey: MaskSurvey, asked: MaskValues) -> Meaning:
    """Decide what a mask's values mean.

    Args:
        uri: Of the mask, for messages.
        form: How it stores them.
        survey: What they are.
        asked: What the run says of them.

    Raises:
        DataError: If it is no mask, or cannot hold the values that the run names.
    """
    remarks: list[Remark] = []
    is_probability = _is_probability(form, survey)
    is_rounded = is_probability or _is_blurred(form, survey, bool(asked.building))
    if not is_rounded:
        _refuse_pictures(uri, form, survey, bool(asked.building))
    if is_rounded:
        remarks.append(_of_rounding(form, is_probability))
    ignored = _codes_of(uri, asked.ignored, form, survey)
    gaps_are_ground = _gaps_are_ground(form, survey)
    if gaps_are_ground:
        remarks.append(Remark("holds nothing but building and NaN, which counts as not building"))
    if asked.building:
        members: tuple[float, ...] | None = _codes_of(uri, asked.building, form, survey)
        return Meaning(is_rounded, members, ignored, False, gaps_are_ground, tuple(remarks))
    if survey.transparent and not survey.nonzero:
        remarks.append(Remark("all opaque pixels are black: they count as building"))
        return Meaning(ignored=ignored, by_opacity=True, remarks=tuple(remarks))
    members = None
    if form.palette is not None:
        members, more = _of_palette(form, survey, ignored)
        remarks += more
    elif not is_rounded or form.is_colour:
        remarks += _of_several(form, survey, ignored, is_rounded)
    if form.nodata is not None and survey.unlabelled and not survey.nonzero:
        remarks.append(Remark(ALL_NODATA, (form.nodata,)))
    return Meaning(is_rounded, members, ignored, False, gaps_are_ground, tuple(remarks))


def _is_probability(form: MaskForm, survey: MaskSurvey) -> bool:
    inside = form.dtype.kind == "f" and survey.lowest >= 0 and survey.highest <= 1
    return inside and (survey.has_many or len(survey.counts.keys() - {0.0}) > 1)


def _is_blurred(form: MaskForm, survey: MaskSurvey, is_asked: bool) -> bool:
    """Whether values lie around 0 and 255 as compression or resampling leaves them."""
    if form.dtype != np.uint8 or form.palette is not None or survey.clear_share < CLEAR_SHARE:
        return False
    values = _channel_values(form, survey)
    if values is not None and values <= FULL:
        return False
    if form.is_lossy:
        return values is None or max(values, default=0) >= MIDDLE
    if is_asked:
        return False
    if values is None:
        return True
    lower = any(MIDDLE // 2 <= value < MIDDLE for value in values)
    upper = any(MIDDLE <= value < MIDDLE * 3 // 2 for value in values)
    return len(values) >= BLURRED_VALUES and max(values) >= BRIGHT and lower and upper


def _channel_values(form: MaskForm, survey: MaskSurvey) -> set[int] | None:
    """The distinct values of 8 bits, of all channels together; None where there are too many."""
    if survey.has_many:
        return None
    codes = [int(code) for code in survey.counts]
    if not form.is_colour:
        return set(codes)
    return {code >> shift & 255 for code in codes for shift in (16, 8, 0)}


def _refuse_pictures(uri: str, form: MaskForm, survey: MaskSurvey, is_asked: bool) -> None:
    many = survey.has_many or len(survey.counts) > PICTURE_VALUES
    if not is_asked and form.palette is None and many and survey.flatness < FLAT_SHARE:
        noun = "colours" if form.is_colour and not survey.is_grey else "values"
        count = "more than " * survey.has_many + str(len(survey.counts))
        raise DataError(
            f"{uri}: holds {count} {noun} that change from pixel to pixel, as in a photograph; is it an image? A mask "
            f"has few, such as 0 and 255: give masks, or {NAME_THEM}"
        )
    if form.is_lossy and not (_channel_values(form, survey) or {-1}) <= FULL:
        raise DataError(
            f"{uri}: its compression changes values, and they are not close to 0 and 255 (highest {survey.highest:g}), "
            "so building cannot be distinguished; save the mask as PNG or as TIFF without loss"
        )


def _of_rounding(form: MaskForm, is_probability: bool) -> Remark:
    if is_probability:
        return Remark(f"values are probabilities: {EVEN} and more counts as building")
    cause = "lossy compression has" if form.is_lossy else "values lie between 0 and 255, where resampling has"
    each = "of each channel " if form.is_colour else ""
    return Remark(f"{cause} blurred the outlines: {MIDDLE} or more of 255 {each}counts as building")


def _gaps_are_ground(form: MaskForm, survey: MaskSurvey) -> bool:
    return form.dtype.kind == "f" and bool(survey.unlabelled) and bool(survey.nonzero) and survey.lowest > 0


def _of_palette(
    form: MaskForm, survey: MaskSurvey, ignored: tuple[float, ...]
) -> tuple[tuple[float, ...], list[Remark]]:
    table = form.palette or {}
    used = {int(index): table.get(int(index), (0, 0, 0, 255)) for index in survey.counts if index not in ignored}
    drawn = {index: colour for index, colour in used.items() if colour[3] and any(colour[:3])}
    colours = {colour[:3] for colour in drawn.values()}
    remarks = []
    if len(colours) > 1 and len(drawn) == len(used) and 0 in drawn:
        first = drawn.pop(0)
        colours = {colour[:3] for colour in drawn.values()}
        remarks.append(
            Remark(f"no colour of the palette is black: index 0 ({_hex(first)}) counts as not building; {NAME_THEM}")
        )
    remarks += _word_on("colours", "but black ", [_hex(colour) for colour in colours])
    return tuple(sorted(drawn)), remarks


def _of_several(form: MaskForm, survey: MaskSurvey, ignored: tuple[float, ...], is_rounded: bool) -> list[Remark]:
    """A word on what counts as building."""
    is_coloured = form.is_colour and not survey.is_grey
    if survey.has_many and not is_rounded:
        bounds = (survey.lowest, survey.highest)
        return _word_on("values", "above 0 ", [_hex_of(bound) for bound in bounds] if is_coloured else bounds)
    codes = {_rounded_colour(code) for code in survey.counts} if is_rounded else set(survey.counts)
    counted = {code for code in codes if code > 0 and code not in ignored}
    if is_coloured:
        return _word_on("colours", "but black ", [_hex_of(code) for code in counted])
    return _word_on("values", "above 0 ", [code // GREY if form.is_colour else code for code in counted])


def _rounded_colour(code: float) -> int:
    return (int(code) & HIGH_BITS) // MIDDLE * 255


def _word_on(noun: str, which: str, values: Collection[float | str]) -> list[Remark]:
    """On what counts as building: several values, or one where other masks have another."""
    ask = f"{NAME_THEM}, such as mask_value=VALUE"
    if len(values) > 1:
        return [Remark(f"{noun} {{values}}: all {which}count as building; {ask}", (*values,))]
    alone = f"hold one of the {noun} {{values}} each, which counts as building; where one is not, {ask}"
    return [Remark(alone, (*values,), if_several=True)] if values else []


def _codes_of(uri: str, values: PixelValues, form: MaskForm, survey: MaskSurvey) -> tuple[float, ...]:
    """Asked values as codes of a mask; those that cannot be in it are left out.

    Raises:
        DataError: If the run names a number, and the mask holds colours.
    """
    if form.palette is not None:
        alike = [index for index, colour in form.palette.items() if _number(colour) in values.colours]
        return (*values.numbers, *alike)
    if form.is_colour:
        if values.numbers and not survey.is_grey:
            raise DataError(
                f"{uri}: holds colours, and mask_value names the number {values.numbers[0]:g}; name the colour of "
                "buildings, such as mask_value=#FF0000"
            )
        return (*(number * GREY for number in values.numbers), *values.colours)
    return (*values.numbers, *(colour // GREY for colour in values.colours if colour % GREY == 0))


def _number(colour: tuple[int, ...]) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _hex(colour: tuple[int, ...]) -> str:
    return _hex_of(_number(colour))


def _hex_of(code: float) -> str:
    return f"#{int(code):06X}"
