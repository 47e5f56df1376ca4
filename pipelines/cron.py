"""Cron expressions as Kubeflow takes them: six fields, seconds first."""

from __future__ import annotations

import re

from components.core.errors import ConfigError

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

# What a field holds: its least and greatest number.
FIELDS = {
    "seconds": (0, 59),
    "minutes": (0, 59),
    "hours": (0, 23),
    "day of month": (1, 31),
    "month": (1, 12),
    "day of week": (0, 6),
}
NAMES = {
    "month": {name: number for number, name in enumerate(MONTHS, 1)},
    "day of week": {name: number for number, name in enumerate(WEEKDAYS)},
}
SHORTHANDS = {
    "@hourly": "0 0 * * * *",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@weekly": "0 0 0 * * 0",
    "@monthly": "0 0 0 1 * *",
    "@yearly": "0 0 0 1 1 *",
}
EXAMPLE = "0 0 3 * * *"


def checked_cron(text: str) -> str:
    """Check a cron expression.

    The fields are those of https://pkg.go.dev/github.com/robfig/cron. Kubeflow also accepts five, but reads them
    as seconds to months and so runs every hour what was meant for every day.

    Args:
        text: Six fields: seconds, minutes, hours, day of month, month, day of week.

    Returns:
        The same with single spaces.

    Raises:
        ConfigError: It is something else; where it has five fields, the message holds the six.
    """
    fields = text.split()
    if text.strip().lower() in SHORTHANDS:
        raise ConfigError(f"--cron: '{text}' must be six fields; give '{SHORTHANDS[text.strip().lower()]}'")
    if len(fields) == len(FIELDS) - 1:
        raise ConfigError(f"--cron: '{text}' has five fields and must have six, seconds first; give '{_six(fields)}'")
    if len(fields) != len(FIELDS):
        raise ConfigError(
            f"--cron: '{text}' has {len(fields)} fields and must have six ({', '.join(FIELDS)}), such as '{EXAMPLE}'"
        )
    for name, field in zip(FIELDS, fields, strict=True):
        if not all(_is_valid(part, name) for part in field.split(",")):
            least, most = FIELDS[name]
            words = " or names such as MON" if name == "day of week" else " or names such as JAN" * (name == "month")
            raise ConfigError(
                f"--cron: '{field}' is not valid for {name}; give *, numbers {least} to {most}{words}, a-b or a/step"
            )
    return " ".join(fields)


def _six(five: list[str]) -> str:
    """The same time in six fields; Sunday is 0 here."""
    weekday = "0" if five[4] == "7" else five[4]
    return " ".join(["0", *five[:4], weekday])


def _is_valid(part: str, name: str) -> bool:
    match = re.fullmatch(r"(?:[*?]|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
    if match is None:
        return False
    first, last, step = match.groups()
    ends = [_number(end, name) for end in (first, last) if end is not None]
    least, most = FIELDS[name]
    in_range = all(number is not None and least <= number <= most for number in ends)
    return in_range and sorted(ends, key=lambda end: end or 0) == ends and (step is None or int(step) > 0)


def _number(text: str, name: str) -> int | None:
    if text.isdecimal():
        return int(text)
    return NAMES.get(name, {}).get(text.upper())
