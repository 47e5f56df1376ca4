"""JSON from outside."""

from __future__ import annotations

import pytest

from components.core.json_text import parse_json


def test_json_is_parsed() -> None:
    assert parse_json('{"a": [1, 2.5, null, "é", "\\ud83c\\udfe0", "\\\\ud800"]}') == {
        "a": [1, 2.5, None, "é", "🏠", "\\ud800"]
    }
    assert parse_json(b"[true]") == [True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deep"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deep"),
        ('{"lr": NaN}', "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not a JSON number"),
        ('["\\ud800"]', "surrogates not allowed"),
        ('["\ud800"]', "surrogates not allowed"),
        (b'["\\udc41"]', "surrogates not allowed"),
        (b"\xff[1]", "invalid start byte"),
        ("[1,]", "Expecting value"),
    ],
    ids=["lists", "objects", "NaN", "infinite", "half", "raw half", "bytes", "encoding", "comma"],
)
def test_what_is_no_json_is_refused(text: str | bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_json(text)
