import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.reporting.palette import rgb
from components.evaluate.object_colors import NEIGHBOUR_PX, OBJECT_COLORS, object_colors


def grid(rows: int, columns: int, side: int, gap: int) -> npt.NDArray[np.int32]:
    """Squares in rows, labelled from 1."""
    labels = np.zeros((rows * (side + gap), columns * (side + gap)), np.int32)
    for index in range(rows * columns):
        top, left = index // columns * (side + gap), index % columns * (side + gap)
        labels[top : top + side, left : left + side] = index + 1
    return labels


def color_of(colors: npt.NDArray[np.uint8], labels: npt.NDArray[np.int32], label: int) -> tuple[int, ...]:
    found = np.unique(colors[labels == label], axis=0)
    assert len(found) == 1
    return tuple(found[0].tolist())


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(2, 9), st.integers(0, 5))
def test_squares_side_by_side_differ(rows: int, columns: int, side: int, gap: int) -> None:
    labels = grid(rows, columns, side, gap)

    colors = object_colors(labels)

    for index in range(rows * columns):
        own = color_of(colors, labels, index + 1)
        if (index + 1) % columns:
            assert own != color_of(colors, labels, index + 2)
        if index + columns < rows * columns:
            assert own != color_of(colors, labels, index + columns + 1)


def test_every_object_has_a_color_of_the_palette_and_the_background_none() -> None:
    labels = grid(4, 5, 6, 3)

    colors = object_colors(labels)

    palette = {(c.red, c.green, c.blue) for c in map(rgb, OBJECT_COLORS)}
    assert {tuple(color) for color in colors[labels > 0].tolist()} <= palette
    assert not colors[labels == 0].any()


def test_objects_far_apart_may_share_a_color() -> None:
    gap = int(NEIGHBOUR_PX) + 2
    labels = grid(1, len(OBJECT_COLORS) + 1, 3, gap)

    colors = object_colors(labels)

    assert color_of(colors, labels, 1) == color_of(colors, labels, len(OBJECT_COLORS) + 1)


def test_labels_may_leave_gaps_and_nothing_may_be_labelled() -> None:
    labels = np.zeros((4, 9), np.int32)
    labels[:, :2], labels[:, 3:5] = 7, 4_000

    assert len(np.unique(object_colors(labels)[labels > 0], axis=0)) == 2
    assert not object_colors(np.zeros((3, 3), np.int32)).any()
