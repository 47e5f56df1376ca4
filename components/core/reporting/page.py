"""The frame that every page shares: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from components.core.reporting import palette
from components.core.reporting.text import share_text, thousands
from components.core.storage import staged_file


@dataclass(frozen=True, slots=True)
class Fact:
    """A number that matters, with what it means.

    Attributes:
        label: What it is, such as "IoU".
        value: As it is shown, such as "0.78".
        note: Unit or condition, such as "pooled over 12 scenes".
    """

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: Its heading.
        lead: One or two sentences: what is seen, with units.
        facts: Numbers shown above it.
        body: HTML.
    """

    title: str
    lead: str
    facts: tuple[Fact, ...]
    body: Markup


@dataclass(frozen=True)
class Picture(Section):
    """Something to look at, as a section of a page and as an image.

    Attributes:
        draw_png: Draws it as a PNG file.
    """

    draw_png: Callable[[], bytes]

    def html(self) -> str:
        """A page of its own."""
        return run_report(self.title, self.lead, self.facts, [replace(self, lead="", facts=())])

    def write(self, html_file: Path | str | None = None, png_file: Path | str | None = None) -> None:
        """Write the page, the image or both; each appears when it is whole.

        Raises:
            StorageError: If a place cannot be written.
        """
        if html_file is not None:
            write_page(html_file, self.html())
        if png_file is not None:
            image = self.draw_png()
            with staged_file(png_file) as aside:
                aside.write_bytes(image)


def run_report(title: str, subtitle: str, facts: Sequence[Fact], pictures: Sequence[Section]) -> str:
    """One page of several pictures or other sections.

    Args:
        title: Heading of the page.
        subtitle: One line below it.
        facts: The numbers to see first.
        pictures: In order.

    Returns:
        HTML that needs nothing beside itself: no network, no script.
    """
    return render("page.html.j2", title=title, subtitle=subtitle, facts=facts, pictures=pictures)


def write_page(file: Path | str, html: str) -> None:
    """Write a page; it appears at `file` when it is whole.

    Raises:
        StorageError: If the place cannot be written.
    """
    with staged_file(file) as aside:
        aside.write_text(html, encoding="utf-8")


def render(template: str, **values: Any) -> Markup:
    """Fill a template of this package; everything that is not markup is escaped."""
    return Markup(_environment().get_template(template).render(**values))  # noqa: S704


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("components.core.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["palette"] = palette
    environment.filters["thousands"] = thousands
    environment.filters["share"] = share_text
    return environment
