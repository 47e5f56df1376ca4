from __future__ import annotations

import pytest

from components.core.collection.formats import formats_of_text
from components.core.errors import ConfigError


def test_formats_are_given_as_text() -> None:
    assert formats_of_text("") == []
    assert formats_of_text(" geojsonl,gpkg, gpkg") == ["geojsonl", "gpkg"]
    with pytest.raises(ConfigError, match="'shp' is not one of gpkg, geojsonl"):
        formats_of_text("gpkg,shp")
