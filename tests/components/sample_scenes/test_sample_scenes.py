"""The stage: files, names, geo-referencing, re-runs, errors, the command line and the component."""

import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp
from kfp import dsl

from components.core.command.run import stage_main
from components.core.errors import ConfigError, StorageError
from components.core.geometry import Size
from components.core.storage import list_objects, read_bytes, stat
from components.sample_scenes.component import sample_scenes
from components.sample_scenes.sample_scenes import Request, SampleScenes, generate, upper_left
from components.sample_scenes.step import run
from components.sample_scenes.towns import TOWNS, SampleScene
from tests.s3_server import S3Server

SIZE = Size(96, 128)


def make(output: Path | str, workers: int = 1, **parameters: object) -> SampleScenes:
    """One small scene of Austin, unless told otherwise."""
    request = Request(**({"towns": ("austin",), "scenes_per_town": 1, "size": SIZE} | parameters))
    return generate(str(output), request, workers)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_writes_pairs_named_like_inria(tmp_path: Path) -> None:
    made = make(tmp_path / "s", towns=tuple(TOWNS))
    assert made.names == ("austin1", "chicago1", "kitsap1", "tyrol-w1", "vienna1")
    assert re.fullmatch("tyrol-w[0-9]+", made.names[3])
    for uri in (made.images_uri, made.masks_uri):
        assert sorted(path.name for path in Path(uri).iterdir()) == sorted(f"{name}.tif" for name in made.names)
    assert {path.name for path in (tmp_path / "s").iterdir()} == {"images", "gt", "scenes.json"}


@pytest.mark.parametrize("town", TOWNS)
def test_image_and_mask_share_a_real_grid(tmp_path: Path, town: str) -> None:
    made = make(tmp_path / "s", towns=(town,), gsd_m=0.5)
    with (
        rasterio.open(f"{made.images_uri}/{town}1.tif") as image,
        rasterio.open(f"{made.masks_uri}/{town}1.tif") as mask,
    ):
        assert (image.count, mask.count) == (3, 1)
        assert image.dtypes[0] == mask.dtypes[0] == "uint8"
        assert (image.height, image.width) == (mask.height, mask.width) == (96, 128)
        assert image.transform == mask.transform and image.crs == mask.crs
        assert image.crs.to_epsg() == TOWNS[town].epsg and image.crs.linear_units in ("metre", "meter")
        assert (image.transform.a, image.transform.e) == (0.5, -0.5)
        assert set(np.unique(mask.read())) <= {0, 255}
        corner = [image.bounds.left], [image.bounds.top]
        [longitude], [latitude] = rasterio.warp.transform(image.crs, "EPSG:4326", *corner)
    places = {"austin": (-98, 30), "chicago": (-88, 42), "kitsap": (-123, 48), "tyrol-w": (11, 47), "vienna": (16, 48)}
    assert abs(longitude - places[town][0]) < 1 and abs(latitude - places[town][1]) < 1


def test_scenes_of_a_town_lie_side_by_side_six_in_a_row(tmp_path: Path) -> None:
    request = Request(("austin",), 7, Size(1000, 2000))
    corners = [upper_left(SampleScene("austin", number, 0), request) for number in (1, 2, 7)]
    (west, north), second, seventh = corners
    assert second == pytest.approx((west + 600, north))
    assert seventh == pytest.approx((west, north - 300))


def test_tiling_is_a_parameter_and_changes_no_pixel(tmp_path: Path) -> None:
    pixels = []
    for tiled in (False, True):
        made = make(tmp_path / str(tiled), towns=("vienna",), size=Size(600, 70), tiled=tiled)
        with rasterio.open(f"{made.images_uri}/vienna1.tif") as image:
            assert image.block_shapes[0] == ((512, 512) if tiled else (image.block_shapes[0][0], image.width))
            pixels.append(image.read())
    np.testing.assert_array_equal(*pixels)


def test_the_number_of_workers_changes_no_byte(tmp_path: Path) -> None:
    for workers in (1, 2):
        make(tmp_path / str(workers), towns=("kitsap", "austin"), scenes_per_town=2, workers=workers)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")


def test_a_second_run_leaves_the_files_and_other_parameters_replace_them(tmp_path: Path) -> None:
    output = tmp_path / "s"
    make(output, scenes_per_town=2)
    image = output / "images" / "austin1.tif"
    written, pixels = image.stat().st_mtime_ns, image.read_bytes()
    make(output, scenes_per_town=2)
    assert image.stat().st_mtime_ns == written
    make(output, seed=1)
    assert image.read_bytes() != pixels
    assert [path.name for path in (output / "images").iterdir()] == ["austin1.tif"]


