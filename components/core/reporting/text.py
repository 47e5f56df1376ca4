"""Numbers and words as pages show them."""

from __future__ import annotations


def thousands(count: int) -> str:
    """A whole number with narrow spaces between thousands: 10 000."""
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def share_text(value: float | None) -> str:
    """A share or score with three decimals; a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.3f}"


def counted_noun(count: int, noun: str) -> str:
    """A number and what is counted, such as "1 scene" and "12 scenes"."""
    return f"{thousands(count)} {noun if count == 1 else noun + 's'}"
