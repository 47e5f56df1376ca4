"""When an image was captured, from its metadata or its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from components.core.errors import ConfigError
from components.core.patterns import compiled, matches

DATE_IN_KEY = (
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<between>[-_/.]?)(?P<month>0[1-9]|1[0-2])(?P=between)"
    r"(?P<day>0[1-9]|[12]\d|3[01])(?!\d)"
)
"""Finds 2026-11-22, 2026_11_22, 20261122 and, in folders, 2026/11/22."""

NO_PATTERN = "none"

GROUPS = ("year", "month", "day")


@dataclass(frozen=True, slots=True)
class DatePattern:
    """How dates are found in the keys of images, and on whose word.

    Attributes:
        pattern: Finds them; None for no such date.
        is_asked_for: Whether a user gave the pattern, which then wins over all that images say.
    """

    pattern: str | None = None
    is_asked_for: bool = False


def date_pattern(text: str) -> DatePattern:
    """Read the parameter.

    Args:
        text: With the named groups year (four digits), month and day; empty for `DATE_IN_KEY`, "none" for none.

    Raises:
        ConfigError: If it is not a regular expression, or a group is missing.
    """
    if text == NO_PATTERN:
        return DatePattern()
    try:
        groups = compiled(text or DATE_IN_KEY).groupindex
    except ValueError as error:
        raise ConfigError(
            f"captured_pattern: {error}; give one with the groups {_named(GROUPS)}, or {NO_PATTERN}"
        ) from error
    missing = [name for name in GROUPS if name not in groups]
    if missing:
        raise ConfigError(f"captured_pattern: {text!r} lacks {_named(missing)}; add what is missing")
    return DatePattern(text or DATE_IN_KEY, is_asked_for=bool(text))


def _named(groups: Mapping[str, int] | tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"(?P<{name}>…)" for name in groups)


def capture_date(
    imagery: Mapping[str, str], tags: Mapping[str, str], key: str, dates: DatePattern, said: str = ""
) -> str:
    """Day or time of capture.

    The pattern that the user gave comes first; then what a catalogue says; then the one tag that means the capture;
    then a date in the name, which mostly is that of the flight; last TIFF's DateTime, which mostly is when the file was
    made.

    Sources: GDAL's raster data model, "IMAGERY domain", and MD_DATETIMEFORMAT of its gdal_mdreader.h; TIFF 6.0, tag
    DateTime.

    Args:
        imagery: Of GDAL's metadata domain IMAGERY, whose ACQUISITIONDATETIME is in UTC.
        tags: Of the default domain; TIFFTAG_DATETIME says no time zone.
        key: Of the image; the first date in it counts.
        dates: Finds dates in keys.
        said: By a catalogue, in ISO 8601; empty where there is none.

    Returns:
        ISO 8601; empty where neither has it.
    """
    day = _day_in(key, dates.pattern)
    return (
        (day if dates.is_asked_for else "")
        or _acquired(said)
        or _acquired(imagery.get("ACQUISITIONDATETIME", "").strip())
        or day
        or _tiff_time(tags.get("TIFFTAG_DATETIME", "").strip())
    )


def _acquired(text: str) -> str:
    try:
        if len(text) == len("2026-11-22"):
            return date.fromisoformat(text).isoformat()
        time = datetime.fromisoformat(text)
    except ValueError:
        return ""
    in_utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return in_utc.isoformat().replace("+00:00", "Z")


def _tiff_time(text: str) -> str:
    try:
        return datetime.strptime(text, "%Y:%m:%d %H:%M:%S").isoformat()
    except ValueError:
        return ""


def _day_in(key: str, pattern: str | None) -> str:
    for found in matches(pattern, key) if pattern else ():
        year, month, day = (found[name] or "" for name in GROUPS)
        try:
            return date.fromisoformat(f"{year}-{month:0>2}-{day:0>2}").isoformat()
        except ValueError:
            continue
    return ""
