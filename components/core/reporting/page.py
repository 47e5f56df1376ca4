"""The frame that every page shares: one self-contained HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from components.core.reporting import palette
from components.core.reporting.text import share_text, thousands
from components.core.storage import staged_file

OWN = "components.core.reporting"
"""The package whose templates every page may use."""


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
        styles: CSS that it needs, each once a page.
        scripts: JavaScript that it needs, each once a page and run in order at its end.
    """

    title: str
    lead: str
    facts: tuple[Fact, ...]
    body: Markup
    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()


def run_report(title: str, subtitle: str, facts: Sequence[Fact], sections: Sequence[Section]) -> str:
    """One page of several sections.

    Args:
        title: Heading of the page.
        subtitle: One line below it.
        facts: The numbers to see first.
        sections: In order.

    Returns:
        HTML that needs nothing beside itself. It says to browsers that they load nothing, and run the scripts of its
        sections alone, by their digests.
    """
    scripts = list(dict.fromkeys(script for section in sections for script in section.scripts))
    return render(
        "page.html.j2",
        title=title,
        subtitle=subtitle,
        facts=facts,
        sections=sections,
        styles=[Markup(style) for style in dict.fromkeys(style for entry in sections for style in entry.styles)],  # noqa: S704
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        policy=_policy(scripts),
    )


def _policy(scripts: Sequence[str]) -> str:
    """What a browser may load and run."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii") for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}"


def write_page(file: Path | str, html: str) -> None:
    """Write a page; it appears at `file` when it is whole.

    Raises:
        StorageError: If the place cannot be written.
    """
    with staged_file(file) as staged:
        staged.write_text(html, encoding="utf-8")


def render(template: str, package: str = OWN, /, **values: Any) -> Markup:
    """Fill a template; everything that is not markup is escaped.

    Args:
        template: Its file's name.
        package: The package that has it in its folder `templates`; those of this package are there for all.
        values: What it is filled with.
    """
    return Markup(_environment(package).get_template(template).render(**values))  # noqa: S704


@cache
def _environment(package: str) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in dict.fromkeys((package, OWN))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["palette"] = palette
    environment.filters["thousands"] = thousands
    environment.filters["share"] = share_text
    return environment
