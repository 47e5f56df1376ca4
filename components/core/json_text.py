"""JSON that comes from outside: parsed, or refused as what it is."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


def parse_json(text: str | bytes, **options: Any) -> Any:
    """Parse JSON as RFC 8259 has it: no NaN, no Infinity, and text of characters, not of halves of them.

    Args:
        text: The JSON; bytes in UTF-8, UTF-16 or UTF-32.
        options: Of `json.loads`.

    Raises:
        ValueError: If it is not JSON, not in such an encoding, or nested deeper than Python's stack is high.
    """
    try:
        parsed = json.loads(text, parse_constant=_refuse, **options)
        if _SURROGATE.search(text if isinstance(text, str) else text.decode("latin-1")):
            json.dumps(parsed, ensure_ascii=False, default=str).encode()  # a pair is one character, a half is none
    except RecursionError as error:
        raise ValueError("lists and objects are nested too deep") from error
    return parsed


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")
