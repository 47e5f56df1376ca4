"""What a detection run is given: in order, or wrong, all told at once and before anything is listed for real."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from components.core import storage
from components.core.collection.plan import MOST_SHARDS
from components.core.errors import InputsError
from components.core.models import CONFIG_FILE
from components.plan_imagery.component import plan_imagery
from components.plan_imagery.names import PARAMETERS
from components.plan_imagery.preflight import DetectionInputs, check_inputs
from pipelines.detection import detection
from pipelines.documents import laptop_documents
from tests.components.plan_imagery.sites import Site
from tests.pipelines.packages import run_shut_in
from tests.queries import data, layer, save
from tests.s3_server import S3Server
from tests.shims import artifact

SPLITTING = [
    data("inf_INRIA_test_part/*"),
    layer("split_masks", "$all", "$1", classes=["untitled_dl"]),
    save("$1", "SPLIT"),
]


@pytest.fixture(params=["disk", "object storage"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    if request.param == "disk":
        return Site(str(tmp_path / "site"), tmp_path)
    server: S3Server = request.getfixturevalue("s3_environment")
    return Site(server.new_folder(), tmp_path)


@pytest.fixture
def local(tmp_path: Path) -> Site:
    return Site(str(tmp_path / "site"), tmp_path)


def in_order(site: Site, **others: Any) -> DetectionInputs:
    """Inputs with nothing wrong, but for what others say; documents may be parsed."""
    storage.write_bytes(f"{site.images_uri}/2026/west.tif", b"never read")
    good = {
        "images_uri": site.images_uri,
        "output_uri": site.output_uri,
        "model_uri": site.put_model(),
        "data_root": f"{site.root}/data",
        "inference_config": "",
    }
    texts = {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in others.items()}
    return DetectionInputs.of(good | texts)


def wrong(inputs: DetectionInputs) -> list[str]:
    """What is wrong; at least one thing."""
    with pytest.raises(InputsError) as caught:
        check_inputs(inputs)
    return list(caught.value.faults)


def test_a_run_in_order_leaves_its_places_as_they_are(site: Site) -> None:
    given = in_order(site)
    before = [found.uri for found in storage.list_objects(site.root)]
    check_inputs(given)
    laptop = laptop_documents()
    check_inputs(in_order(site, inference_config=laptop.inference, split_masks_query=laptop.split_masks))
    assert [found.uri for found in storage.list_objects(site.root)] == before


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "redo": ({"redo": "some"}, "redo: 'some' is not known; use changed"),
    "no size of a shard": ({"shard_megapixels": 0.0}, "shard_megapixels: 0.0 is not a size above 0"),
    "too many shards": ({"max_shards": 1000}, f"max_shards: 1000 is above {MOST_SHARDS}, and a run of more may"),
    "a pattern": (
        {"images_options": '{"captured_pattern": "("}'},
        "images_options: captured_pattern: '(' is not a regular expression",
    ),
    "scaling": (
        {"images_options": '{"scaling": "auto"}'},
        "images_options: scaling: 'auto': cannot be parsed; use percentile, full, or two rising values",
    ),
    "an unknown option": (
        {"images_options": '{"scalling": "full"}'},
        "images_options: scalling: unknown key; known keys: captured_pattern, scaling",
    ),
    "formats": ({"formats": "gpkg,shp"}, "formats: 'shp' is not one of gpkg, geojsonl"),
    "max_bad": ({"max_bad": -1}, "max_bad: -1 is negative; use 0"),
    "no class": ({"class_title": ""}, "class_title: is empty; give the class that becomes footprints"),
    "tolerance": ({"tolerance": "-1 px"}, "tolerance: '-1 px' is not a distance of 0 or more; give one"),
    "a config of no kind": ({"inference_config": "[]"}, "inference_config: []: input should be a valid dictionary"),
    "a config that is none": ({"inference_config": "{"}, "inference_config: not JSON: "),
    "a query of no kind": ({"split_masks_query": "{}"}, "split_masks_query: is a JSON dict, and a query is a list"),
    "a faulty layer": (
        {"split_masks_query": [*SPLITTING[:1], layer("split", "$all", "$1"), *SPLITTING[2:]]},
        "split_masks_query[1].action: 'split' is not an action",
    ),
    "another project": (
        {"split_masks_query": [data("INRIA/*"), *SPLITTING[1:]]},
        "split_masks_query[0].src[0]: project 'INRIA' is not given; given: inf_INRIA_test_part",
    ),
    "a class that does not come out": (
        {"class_title": "roofs"},
        "class_title: no class 'roofs' comes out, but it is an input of publish_collection; name one that does, or "
        "rename one: 'bg_dl', 'untitled_dl'",
    ),
    "a class that the model has not": (
        {"inference_config": {"model_classes": {"save_classes": ["roof"]}}},
        "inference_config: model_classes.save_classes: 'roof' is not a class of the model; its classes: 'bg'",
    ),
    "thresholds that the model has not": (
        {"inference_config": {"threshold": "best"}},
        "inference_config: threshold: 'best': the model knows no thresholds, as it was trained by an earlier release",
    ),
    "a mode that needs objects": (
        {"inference_config": {"mode": {"source": "bboxes"}}},
        "inference_config: mode.source: 'bboxes' infers boxes of annotated objects, and new imagery has none; use "
        "'sliding_window', 'full_image' or 'roi'",
    ),
    "bounds that leave nothing": (
        {"inference_config": {"mode": {"source": "roi", "bounds": {"left": "100%"}}}},
        "inference_config: mode.bounds: left 100% and right 0px leave nothing of any image",
    ),
    "no image": ({"images_uri": "/nowhere"}, "images_uri: no image ("),
    "no model": ({"model_uri": "/nowhere"}, "model_uri: model: /nowhere holds no config.json and no model.safetensors"),
    "another scheme": ({"data_root": "gs://b/x"}, "data_root: gs://b/x: the scheme 'gs' is not known; give a"),
    "no place": ({"output_uri": ""}, "output_uri: '': a URI is empty; give a local path"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_is_found_and_nothing_else(name: str, local: Site) -> None:
    others, said = FAULTS[name]
    (fault,) = wrong(in_order(local, **others))
    assert fault.startswith(said)


def test_a_model_is_one_for_the_runtime_of_the_config(local: Site) -> None:
    given = in_order(local, inference_config={"runtime": "onnx"})
    (fault,) = wrong(given)
    assert fault.startswith(f"model_uri: model: {given.model_uri} holds no model.onnx; give a folder that train_unet")
    (Path(given.model_uri) / "model.safetensors").rename(Path(given.model_uri) / "model.onnx")
    check_inputs(given)


def test_the_models_classes_decide_which_title_comes_out(local: Site) -> None:
    given = in_order(local, class_title="roof_dl", split_masks_query=json.dumps(SPLITTING).replace("untitled", "roof"))
    faults = wrong(given)
    assert [fault.partition(":")[0] for fault in faults] == ["split_masks_query[1].settings.classes", "class_title"]
    file = Path(given.model_uri) / CONFIG_FILE
    file.write_text(file.read_text().replace("untitled", "roof"))
    check_inputs(given)


def test_a_broken_model_is_told_and_what_depends_on_it_left_out(local: Site) -> None:
    given = in_order(local, class_title="roofs")
    (Path(given.model_uri) / CONFIG_FILE).write_text("{}")
    (fault,) = wrong(given)
    assert fault.startswith("model_uri: model: ") and "format_version is None" in fault


def test_images_and_their_collection_are_two_places_and_belong_together(site: Site) -> None:
    given = in_order(site)
    (fault,) = wrong(replace(given, output_uri=site.images_uri))
    assert fault.startswith(f"output_uri: {site.images_uri} is images_uri, too; give a place of its own")
    layer_file = {"images_uri": f"{site.root}/other", "partitions": []}
    storage.write_bytes(f"{site.output_uri}/layer.json", json.dumps(layer_file).encode())
    (fault,) = wrong(given)
    assert fault.startswith(f"images_uri: {site.images_uri} is not {site.root}/other, from which the collection at ")


def test_all_faults_are_told_at_once_in_the_words_of_the_form(tmp_path: Path, s3_environment: S3Server) -> None:
    site = Site(s3_environment.new_folder(), tmp_path)
    outputs = {name: artifact(dsl.Artifact, tmp_path / name) for name in ("plan", "summary", "metrics", "report")}
    with pytest.raises(InputsError) as caught:
        plan_imagery.python_func(
            **outputs,
            unfinished=str(tmp_path / "unfinished"),
            images_uri=site.images_uri,
            output_uri="s3://no-such-bucket/out",
            model_uri=site.put_model(),
            data_root="s3://no-such-bucket/data",
            redo="all of it",
            shard_megapixels=-1.0,
            max_shards=0,
            images_options={"captured_pattern": "(", "scalling": "auto"},
            formats="shp",
            confirm="4 of 3",
            class_title="roofs",
            min_area_m2=-3.0,
            inference_config={"batch_size": 0},
            split_masks_query=[{"action": "data"}],
            max_bad=-1,
        )
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "images_redo",
        "shards_megapixels",
        "shards_max",
        "footprints_min_area_m2",
        "images_options",
        "footprints_formats",
        "footprints_confirm",
        "images_max_bad",
        "output_uri, output_data_root",
        "images_uri",
        "infer_config",
        "split_masks_query[0].src",
        "split_masks_query[0].dst",
        "split_masks_query[0].settings",
    ]
    assert not list(storage.list_objects(site.output_uri))


def test_faults_are_told_by_the_names_of_the_pipelines_parameters() -> None:
    given = detection.pipeline_spec.root.dag.tasks["plan-imagery"].inputs.parameters.items()
    names = {name: entry.component_input_parameter for name, entry in given if entry.component_input_parameter}
    assert set(names) == set(DetectionInputs.names()) == set(plan_imagery.component_spec.inputs)
    assert {name: PARAMETERS.get(name, name) for name in names} == names


def test_the_light_image_has_all_that_the_check_needs(local: Site) -> None:
    """Neither torch nor what stands on it is there."""
    given = in_order(local)
    places = [
        f"--{name.replace('_', '-')}={getattr(given, name)}" for name in ("images_uri", "output_uri", "data_root")
    ]
    files = [f"--{name}={local.work / name}" for name in ("plan", "summary", "report")]
    done = run_shut_in("cpu", "components.plan_imagery", *places, "--model-uri=/nowhere", "--formats=shp", *files)
    assert done.returncode == 2, done.stderr
    assert "2 faults, and nothing was done:" in done.stderr
