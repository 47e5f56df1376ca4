"""What else may be done to the pixels that a window shows, one operation a class.

An operation is data and holds no code: `rendering` computes its pixels, `figures.transforms` moves what is drawn.
Random values are drawn before; what is kept here gives the same pixels whenever they are read.
"""

from __future__ import annotations

import math
from abc import ABC
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from components.core.geometry import FlipAxis, Size, Window

if TYPE_CHECKING:
    from affine import Affine

LONGEST_SIDE = 1 << 20
"""Of what is scaled or turned, in pixels."""

FARTHEST = (1 << 31) - 1
"""Where and how large a frame may be, in pixels: what a manifest can say of an image."""

MOST_SIGMA = 100.0
MOST_KERNEL = 255
MOST_SEED = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Operation(ABC):
    """One step; what it is made of are whole and other finite numbers and short texts.

    Coordinates are (column, row) with pixel corners at whole numbers, unless they are said to be of pixels.
    """

    name: ClassVar[str]

    def result_size(self, size: Size) -> Size:
        """Size of the result, of an image of `size`.

        Raises:
            ValueError: If the operation does not fit such an image.
        """
        return size

    def affine(self, size: Size) -> Affine:
        """From (column, row) of the result to (column, row) of the image of `size`."""
        from affine import Affine  # not for those who ask for no place on the map

        return Affine.identity()


def _check(is_right: bool, rule: str) -> None:
    if not is_right:
        raise ValueError(rule)


@dataclass(frozen=True, slots=True)
class Frame(Operation):
    """Show a window of the image, which may reach over its borders; black there.

    Attributes:
        top: First row, in the image; may be negative, as may the others.
        left: First column.
        height: Of the result.
        width: Of the result.
    """

    name: ClassVar[str] = "frame"
    top: int
    left: int
    height: int
    width: int

    def __post_init__(self) -> None:
        _check(
            all(1 <= side <= FARTHEST for side in (self.height, self.width)),
            f"a frame of {self.height}×{self.width} px; sides are 1 to {FARTHEST}",
        )
        _check(
            all(-FARTHEST <= start <= FARTHEST for start in (self.top, self.left)),
            f"a frame at {self.top}, {self.left}, which is farther from the image than {FARTHEST} px",
        )

    @classmethod
    def of_window(cls, window: Window) -> Frame:
        """The frame that shows a window."""
        return cls(window.top, window.left, window.height, window.width)

    @property
    def window(self) -> Window:
        """In the image."""
        return Window(self.top, self.left, self.height, self.width)

    def result_size(self, size: Size) -> Size:
        """The window's."""
        return self.window.size

    def affine(self, size: Size) -> Affine:
        """A shift."""
        from affine import Affine

        return Affine.translation(self.left, self.top)


@dataclass(frozen=True, slots=True)
class Mirror(Operation):
    """Mirror the image.

    Attributes:
        axis: Which way.
    """

    name: ClassVar[str] = "mirror"
    axis: FlipAxis

    def affine(self, size: Size) -> Affine:
        """Turned over at the middle."""
        from affine import Affine

        if self.axis is FlipAxis.LEFT_RIGHT:
            return Affine.translation(size.width, 0) @ Affine.scale(-1, 1)
        return Affine.translation(0, size.height) @ Affine.scale(1, -1)


@dataclass(frozen=True, slots=True)
class Resize(Operation):
    """Stretch the image, bilinear between pixel centres; sizes are rounded, factors are not.

    A pixel at i shows the place (i + 0.5) / factor - 0.5 of the image, as OpenCV's `resize` with `fx` and `fy` does.

    Attributes:
        height: Of the result.
        width: Of the result.
        down: Factor of rows.
        right: Factor of columns.
    """

    name: ClassVar[str] = "resize"
    height: int
    width: int
    down: float
    right: float

    def __post_init__(self) -> None:
        _check(
            all(1 <= side <= LONGEST_SIDE for side in (self.height, self.width)),
            f"a size of {self.height}×{self.width} px; sides are 1 to {LONGEST_SIDE}",
        )
        _check(
            all(math.isfinite(factor) and 0 < factor <= LONGEST_SIDE for factor in (self.down, self.right)),
            f"factors of {self.down} and {self.right}",
        )

    def result_size(self, size: Size) -> Size:
        """As it says.

        Raises:
            ValueError: If that is another size than the factors give.
        """
        for side, factor, result in ((size.height, self.down, self.height), (size.width, self.right, self.width)):
            _check(abs(side * factor - result) <= 1, f"{side} px times {factor} are not {result} px")
        return Size(self.height, self.width)

    def affine(self, size: Size) -> Affine:
        """The factors' inverse."""
        from affine import Affine

        return Affine.scale(1 / self.right, 1 / self.down)


