"""How scaling is asked for."""

from __future__ import annotations

import pytest

from components.core.errors import ConfigError
from components.core.imagery.scaling import Scaling


def test_scaling_is_a_word_or_two_values() -> None:
    assert Scaling.parse("percentile") == Scaling("percentile")
    assert Scaling.parse("full") == Scaling("full")
    assert Scaling.parse("0,4095") == Scaling("values", 0.0, 4095.0)


@pytest.mark.parametrize("text", ["", "auto", "5,1", "3,3", "1,2,3", "0,nan", "0,inf", "a,b"])
def test_what_is_no_scaling_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="use percentile, full, or two rising values"):
        Scaling.parse(text)
