"""The command line and the KFP components take the same inputs and give the same plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from components.core.collection.plan import read_plan
from components.core.command.run import stage_main
from components.core.geometry import Size
from components.plan_imagery.component import plan_imagery
from tests.components.plan_imagery.sites import Site
from tests.detection.detected import detected_towns
from tests.shims import artifact, compiled, input_names, output_kinds
from tests.start_up import imported_by, imported_by_command

NOT_TO_PLAN = {"cv2", "geopandas", "kfp", "minio", "pyogrio", "scipy", "torch"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    result = Site(str(tmp_path / "site"), tmp_path)
    result.put_image("2026-11-22/west.tif", Size(1100, 600), compress="deflate")
    result.put_image("2026-11-22/east.tif")
    return result


def flags(site: Site, *more: str) -> list[str]:
    places = ["--images-uri", site.images_uri, "--output-uri", site.output_uri, "--model-uri", site.put_model()]
    outputs = [part for name in ("plan", "summary", "report") for part in (f"--{name}", str(site.work / name))]
    return [*places, *outputs, "--data-root", str(site.work / "data"), *more]


def test_the_command_line_plans_and_prints_counts(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = site.work / "metrics.json"
    assert stage_main("plan_imagery", flags(site, "--shard-megapixels", "0.4", "--metrics", str(metrics))) == 0

    printed = json.loads(capsys.readouterr().out)
    assert json.loads(metrics.read_text()) == printed
    assert (printed["new"], printed["done"], printed["shards"]) == (2, 0, 2)
    assert printed["megapixels"] == pytest.approx(0.6612)
    assert len(read_plan(site.work / "plan").of_shard(1)) == 1
    assert "2 scenes to be detected" in (site.work / "report").read_text()
    assert json.loads((site.work / "summary").read_text())["places"] == {"collection": site.output_uri}


def test_the_command_line_explains_an_error(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert stage_main("plan_imagery", flags(site, "--redo", "some")) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("python -m components.plan_imagery: --redo: 'some'")


def outputs(folder: Path) -> dict[str, Any]:
    kinds = {"plan": dsl.Dataset, "summary": dsl.Artifact, "metrics": dsl.Metrics, "report": dsl.HTML}
    artifacts = {name: artifact(kind, folder / name) for name, kind in kinds.items()}
    return {**artifacts, "unfinished": str(folder / "unfinished")}


def test_the_component_gives_plan_metrics_shards_and_a_page_of_what_is_to_be_done(site: Site) -> None:
    site.put_image("broken.tif", crs=None)
    given = outputs(site.work / "step")

    shards = plan_imagery.python_func(
        **given,
        images_uri=site.images_uri,
        output_uri=site.output_uri,
        model_uri=site.put_model(bytes(100_000)),
        data_root=str(site.work / "data"),
        shard_megapixels=0.4,
        max_bad=1,
    )

    assert shards == ["1/2", "2/2"] and Path(given["unfinished"]).read_text() == "true"
    metadata = given["metrics"].metadata
    assert given["plan"].metadata["new"] == metadata["new"] == 2
    assert metadata["local_read_mb"] > 0
    assert read_plan(given["plan"].path).settings.inference_config == ""
    page = Path(given["report"].path).read_text()
    assert "2 scenes to be detected in 2 shards" in page
    assert "west.tif" in page and "broken.tif" in page
    assert json.loads(Path(given["summary"].path).read_text())["places"] == {"collection": site.output_uri}


def test_where_nothing_is_to_be_detected_planning_ends_the_run(tmp_path: Path) -> None:
    detected = detected_towns(tmp_path / "site")
    run, given = detected.detection, outputs(tmp_path / "step")
    work = tmp_path / "site"
    run.publish(work, detected.parts, max_bad=1)

    shards = plan_imagery.python_func(
        **given,
        images_uri=run.images,
        output_uri=run.output,
        model_uri=run.model,
        inference_config=json.loads(run.settings.inference_config),
        data_root=str(tmp_path / "data"),
        max_bad=1,
    )

    # The image that is smaller than a window is tried again: three runs may fail on it.
    assert shards == ["1/1"]
    (Path(run.images) / "tiny.tif").unlink()
    shards = plan_imagery.python_func(
        **outputs(tmp_path / "again"),
        images_uri=run.images,
        output_uri=run.output,
        model_uri=run.model,
        inference_config=json.loads(run.settings.inference_config),
        data_root=str(tmp_path / "data"),
    )
    assert shards == [] and (tmp_path / "again" / "unfinished").read_text() == "false"
    assert "Nothing new" in (tmp_path / "again" / "report").read_text()
    assert json.loads((tmp_path / "again" / "summary").read_text())["counts"]["scenes_up_to_date"] == 2

    places = ("--images-uri", run.images, "--output-uri", run.output, "--model-uri", run.model)
    places += ("--inference-config", run.settings.inference_config, "--data-root", str(tmp_path / "data"))
    made = [part for name in ("plan", "summary", "report") for part in (f"--{name}", str(tmp_path / f"third {name}"))]
    imported = imported_by_command("components.plan_imagery", *places, *made)
    assert "Nothing new" in (tmp_path / "third report").read_text()
    assert not imported & {*NOT_TO_PLAN, "pandas"}, "such a run is most of all its imports"


def test_what_is_new_is_planned_without_what_detects_and_publishes(site: Site) -> None:
    imported = imported_by("components.plan_imagery.step")
    assert not imported & {*NOT_TO_PLAN, "jinja2", "pandas", "pyproj", "pystac", "rasterio", "shapely", "urllib3"}
    assert not imported_by_command("components.plan_imagery", *flags(site)) & {*NOT_TO_PLAN, "pystac"}


def test_the_compiled_component_has_a_list_beside_its_artifacts(tmp_path: Path) -> None:
    spec = compiled(plan_imagery, tmp_path)
    assert len(input_names(spec)) == 20
    kinds = {"plan": "Dataset", "metrics": "Metrics", "report": "HTML", "summary": "Artifact"}
    assert output_kinds(spec) == {name: f"system.{kind}" for name, kind in kinds.items()}
    (entry,) = spec["components"].values()
    assert entry["outputDefinitions"]["parameters"]["Output"]["parameterType"] == "LIST"
