import numpy as np
import pytest

from components.core.geometry import Size, Window
from components.core.reporting import detail
from components.core.reporting.detail import busiest_window
from components.core.reporting.view import View


def test_the_busiest_window_holds_the_outlines_and_stays_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detail, "DETAIL_PX", 400)
    view = View.fitting(Window(0, 0, 1000, 3000), 300)
    mask = np.zeros((100, 300), np.bool_)
    mask[90:98:3, 270:298] = True

    window = busiest_window(mask, view)

    assert window.size == Size(400, 400)
    assert Window(0, 0, 1000, 3000).contains(window)
    assert window.contains(Window(900, 2700, 80, 280))