def test_a_lost_file_is_made_again(tmp_path: Path) -> None:
    output = tmp_path / "s"
    make(output)
    before = files_of(output)
    (output / "gt" / "austin1.tif").unlink()
    make(output)
    assert files_of(output) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"towns": ("graz",)}, "'graz' is not a sample town; use some of austin"),
        ({"towns": ()}, "none given"),
        ({"towns": ("austin", "austin")}, "'austin' is given 2 times"),
        ({"scenes_per_town": 0}, "scenes_per_town: 0 is below 1"),
        ({"size": Size(63, 100)}, "size.height: 63 px is below 64"),
        ({"size": Size(100, 5)}, "size.width: 5 px is below 64"),
        ({"gsd_m": 0.0}, "gsd_m: 0.0 is not within"),
        ({"gsd_m": float("nan")}, "gsd_m: nan is not within"),
        ({"workers": 0}, "workers: 0 is below 1"),
    ],
)
def test_bad_parameters_are_refused_and_nothing_is_written(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        make(tmp_path / "s", **change)
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_a_file_or_holds_other_things_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    for output, message in ((file, "is a file"), (tmp_path, "notes.txt', not made by this stage")):
        with pytest.raises(ConfigError, match=message):
            make(output)
    assert files_of(tmp_path) == {"notes.txt": b"mine"}


def test_object_storage_gets_the_same_files_once(tmp_path: Path, s3_environment: S3Server) -> None:
    place = f"{s3_environment.new_folder()}/set"
    for output in (str(tmp_path), place):
        made = make(output)
    assert made.images_uri == f"{place}/images"
    stored = list(list_objects(place))
    assert {item.uri.removeprefix(f"{place}/"): read_bytes(item.uri) for item in stored} == files_of(tmp_path)
    make(place)
    assert [stat(item.uri) for item in stored] == stored


def test_a_place_that_cannot_be_written_is_found_before_a_scene_is_drawn(
    tmp_path: Path, s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"{s3_environment.new_folder()}/set"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_environment.reader_access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_environment.reader_secret_key)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no folder to draw in"))
    with pytest.raises(StorageError, match=rf"^{place}/\S+ at \S+: cannot write it: the store refuses access"):
        make(place)


def test_data_root_keeps_sets_of_scenes_apart(tmp_path: Path) -> None:
    metrics = dsl.Metrics(name="metrics", uri=str(tmp_path / "metrics"), metadata={})
    made = [run(metrics, str(tmp_path), "austin", 1, 64, 0.3, seed, workers=1) for seed in (1, 2, 1)]
    assert made[0] == made[2] != made[1]
    assert Path(made[0].images_uri).is_dir() and Path(made[1].masks_uri).is_dir()


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--data-root", str(tmp_path), "--towns", "austin,tyrol-w", "--scenes-per-town", "1", "--size-px", "64"]
    assert stage_main("sample_scenes", [*flags, "--workers", "1"]) == 0
    [place] = (tmp_path / "sample_scenes").iterdir()
    assert capsys.readouterr().out == f"2 scenes: {place}/images and {place}/gt\n"
    assert sorted(path.name for path in (place / "gt").iterdir()) == ["austin1.tif", "tyrol-w1.tif"]
    flags_of_the_component = {"towns": "austin,tyrol-w", "scenes_per_town": 1, "size_px": 64}
    metrics = dsl.Metrics(name="metrics", uri=str(tmp_path / "metrics"), metadata={})
    places = sample_scenes.python_func(metrics, str(tmp_path), **flags_of_the_component)
    assert places.images_uri == f"{place}/images", "the component's place"
    assert stage_main("sample_scenes", [*flags, "--workers", "1", "--tiled"]) == 0
    assert len(list((tmp_path / "sample_scenes").iterdir())) == 2
    capsys.readouterr()
    assert stage_main("sample_scenes", [*flags, "--gsd-m", "-1"]) == 2
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .startswith("python -m components.sample_scenes: gsd_m: -1.0 is not within")
    )


def test_component_gives_the_places_of_imagery_and_masks(tmp_path: Path) -> None:
    metrics = dsl.Metrics(name="metrics", uri=str(tmp_path / "metrics"), metadata={})
    places = sample_scenes.python_func(metrics, str(tmp_path), towns="vienna", scenes_per_town=1, size_px=64)
    assert (Path(places.images_uri) / "vienna1.tif").is_file()
    assert (Path(places.masks_uri) / "vienna1.tif").is_file()
    assert set(sample_scenes.component_spec.outputs) == {"images_uri", "masks_uri", "metrics"}
    assert metrics.metadata["local_written_mb"] > 0
