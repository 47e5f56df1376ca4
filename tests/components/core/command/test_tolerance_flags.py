from __future__ import annotations

from argparse import ArgumentParser

import pytest

from components.core.command.tolerance_flags import add_earlier_flags


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([], "1 px"),
        (["--tolerance", "0.5m"], "0.5m"),
        (["--tolerance-px", "0"], "0 px"),
        (["--tolerance-m", "0.5"], "0.5 m"),
        (["--tolerance-m", "0"], "1 px"),
        (["--tolerance-px", "2", "--tolerance-m", "0.0"], "2 px"),
    ],
)
def test_the_flags_of_earlier_versions_still_hold(flags: list[str], text: str) -> None:
    parser = ArgumentParser()
    parser.add_argument("--tolerance", default="1 px")
    add_earlier_flags(parser)
    assert parser.parse_args(flags).tolerance == text
