"""The help of every command."""

from __future__ import annotations

import pytest

from components.core.cli import argument_parser


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"default": ""}, "text"),
        ({"default": []}, "text"),
        ({"default": None}, "text"),
        ({"action": "store_true"}, "text"),
        ({"default": 0}, "text (default: 0)"),
        ({"default": 0.0}, "text (default: 0.0)"),
        ({"default": "1 px"}, "text (default: 1 px)"),
        ({"default": "100%"}, "text (default: 100%)"),
        ({"default": ["test", "100%"]}, "text (default: test 100%)"),
        ({"default": 1, "help": "text, %(default)s"}, "text, 1"),
    ],
)
def test_help_shows_the_defaults_that_say_something(options: dict[str, object], shown: str) -> None:
    parser = argument_parser("prog", "Do it.")
    parser.add_argument("--flag", **{"help": "text"} | options)  # type: ignore[arg-type]
    assert parser.format_help().rstrip().endswith(f" {shown}")
