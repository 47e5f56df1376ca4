"""How many requests a planner sends to read a STAC catalogue of a thousand items, the first time and the next."""

from __future__ import annotations

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from components.core import storage
from components.core.storage.retry import RetryingPool
from components.plan_imagery.sources import SourceImage, find_images
from tests.benchmarks.harness import Measurement
from tests.components.core.catalogue.catalogues import as_json, item, put, put_catalogue
from tests.s3_server import S3Server

NAME = "catalogue"

ITEMS = 1000
BESIDE, ELSEWHERE = "beside their items", "in a folder elsewhere"
MOST_AGAIN = 10
"""Requests of a run with nothing new."""


def run(repeats: int) -> list[Measurement]:
    """Read catalogues from a real store."""
    with storage.scratch_folder("catalogue") as folder:
        server = S3Server(Path(folder) / "store")
        try:
            with mock.patch.dict(os.environ, server.environment):
                server.restart()
                return [found for place in (BESIDE, ELSEWHERE) for found in _measured(server, place, repeats)]
        finally:
            server.kill()


def _measured(server: S3Server, layout: str, repeats: int) -> list[Measurement]:
    counts: dict[str, list[float]] = {"first": [], "again": [], "changed": []}
    seconds: dict[str, list[float]] = {"first": [], "again": []}
    for _ in range(repeats):
        root = server.new_folder()
        catalogue = f"{root}/catalogue"
        images = f"{root}/images" if layout == ELSEWHERE else f"{catalogue}/items"
        entries = [as_json(item(f"s{number:04}", {"image": f"{images}/s{number:04}.tif"})) for number in range(ITEMS)]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(partial(_put, catalogue, images), entries))
        place = put_catalogue(catalogue, *entries)
        for when in ("first", "again"):
            began = time.perf_counter()
            counts[when].append(_requests(place, root))
            seconds[when].append(time.perf_counter() - began)
        for entry in entries[:10]:
            put(f"{catalogue}/items/{entry['id']}.json", {**entry, "collection": "changed"})
        counts["changed"].append(_requests(place, root))
    what = f"a catalogue of {ITEMS:,} items, images {layout}"
    return [
        Measurement(f"{what}: requests the first time", "requests", tuple(counts["first"])),
        Measurement.at_most(f"{what}: with nothing new", "requests", counts["again"], MOST_AGAIN),
        Measurement(f"{what}: with 10 items changed", "requests", tuple(counts["changed"])),
        Measurement(f"{what}: the first time", "s", tuple(seconds["first"])),
        Measurement(f"{what}: with nothing new", "s", tuple(seconds["again"])),
    ]


def _put(catalogue: str, images: str, entry: dict[str, Any]) -> None:
    storage.write_bytes(f"{images}/{entry['id']}.tif", b"image")
    put(f"{catalogue}/items/{entry['id']}.json", entry)


def _requests(place: str, root: str) -> int:
    """How many requests it takes to find the images."""
    sent: Counter[str] = Counter()
    send = RetryingPool.urlopen

    def counted(pool: RetryingPool, method: str, url: str, *arguments: Any, **request: Any) -> Any:
        sent[method] += 1
        return send(pool, method, url, *arguments, **request)

    with mock.patch.object(RetryingPool, "urlopen", counted):
        found = list(find_images(place, f"{root}/out", (), f"{root}/out/planning/catalogue.parquet"))
    if sum(isinstance(entry, SourceImage) for entry in found) != ITEMS:
        raise AssertionError(f"{len(found)} of {ITEMS} images came")
    return sent.total()
