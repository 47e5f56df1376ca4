"""How many keys a second a listing gives, and how much memory it takes, as the keys grow to a million."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from unittest import mock
from urllib.parse import parse_qs, urlsplit

from components.core.storage import list_objects
from tests.benchmarks.harness import Measurement, peak_memory_mib

NAME = "listing"

FEW, MANY = 10_000, 1_000_000
GROWTH = 1.1
PAGE_KEYS = 1000
MOST_REPEATS = 2
"""A million keys take most of a minute, and their memory hardly varies."""

ROOT = "scenes/"
FLAT, NESTED = "one folder", f"folders of {PAGE_KEYS:,}"
ENTRY = (
    "<Contents><Key>{}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
    "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>75000000</Size></Contents>"
)
FOLDER = "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>"


def run(repeats: int) -> list[Measurement]:
    """List keys that a small server makes up, each time in a new process; a real store would take hours to fill."""
    found = []
    for layout in (FLAT, NESTED):
        rates: list[float] = []
        peaks: dict[int, list[float]] = {FEW: [], MANY: []}
        for _ in range(min(repeats, MOST_REPEATS)):
            for count in (FEW, MANY):
                rate, peak = _listed(layout, count)
                peaks[count].append(peak)
                if count == MANY:
                    rates.append(rate)
        growth = [many / few for few, many in zip(peaks[FEW], peaks[MANY], strict=True)]
        what = f"{MANY:,} keys in {layout}"
        found += [
            Measurement(f"{what}: listed", "keys/s", tuple(rates)),
            Measurement(f"{what}: peak memory of the process", "MiB", tuple(peaks[MANY])),
            Measurement.at_most(f"of these, peak memory over that of {FEW:,} keys", "×", growth, GROWTH),
        ]
    return found


def _listed(layout: str, count: int) -> tuple[float, float]:
    """Keys a second, and the peak memory in MiB."""
    context = multiprocessing.get_context("spawn")
    with (
        _serving(context, layout, count) as url,
        mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL_S3": url}),
        context.Pool(1) as pool,
    ):
        return pool.apply(list_all, (count,))


def list_all(count: int) -> tuple[float, float]:
    """List in this process, see that every key comes, and hold none."""
    started = time.perf_counter()
    found = sum(1 for _ in list_objects(f"s3://bucket/{ROOT}"))
    if found != count:
        raise AssertionError(f"{found} keys came of {count}")
    return count / (time.perf_counter() - started), peak_memory_mib()


@contextmanager
def _serving(context: SpawnContext, layout: str, count: int) -> Iterator[str]:
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there, layout, count), daemon=True)
    server.start()
    try:
        yield here.recv()
    finally:
        server.kill()
        server.join()


def serve(pipe: Connection, layout: str, count: int) -> None:
    """Answer ListObjectsV2 in this process."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(layout, count))
    pipe.send(f"http://127.0.0.1:{server.server_port}")
    server.serve_forever()


def _handler(layout: str, count: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body = _page(layout, count, query).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    return Handler


def _page(layout: str, count: int, query: dict[str, str]) -> str:
    """One page of ListObjectsV2, which the token of the page before says the start of."""
    template, names = _below(layout, count, query.get("prefix", ""), query.get("delimiter", ""))
    start = int(query.get("continuation-token", "0"))
    end = min(start + PAGE_KEYS, len(names))
    more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < len(names) else ""
    entries = "".join(template.format(names[number]) for number in range(start, end))
    truncated = str(end < len(names)).lower()
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>bucket</Name><IsTruncated>{truncated}</IsTruncated>{more}{entries}</ListBucketResult>"
    )


@dataclass(frozen=True, slots=True)
class Names:
    """Names made of numbers, so that nobody holds a million of them."""

    numbers: range
    name: Callable[[int], str]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> str:
        return self.name(self.numbers[index])


def _below(layout: str, count: int, prefix: str, delimiter: str) -> tuple[str, Names]:
    """How the entries below a prefix are written, and their names in order."""
    if layout == FLAT:
        return ENTRY, Names(range(count), lambda number: f"{ROOT}{number:07}.tif")
    if prefix == ROOT and delimiter:
        return FOLDER, Names(range(count // PAGE_KEYS), lambda number: f"{ROOT}{number:04}/")
    folder = prefix.removeprefix(ROOT).rstrip("/")
    numbers = range(int(folder) * PAGE_KEYS, (int(folder) + 1) * PAGE_KEYS) if folder else range(count)
    return ENTRY, Names(numbers, lambda number: f"{ROOT}{number // PAGE_KEYS:04}/{number % PAGE_KEYS:03}.tif")
