"""The command line and the KFP components take the same inputs and give the same plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kfp import dsl

from components.core.cli import run_main
from components.core.collection.plan import read_plan
from components.core.geometry import Size
from components.plan_imagery.__main__ import main, parser
from components.plan_imagery.component import count_shards, plan_imagery
from tests.components.plan_imagery.sites import Site
from tests.shims import artifact, compiled, input_names, output_kinds


@pytest.fixture
def site(tmp_path: Path) -> Site:
    result = Site(str(tmp_path / "site"), tmp_path)
    result.put_image("2026-11-22/west.tif", Size(1100, 600), compress="deflate")
    result.put_image("2026-11-22/east.tif")
    return result


def flags(site: Site, *more: str) -> list[str]:
    places = ["--images-uri", site.images_uri, "--output-uri", site.output_uri, "--model-uri", site.put_model()]
    return [*places, "--plan", str(site.work / "plan"), *more]


def test_the_command_line_plans_and_prints_counts(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = site.work / "metrics.json"
    assert run_main(main, parser(), flags(site, "--shard-megapixels", "0.4", "--metrics", str(metrics))) == 0

    printed = json.loads(capsys.readouterr().out)
    assert json.loads(metrics.read_text()) == printed
    assert (printed["new"], printed["done"], printed["shards"]) == (2, 0, 2)
    assert printed["megapixels"] == pytest.approx(0.6612)
    assert len(read_plan(site.work / "plan").of_shard(1)) == 1


def test_the_command_line_explains_an_error(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(main, parser(), flags(site, "--redo", "some")) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("python -m components.plan_imagery: redo: 'some'")


def test_the_component_gives_plan_metrics_and_shards(site: Site) -> None:
    plan, metrics = artifact(dsl.Dataset, site.work / "planned"), artifact(dsl.Metrics, site.work / "metrics")

    shards = plan_imagery.python_func(
        images_uri=site.images_uri,
        output_uri=site.output_uri,
        model_uri=site.put_model(bytes(100_000)),
        plan=plan,
        metrics=metrics,
        shard_megapixels=0.4,
    )

    assert shards == ["1/2", "2/2"]
    assert count_shards.python_func(shards=shards) == 2
    assert plan.metadata["new"] == metrics.metadata["new"] == 2
    assert metrics.metadata["local_read_mb"] > 0
    assert read_plan(plan.path).settings.inference_config == ""


def test_flags_carry_the_inputs_names_and_defaults(site: Site) -> None:
    options = vars(parser().parse_args(flags(site)))
    places = ("images_uri", "output_uri", "model_uri")
    for name, spec in plan_imagery.component_spec.inputs.items():
        assert name in options
        assert name in places or options[name] == spec.default


def test_the_compiled_component_has_a_list_beside_its_artifacts(tmp_path: Path) -> None:
    spec = compiled(plan_imagery, tmp_path)
    assert len(input_names(spec)) == 15
    assert output_kinds(spec) == {"plan": "system.Dataset", "metrics": "system.Metrics"}
    (entry,) = spec["components"].values()
    assert entry["outputDefinitions"]["parameters"]["Output"]["parameterType"] == "LIST"
    assert input_names(compiled(count_shards, tmp_path)) == {"shards"}
