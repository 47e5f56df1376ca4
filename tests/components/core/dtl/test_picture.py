"""The picture of a query that ran."""

from __future__ import annotations

import json
import re
from pathlib import Path

from components.core.dtl.picture import picture_of
from components.core.dtl.run import execute_query
from tests.components.core.dtl.projects import items, write
from tests.queries import choose, data, save, tag


def test_shows_every_layer_and_the_items_on_every_edge(tmp_path: Path) -> None:
    project = write(tmp_path, [*items(11, "austin"), *items(4, "vienna")])
    layers = [
        data(),
        choose("$all", ["$austin", "null"], regex_names=["^austin"]),
        tag("$austin", "$tagged", "town"),
        tag("$austin", "$nobody", "unread"),
        save("$tagged", "TOWNS"),
    ]
    run = execute_query(json.dumps(layers), [project], tmp_path / "out")
    picture = picture_of(run)
    text = re.sub(r"<[^>]*>", " ", str(picture.body))
    assert all(word in text for word in ("INRIA/*", "if", "+ town", "+ unread", "TOWNS", "$nobody", "null"))
    assert all(re.search(rf"\b{count}\b", text) for count in (15, 11, 4))
    assert picture.draw_png().startswith(b"\x89PNG")
