"""Windows of rasters in object storage: the same pixels, counted, across forks and restarts, or a clear error."""

from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

import numpy as np
import pytest

from components.core import storage
from components.core.errors import DataError, StorageError
from components.core.geometry import Size, Window
from components.core.imagery import describe, local_copy, raster_writer, read_band, read_rgb
from components.core.imagery.writing import RasterProfile
from components.core.storage import cache, counted, join_uri, put_file
from tests.builders import noise, write_raster, write_tiled
from tests.ports import refusing_port
from tests.s3_server import S3Server
from tests.waiting import HANGS_S, Hold

SIZE = Size(1100, 1300)
WINDOWS = [
    Window(0, 0, 512, 512),
    Window(500, 700, 600, 600),
    Window(1099, 1299, 1, 1),
    Window(0, 0, SIZE.height, SIZE.width),
]


@pytest.fixture
def places(tmp_path: Path, s3_environment: S3Server) -> tuple[str, str]:
    """A raster on local disk and the same in the store."""
    local = write_tiled(tmp_path / "a.tif", noise(SIZE))
    remote = join_uri(s3_environment.new_folder(), "a.tif")
    put_file(Path(local), remote)
    return local, remote


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STORAGE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_known", {})
    return tmp_path / "cache"


def test_windows_are_those_of_the_local_raster(places: tuple[str, str]) -> None:
    local, remote = places
    assert describe(remote) == describe(local)
    for window in WINDOWS:
        with counted() as moved:
            pixels = read_rgb(remote, window)
        assert np.array_equal(pixels, read_rgb(local, window))
        assert moved.traffic == storage.Traffic(remote_read_bytes=3 * window.height * window.width)
    assert np.array_equal(read_band(remote, WINDOWS[1], 2), read_band(local, WINDOWS[1], 2))
    small = Size(110, 130)
    assert np.array_equal(read_rgb(remote, WINDOWS[3], small), read_rgb(local, WINDOWS[3], small))


def test_a_thinned_out_window_counts_what_is_read_for_it(places: tuple[str, str]) -> None:
    with counted() as moved:
        read_rgb(places[0], WINDOWS[3], Size(110, 130))
    assert moved.traffic == storage.Traffic(local_read_bytes=3 * SIZE.height * SIZE.width)


def test_writing_counts_the_file(tmp_path: Path, s3_environment: S3Server) -> None:
    pixels = noise(SIZE, bands=1)
    for target in (str(tmp_path / "mask.tif"), join_uri(s3_environment.new_folder(), "mask.tif")):
        with counted() as moved, raster_writer(target, RasterProfile(SIZE)) as writer:
            writer.write(pixels)
        stored = storage.stat(target)
        assert stored is not None
        both = moved.traffic.local_written_bytes, moved.traffic.remote_written_bytes
        assert sorted(both) == [0, stored.size_bytes]
        assert bool(both[1]) == storage.is_remote(target)


def differing(local: str, copies: list[str], seed: int) -> int:
    """How many of some windows differ from the local raster's; read in this process."""
    random = np.random.default_rng(seed)
    found = 0
    for copy in random.permutation(copies):
        for top, left in random.integers(0, 600, (6, 2)).tolist():
            window = Window(top, left, 300, 300)
            found += not np.array_equal(read_rgb(str(copy), window), read_rgb(local, window))
    return found


def copied(places: tuple[str, str], count: int) -> list[str]:
    """The same raster under several keys, since GDAL keeps what it has read."""
    copies = [places[1].replace("a.tif", f"{number}.tif") for number in range(count)]
    for copy in copies:
        put_file(Path(places[0]), copy)
    return copies


def readers(remote: str) -> list[str]:
    """Threads that were started to read a window."""
    read_rgb(remote, WINDOWS[0])
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("remote-rasters")]


