"""Times as STAC has them: an instant, or a start and an end."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

_MONTH = re.compile(r"(?P<year>\d{4})(-(?P<month>\d{2}))?")

DIGITS_OF_A_DAY = 10


@dataclass(frozen=True, slots=True)
class Period:
    """From one instant to another, both of them within it; the same one for an instant.

    Attributes:
        start: In UTC.
        end: In UTC.
    """

    start: datetime
    end: datetime

    @classmethod
    def instant(cls, when: datetime) -> Period:
        """A time with its time zone."""
        return cls(when.astimezone(UTC), when.astimezone(UTC))

    @classmethod
    def of_captured(cls, text: str) -> Period | None:
        """Read a day or time of capture.

        Args:
            text: A year, month, day or time in ISO 8601. Without a time zone it is taken as UTC, so that a local day
                is off by up to half a day.

        Returns:
            The time, or the whole of the day, month or year; None where the text is empty or says something else,
            since images carry all kinds of text there.
        """
        try:
            months = _MONTH.fullmatch(text)
            if months:
                year, month = int(months["year"]), int(months["month"] or 0)
                last = month or 12
                return cls._of_days(date(year, month or 1, 1), date(year, last, monthrange(year, last)[1]))
            if len(text) <= DIGITS_OF_A_DAY:
                return cls._of_days(date.fromisoformat(text), date.fromisoformat(text))
            found = datetime.fromisoformat(text)
        except ValueError:
            return None
        return cls.instant(found if found.tzinfo else found.replace(tzinfo=UTC))

    @classmethod
    def _of_days(cls, first: date, last: date) -> Period:
        return cls(datetime.combine(first, time.min, UTC), datetime.combine(last, time(23, 59, 59), UTC))

    def __or__(self, other: Period) -> Period:
        return Period(min(self.start, other.start), max(self.end, other.end))

    def as_arguments(self) -> dict[str, Any]:
        """Keyword arguments of `pystac.Item`."""
        if self.start == self.end:
            return {"datetime": self.start}
        return {"datetime": None, "start_datetime": self.start, "end_datetime": self.end}