@dataclass(frozen=True, slots=True)
class Rotate(Operation):
    """Turn the image counter-clockwise about its middle onto a canvas that holds all of it; black elsewhere.

    Whole quarter turns move pixels as they are. Any other angle is Lanczos over 8×8 pixels, for places in 1/32 px. As
    in the 2018 engine, what stays in place then is the pixel of column width / 2 and row height / 2, as if pixels lay
    at whole numbers: drawn figures, which do, stay on it, and vectors are off by √2 · sin(angle / 2) px.

    Attributes:
        degrees: Counter-clockwise as one looks at the image; -360 to 360.
    """

    name: ClassVar[str] = "rotate"
    degrees: float

    def __post_init__(self) -> None:
        _check(math.isfinite(self.degrees) and abs(self.degrees) <= 360, f"{self.degrees} degrees; give -360 to 360")

    @property
    def quarter_turns(self) -> int | None:
        """How many quarter turns it is, 0 to 3; None where it is not a whole number of them."""
        turns = self.degrees / 90
        return int(turns) % 4 if turns == int(turns) else None

    def result_size(self, size: Size) -> Size:
        """The canvas's: whole pixels, rounded up."""
        turns = self.quarter_turns
        if turns is not None:
            return size if turns % 2 == 0 else Size(size.width, size.height)
        cosine, sine = self._absolute()
        height = math.ceil(size.height * cosine + size.width * sine)
        width = math.ceil(size.height * sine + size.width * cosine)
        _check(max(height, width) <= LONGEST_SIDE, f"a canvas of {height}×{width} px; sides are up to {LONGEST_SIDE}")
        return Size(height, width)

    def _absolute(self) -> tuple[float, float]:
        return abs(math.cos(math.radians(self.degrees))), abs(math.sin(math.radians(self.degrees)))

    def margin(self, size: Size) -> float:
        """How much of the unrounded canvas is cut off all around to leave no black corner, in pixels.

        Equal on all four sides: W · sin · cos / (sin + cos), W the longer side of the image. There the line at 45° from
        a corner of the canvas meets that side.
        """
        if self.quarter_turns is not None:
            return 0.0
        cosine, sine = self._absolute()
        return max(size.height, size.width) * sine * cosine / (sine + cosine)

    def exact_canvas(self, size: Size) -> tuple[float, float]:
        """Height and width of the turned image's box, not rounded."""
        if self.quarter_turns is not None:
            canvas = self.result_size(size)
            return float(canvas.height), float(canvas.width)
        cosine, sine = self._absolute()
        return size.height * cosine + size.width * sine, size.height * sine + size.width * cosine

    def forward(self, size: Size) -> Affine:
        """From (column, row) of figures in the image to (column, row) in the result: about both middles."""
        from affine import Affine

        canvas = self.result_size(size)
        turn = Affine.rotation(-self.degrees)
        turns = self.quarter_turns
        if turns is not None:  # cosine and sine are whole numbers, which rounding makes them not
            cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[turns]
            turn = Affine(cosine, sine, 0, -sine, cosine, 0)
        to_middle = Affine.translation(-size.width / 2, -size.height / 2)
        return Affine.translation(canvas.width / 2, canvas.height / 2) @ turn @ to_middle

    def backward_of_pixels(self, size: Size) -> Affine:
        """From column and row of the result's pixels, by number, to column and row of the image's pixels."""
        return ~self.forward(size)

    def affine(self, size: Size) -> Affine:
        """Where pixels come from, corners at whole numbers."""
        from affine import Affine

        if self.quarter_turns is not None:
            return ~self.forward(size)
        return Affine.translation(0.5, 0.5) @ self.backward_of_pixels(size) @ Affine.translation(-0.5, -0.5)


@dataclass(frozen=True, slots=True)
class GaussianBlur(Operation):
    """Smooth with a normal distribution out to four sigma; the image goes on mirrored, its border pixel not repeated.

    Attributes:
        sigma: In pixels.
    """

    name: ClassVar[str] = "gaussian"
    sigma: float

    def __post_init__(self) -> None:
        _check(
            math.isfinite(self.sigma) and 0 < self.sigma <= MOST_SIGMA, f"sigma {self.sigma}; give up to {MOST_SIGMA}"
        )

    @property
    def radius(self) -> int:
        """How many pixels to each side count."""
        return (round(8 * self.sigma + 1) | 1) // 2


@dataclass(frozen=True, slots=True)
class MedianBlur(Operation):
    """Replace every value by the median of its surroundings; the border pixel goes on.

    Attributes:
        kernel: Side of the square of surroundings, in pixels; odd.
    """

    name: ClassVar[str] = "median"
    kernel: int

    def __post_init__(self) -> None:
        _check(
            1 <= self.kernel <= MOST_KERNEL and self.kernel % 2 == 1, f"kernel {self.kernel}; odd, 1 to {MOST_KERNEL}"
        )

    @property
    def radius(self) -> int:
        """How many pixels to each side count."""
        return self.kernel // 2


@dataclass(frozen=True, slots=True)
class Colour(Operation):
    """Mix the colours of every pixel: matrix · (R, G, B) + offset, cut to 0–255 and rounded down; other bands stay.

    Attributes:
        matrix: Nine numbers, row by row: what red, green and blue of the result take of red, green and blue.
        offset: Three numbers.
    """

    name: ClassVar[str] = "colour"
    matrix: tuple[float, ...]
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        _check(len(self.matrix) == 9 and len(self.offset) == 3, "a colour matrix of other than 9 and 3 numbers")
        _check(all(map(math.isfinite, (*self.matrix, *self.offset))), "a colour matrix with numbers that are none")


@dataclass(frozen=True, slots=True)
class Noise(Operation):
    """Add a random number to every value, normally distributed; cut to 0–255 and rounded down.

    What is added depends on the seed and on the value's row, column and channel alone, so that any window of the image
    gets the same.

    Attributes:
        mean: Of what is added, in grey levels.
        std: Its standard deviation.
        seed: 0 to 2⁶³ - 1.
    """

    name: ClassVar[str] = "noise"
    mean: float
    std: float
    seed: int

    def __post_init__(self) -> None:
        _check(math.isfinite(self.mean) and math.isfinite(self.std) and self.std >= 0, f"noise {self.mean}, {self.std}")
        _check(0 <= self.seed <= MOST_SEED, f"seed {self.seed}; give 0 to {MOST_SEED}")


OPERATIONS: dict[str, type[Operation]] = {
    operation.name: operation for operation in (Frame, Mirror, Resize, Rotate, GaussianBlur, MedianBlur, Colour, Noise)
}
"""Every operation by its name in a manifest."""