def test_forked_processes_do_not_take_each_others_answers(places: tuple[str, str]) -> None:
    local, copies = places[0], copied(places, 6)
    assert readers(places[1]) == []
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(readers, (places[1],)) == ["remote-rasters_0"], "connections of its own"
    with multiprocessing.get_context("fork").Pool(3) as pool:
        waiting = pool.starmap_async(differing, [(local, copies, seed) for seed in range(3)], chunksize=1)
        assert differing(local, copies, 7) == 0
        assert waiting.get(HANGS_S) == [0] * 3


def test_reading_waits_for_a_store_that_restarts(places: tuple[str, str], mortal_s3: S3Server, held: Hold) -> None:
    local, copies = places[0], copied(places, 12)
    seen: list[bool] = []

    def read_all() -> None:
        for copy in copies:
            seen.extend(np.array_equal(read_rgb(copy, window), read_rgb(local, window)) for window in WINDOWS)

    reading = held(read_all, lambda _: len(seen) > 5)
    mortal_s3.kill()
    reading.go_on_until_it_waits()
    assert reading.is_going_on
    mortal_s3.restart()
    reading.end()
    assert reading.errors == [] and seen == [True] * len(copies) * len(WINDOWS)


def fails(remote: str, message: str) -> None:
    with pytest.raises(StorageError, match=message) as caught:
        read_rgb(remote, Window(0, 0, 8, 8))
    assert "test-secret" not in str(caught.value)
    with pytest.raises(StorageError, match=message):
        describe(remote)
    with pytest.raises(StorageError, match=message):
        local_copy(remote)


def test_errors_of_the_store_are_said_at_once(
    places: tuple[str, str], monkeypatch: pytest.MonkeyPatch, cached: Path, patience: list[float]
) -> None:
    remote = places[1]
    fails(f"{remote}f", r"a\.tiff at http.*there is no such object")
    fails(remote.replace("test-bucket", "no-such-bucket"), "the bucket does not exist")
    with monkeypatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
        fails(remote, "check AWS_ACCESS_KEY_ID")
    assert patience == []
    monkeypatch.setenv("STORAGE_CONNECT_WAIT_SECONDS", "0.3")
    with refusing_port() as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        fails(remote, rf"http://127\.0\.0\.1:{port}: cannot read it: the endpoint cannot be reached")
    assert set(patience) == {0.3}


def test_an_object_that_is_no_raster_is_bad_data(s3_environment: S3Server) -> None:
    uri = join_uri(s3_environment.new_folder(), "text.tif")
    storage.write_bytes(uri, b"not a raster")
    with pytest.raises(DataError, match=r"text\.tif: cannot be opened as a raster"):
        describe(uri)


def test_a_truncated_object_is_bad_data(places: tuple[str, str], s3_environment: S3Server) -> None:
    uri = join_uri(s3_environment.new_folder(), "short.tif")
    storage.write_bytes(uri, Path(places[0]).read_bytes()[:-600_000])
    with pytest.raises(DataError, match=r"short\.tif: .* cannot be read"):
        read_rgb(uri, WINDOWS[3])


def test_a_local_copy_is_read_instead_of_the_store(places: tuple[str, str], cached: Path) -> None:
    local, remote = places
    assert local_copy(local) == local
    with counted() as moved:
        for window in WINDOWS:
            copy = local_copy(remote)
            assert np.array_equal(read_rgb(copy, window), read_rgb(local, window))
    assert Path(copy).parent == cached
    assert moved.traffic.remote_read_bytes == Path(local).stat().st_size


def test_a_raster_without_room_in_the_cache_is_read_by_window(
    places: tuple[str, str], cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_CACHE_BYTES", "1000")
    assert local_copy(places[1]) == places[1]


def test_side_files_of_local_rasters_are_still_seen(tmp_path: Path, places: tuple[str, str]) -> None:
    describe(places[1])
    write_raster(tmp_path / "b.png", noise(Size(20, 30)))
    (tmp_path / "b.pgw").write_text("0.5\n0\n0\n-0.5\n100\n200\n")
    transform = describe(str(tmp_path / "b.png")).transform
    assert transform is not None and transform.a == 0.5
