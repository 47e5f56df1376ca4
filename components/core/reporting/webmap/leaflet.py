"""Leaflet, which draws the map: its files from the package that ships them, as texts for a page."""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata, resources

DISTRIBUTION = "django-js-lib-leaflet"
"""Leaflet 1.9.4 as its makers build it, in a wheel without a dependency; of Django nothing is needed."""

_FOLDER = "js_lib_leaflet"


@cache
def leaflet_script() -> str:
    """Leaflet, with its licence."""
    licence = metadata.distribution(DISTRIBUTION).read_text("LICENSE") or ""
    return f"/* Leaflet\n\n{licence.strip()} */\n{_text('leaflet.js')}"


@cache
def leaflet_style() -> str:
    """Its style, without comments and the pictures that it names: they would be files beside the page; none is used."""
    text = re.sub(r"/\*.*?\*/", "", _text("leaflet.css"), flags=re.S)
    return re.sub(r"url\([^)]*\)", "none", text)


def _text(name: str) -> str:
    text = resources.files(_FOLDER).joinpath("static", _FOLDER, name).read_text(encoding="utf-8")
    return re.sub(r"//# sourceMappingURL=\S*\s*$", "", text)
