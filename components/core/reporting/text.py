"""Text that must fit into a box whose font is not known."""

from __future__ import annotations

import unicodedata


def shortened(text: str, length: int) -> str:
    """The text, cut with an ellipsis where it is longer than `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def text_width(text: str, size_px: float) -> float:
    """About how wide a text is in a sans-serif font, rather too wide than too narrow, in pixels."""
    return size_px * sum(_character_width(character) for character in text)


def _character_width(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if character in "ijlIt.,:;'|!()[]{}f/ ":
        return 0.4
    return 0.95 if character in "mwMW@%" else 0.64


def wrapped(text: str, length: int, most: int) -> tuple[str, ...]:
    """The text in lines of at most `length` characters, about equally long.

    Args:
        text: Words.
        length: Characters a line; a longer word ends in an ellipsis.
        most: Lines; what does not fit ends in an ellipsis.

    Returns:
        The lines; none for a text without words.
    """
    words = [shortened(word, length) for word in text.split()]
    lines = _filled(words, length)
    if len(lines) > most:
        return (*lines[: most - 1], shortened(f"{lines[most - 1]} …", length))
    longest = max(map(len, words), default=length)
    balanced = (_filled(words, narrower) for narrower in range(longest, length))
    return tuple(next((other for other in balanced if len(other) == len(lines)), lines))


def _filled(words: list[str], length: int) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= length:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def thousands(count: int) -> str:
    """A whole number with narrow spaces between thousands: 10 000."""
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def share_text(value: float | None) -> str:
    """A share or score with three decimals; a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.3f}"


def counted_noun(count: int, noun: str) -> str:
    """A number and what is counted, such as "1 scene" and "12 scenes"."""
    return f"{thousands(count)} {noun if count == 1 else noun + 's'}"
