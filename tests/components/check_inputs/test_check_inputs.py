"""What a training run is given: in order, wrong by itself, and right by itself but not together."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from components.check_inputs.check_inputs import check_inputs
from components.check_inputs.inputs import TrainingInputs
from components.core import storage
from components.core.collection.plan import MOST_SHARDS
from components.core.documents import tutorial
from pipelines.documents import RunDocuments, laptop_documents, tutorial_documents
from tests.components.check_inputs.given import TOWNS, in_order, put_imagery, put_model, wrong
from tests.queries import choose, data, layer, save, tag, windows
from tests.s3_server import S3Server

TAGGING = [
    data(),
    choose("$all", ["$1", "$2"], probability=0.5),
    tag("$1", "$train", "trainval"),
    tag("$2", "$test", "test"),
    save("$train $test", "INRIA_TAGGED"),
]
CROPPING = [
    data("INRIA_TAGGED/*"),
    choose("$all", ["$1", "null"], tags=["trainval"]),
    windows("$1", "$2", 64, 64),
    choose("$2", ["$3", "$4"], probability=0.5),
    tag("$3", "$train", "train"),
    tag("$4", "$val", "val"),
    save("$train $val", "CROPS"),
]
SPLITTING = [
    data("inf_INRIA_test_part/*"),
    layer("split_masks", "$all", "$1", classes=["untitled_dl"]),
    save("$1", "SPLIT"),
]


def changed(query: list[Any], index: int, **keys: Any) -> list[Any]:
    """A query of which one layer has other keys."""
    return [{**entry, **keys} if number == index else entry for number, entry in enumerate(query)]


@pytest.mark.parametrize("documents", [tutorial_documents(), laptop_documents()], ids=["tutorial", "laptop"])
def test_the_documents_that_come_with_the_code_are_in_order(documents: RunDocuments, tmp_path: Path) -> None:
    check_inputs(
        in_order(
            tmp_path,
            split_tagging_query=documents.split_tagging,
            crop_augment_query=documents.crop_augment,
            train_config=documents.training,
            inference_config=documents.inference,
            split_masks_query=documents.split_masks,
        )
    )


def test_what_is_left_out_is_the_tutorials(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        said = check_inputs(in_order(tmp_path))
    assert said == "documents, paths and settings are valid; 4 images"
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    assert not (tmp_path / "data").exists()


def test_a_ready_made_query_may_be_named(tmp_path: Path) -> None:
    check_inputs(in_order(tmp_path, crop_augment_query="crop_augment_by_source"))
    check_inputs(in_order(tmp_path, crop_augment_query=["crop_augment_by_source"]))


def test_a_run_that_makes_its_own_scenes_names_no_images(tmp_path: Path) -> None:
    check_inputs(TrainingInputs(data_root=str(tmp_path), makes_scenes=True))


def test_documents_of_ones_own_that_fit_are_in_order(tmp_path: Path) -> None:
    put_imagery(tmp_path / "imagery", "tile_1", "tile_2")
    own = {"split_tagging_query": TAGGING, "crop_augment_query": CROPPING, "split_masks_query": SPLITTING}
    check_inputs(in_order(tmp_path, **own))
    check_inputs(in_order(tmp_path, train_share=0.8))
    for mode in ({"source": "full_image"}, {"source": "roi"}, {"source": "bboxes", "from_classes": ["untitled"]}):
        check_inputs(in_order(tmp_path, train_share=0.8, inference_config={"mode": mode}))
    files = {name: tmp_path / f"{name}.json" for name in own}
    for name, file in files.items():
        file.write_text(json.dumps(own[name]))
    check_inputs(in_order(tmp_path, **{name: str(file) for name, file in files.items()}))


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "negative max_bad": ({"max_bad": -1}, "max_bad: -1 is negative; use 0"),
    "values of no mask": ({"mask_value": "roof"}, "mask_value: 'roof' cannot be parsed; use 1 (that value is"),
    "no shard": ({"max_shards": 0}, "max_shards: 0 is below 1; use 1"),
    "too many shards": ({"max_shards": 1000}, f"max_shards: 1000 is above {MOST_SHARDS}, and a run of more may"),
    "tags that are none": ({"image_tags": ["test", 3]}, 'image_tags: 3 is not a tag; give text, such as ["test"]'),
    "a network that is not written": (
        {"train_config": {"onnx": False}, "inference_config": {"runtime": "onnx"}},
        "train_config, inference_config: onnx is false, so that the model gets no model.onnx, which the inference's",
    ),
    "a share of all": ({"train_share": 1.0}, "train_share: 1.0 leaves one side without images; use a share above 0"),
    "a share beside a query": (
        {"train_share": 0.5, "split_tagging_query": TAGGING},
        "train_share: 0.5 and a query are both given; give one of them",
    ),
    "a query that is not JSON": ({"crop_augment_query": "[{"}, "crop_augment_query: is not JSON ("),
    "a query without an end": ({"crop_augment_query": CROPPING[:-1]}, "crop_augment_query: has no `supervisely` layer"),
    "a faulty layer": (
        {"split_masks_query": changed(SPLITTING, 1, settings={})},
        "split_masks_query[1].settings.classes: is missing; add it",
    ),
    "a file that is not there": ({"train_config": "mine.json"}, "train_config: mine.json: train.config: is neither"),
    "an unknown key": ({"train_config": {"epohcs": 3}}, "train_config: epohcs: unknown key; known keys: "),
    "a size of no multiple": (
        {"train_config": {"input_size": {"width": 100}}},
        "train_config: input_size.width: 100 is not a multiple of 16; use 96 or 112",
    ),
    "a window of nothing": (
        {"inference_config": {"mode": {"window": {"width": 0}}}},
        "inference_config: mode.window.width: 0: input should be greater than or equal to 1",
    ),
    "another project": (
        {"crop_augment_query": changed(CROPPING, 0, src=["TAGGED/*"])},
        "crop_augment_query[0].src[0]: project 'TAGGED' is not given; given: INRIA_TAGGED",
    ),
    "another project's name": (
        {"split_tagging_query": changed(TAGGING, -1 + len(TAGGING), dst="MINE")},
        "crop_augment_query[0].src[0]: project 'INRIA_TAGGED' is not given; given: MINE",
    ),
    "another dataset": (
        {"split_tagging_query": changed(TAGGING, 0, src=["INRIA/north"])},
        "split_tagging_query[0].src[0]: project 'INRIA' has no item in a dataset 'north'; its datasets are ds",
    ),
    "predictions of another name": (
        {"split_masks_query": changed(SPLITTING, 0, src=["predictions/*"])},
        "split_masks_query[0].src[0]: project 'predictions' is not given; given: inf_INRIA_test_part",
    ),
    "a class that is not mapped": (
        {"split_tagging_query": changed(TAGGING, 0, settings={"classes_mapping": {"house": "roof"}})},
        "split_tagging_query[0].settings.classes_mapping: class 'untitled' of project 'INRIA' is not listed",
    ),
    "a tag that nothing adds": (
        {
            "split_tagging_query": TAGGING,
            "crop_augment_query": changed(CROPPING, 1, settings={"condition": {"tags": ["learn"]}}),
        },
        "crop_augment_query: no image can come out of it: query[1]: no image meets `tags learn`; tags there are "
        "'test', 'trainval'; change that condition",
    ),
    "test images that no query tags": (
        {"image_tags": ["held_out", "spare"]},
        "image_tags: 'held_out' or 'spare' is a tag that split_tagging_query gives to no image; tags that it gives: ",
    ),
    "training items that no query tags": (
        {"train_config": {"dataset_tags": {"train": "learn"}}},
        "train_config: dataset_tags.train: 'learn' is a tag that crop_augment_query gives to no image; tags that",
    ),
    "validation items that no query tags": (
        {"crop_augment_query": changed(CROPPING, 5, settings={"tag": "valid", "action": "add"})},
        "train_config: dataset_tags.val: 'val' is a tag that crop_augment_query gives to no image; tags that it gives",
    ),
    "nothing to learn": (
        {"crop_augment_query": changed(CROPPING, 0, settings={"classes_mapping": {"untitled": "__ignore__"}})},
        "crop_augment_query, train_config: project: no class to learn beside 'bg' and 'neutral'",
    ),
    "a class that the model has not": (
        {"inference_config": {"model_classes": {"save_classes": ["house"]}}},
        "inference_config: model_classes.save_classes: 'house' is not a class of the model; its classes: 'bg'",
    ),
    "a class that the images have not": (
        {"inference_config": {"existing_objects": {"save_classes": ["road"]}}},
        "inference_config: existing_objects.save_classes: 'road' is not a class of project 'INRIA_TAGGED'",
    ),
    "boxes of a class that the images have not": (
        {"inference_config": {"mode": {"source": "bboxes", "from_classes": ["road"]}}},
        "inference_config: mode.from_classes: 'road' is not a class of project 'INRIA_TAGGED'",
    ),
    "two classes of one title": (
        {"inference_config": {"existing_objects": {"save_classes": "__all__", "add_suffix": "_dl"}}},
        "inference_config: class 'untitled_dl' would come both from existing_objects and from model_classes",
    ),
    "masks that are not split": (
        {"split_masks_query": changed(SPLITTING, 1, settings={"classes": ["building_dl"]})},
        "split_masks_query[1].settings.classes: 'building_dl' is not a class that arrives there, so no mask is split; "
        "classes that do: 'bg_dl', 'untitled_dl'",
    ),
    "weights that ImageNet has not": (
        {"train_config": {"encoder": "vgg16_bn_slim8"}},
        "train_config: encoder_weights: 'vgg16_bn_slim8' has no 'imagenet' weights; use 'none', a file, or one of the",
    ),
    "weights that are not there": (
        {"encoder_weights": "/nowhere/weights.pth"},
        "encoder_weights: /nowhere/weights.pth: there is no such file; check the path",
    ),
    "weights of the config that are not there": (
        {"train_config": {"encoder_weights": "/nowhere/weights.pth"}},
        "train_config: /nowhere/weights.pth: there is no such file; check the path",
    ),
    "nothing to continue": (
        {"train_config": {"weights_init_type": "continue_training"}},
        "train_config: weights_init_type: 'continue_training' needs an initial model and none is given",
    ),
    "no model to start from": (
        {"initial_model_uri": "/nowhere"},
        "initial_model_uri: model: /nowhere holds no config.json and no model.safetensors",
    ),
    "an empty field": ({"images_uri": ""}, "images_uri: is empty; give a folder or URI prefix of images"),
    "no images": ({"images_uri": "/nowhere"}, "images_uri: /nowhere: there is no such folder, or it is empty"),
    "no masks": ({"masks_uri": "/nowhere"}, "images_uri, masks_uri: /nowhere: there is no such folder, or it is empty"),
    "another scheme": ({"output_uri": "gs://bucket/x"}, "output_uri: gs://bucket/x: the scheme 'gs' is not known"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_is_found_and_nothing_else(name: str, tmp_path: Path) -> None:
    others, said = FAULTS[name]
    (fault,) = wrong(in_order(tmp_path, **others))
    assert fault.startswith(said)


def test_another_class_is_told_wherever_it_is_missed(tmp_path: Path) -> None:
    tagging = changed(TAGGING, 0, settings={"classes_mapping": {"untitled": "roof"}})
    faults = wrong(in_order(tmp_path, split_tagging_query=tagging))
    assert [fault.split(";")[0] for fault in faults] == [
        "split_tagging_query: no class 'untitled' comes out, but it is an input of evaluate",
        "split_masks_query[1].settings.classes: 'untitled_dl' is not a class that arrives there, so no mask is split",
        "inference_config, split_masks_query: no class 'untitled_dl' comes out, but it is an input of evaluate and "
        "publish_footprints",
    ]


def test_a_class_that_is_no_bitmap_at_the_end_is_told(tmp_path: Path) -> None:
    config = {"mode": {"save": True, "class_name": "untitled_dl"}, "model_classes": {"add_suffix": "_found"}}
    splitting = changed(SPLITTING, 1, settings={"classes": ["untitled_found"]})
    (fault,) = wrong(in_order(tmp_path, inference_config=config, split_masks_query=splitting))
    assert fault.startswith("inference_config, split_masks_query: class 'untitled_dl' comes out as a rectangle")


def test_images_without_masks_have_nothing_to_teach(tmp_path: Path) -> None:
    put_imagery(tmp_path / "imagery")
    for mask in (tmp_path / "imagery" / "gt").iterdir():
        mask.unlink()
    (tmp_path / "imagery" / "gt").rmdir()
    (fault,) = wrong(in_order(tmp_path))
    assert (
        fault.startswith("masks_uri: is empty, and ")
        and "holds no folder ann or gt or masks: no image has a mask" in fault
    )


def test_images_without_a_mask_are_told_before_they_are_imported(tmp_path: Path) -> None:
    root = put_imagery(tmp_path / "imagery")
    for name in TOWNS[:2]:
        (root / "gt" / f"{name}.tif").unlink()
    (fault,) = wrong(in_order(tmp_path, max_bad=1))
    assert fault == (
        "images_options: allow_unpaired: is not set, and 2 of 4 images have no mask of their name (austin1, austin2); "
        "give them, set it where images without a mask show no building, or skip them with max_bad 2"
    )
    check_inputs(in_order(tmp_path, max_bad=2))
    check_inputs(in_order(tmp_path, images_options={"allow_unpaired": True}))


def test_images_that_the_tutorials_query_does_not_know_are_told_before_they_are_imported(tmp_path: Path) -> None:
    put_imagery(tmp_path / "imagery", "tile_1", "tile_2")
    (fault,) = wrong(in_order(tmp_path))
    assert fault.startswith(
        "split_tagging_query: no image can come out of it: query[1]: no image meets `regex_names ^austin[0-9]+$`; "
        "names there are 'tile_1', 'tile_2'; "
    )
    assert fault.endswith("3 more layers ask for; give a query whose patterns match these images, or train_share")


def test_an_initial_model_that_does_not_fit_is_told_with_all_that_is_wrong_with_it(tmp_path: Path) -> None:
    put_model(tmp_path / "model", "bg", "house", "untitled", encoder="vgg11_bn")
    model = str(tmp_path / "model")
    faults = wrong(in_order(tmp_path, initial_model_uri=model, train_config={"weights_init_type": "continue_training"}))
    assert [fault.split(";")[0] for fault in faults] == [
        "train_config: encoder: 'vgg16_bn' is not the initial model's",
        "train_config: weights_init_type: 'continue_training' needs the initial model's classes, ['bg', 'house', "
        "'untitled'], and the project gives ['bg', 'untitled']",
    ]
    other = {"encoder": "vgg11_bn", "encoder_weights": "/never/read"}
    check_inputs(in_order(tmp_path, initial_model_uri=model, train_config=other))


def test_windows_of_another_size_are_only_said_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    check_inputs(in_order(tmp_path, crop_augment_query=CROPPING))
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "mode.window is 512 × 512 px, training crops are 64 × 64 px" in record.getMessage()


def test_all_faults_are_told_at_once_and_nothing_is_done(tmp_path: Path, s3_environment: S3Server) -> None:
    place = s3_environment.new_folder()
    given = in_order(
        tmp_path,
        images_uri=f"{place}/images",
        data_root="s3://no-such-bucket/data",
        output_uri="gs://elsewhere/footprints",
        split_tagging_query=changed(TAGGING, 3, settings={"tag": "tset", "action": "add"}),
        train_share=0.5,
        crop_augment_query=changed(CROPPING, 1, settings={"condition": {"tags": ["train"]}}),
        train_config={"epohcs": 3, "lr": 0},
        initial_model_uri=f"{place}/model",
        inference_config={"mode": {"window": {"width": 100}}},
        max_shards=77,
        split_masks_query="[{}]",
    )
    faults = wrong(given)
    assert [fault.partition(":")[0] for fault in faults] == [
        "max_shards",
        "split_masks_query[0].action",
        "split_masks_query[0].src",
        "split_masks_query[0].dst",
        "split_masks_query[0].settings",
        "train_share",
        "train_config",
        "train_config",
        "inference_config",
        "output_uri",
        "data_root",
        "images_uri",
        "initial_model_uri",
        "image_tags",
        "crop_augment_query",
    ]
    assert not list(storage.list_objects(place))


def test_places_in_object_storage_are_looked_at_and_left_as_they_are(s3_environment: S3Server, tmp_path: Path) -> None:
    place = s3_environment.new_folder()
    for folder in ("images", "gt"):
        storage.write_bytes(f"{place}/imagery/{folder}/austin1.tif", b"never read")
    for name in ("config.json", "model.safetensors"):
        storage.put_file(put_model(tmp_path / name) / name, f"{place}/model/{name}")
    before = [found.uri for found in storage.list_objects(place)]
    given = in_order(tmp_path, images_uri=f"{place}/imagery", data_root=f"{place}/data", output_uri=f"{place}/out")
    check_inputs(dataclasses.replace(given, initial_model_uri=f"{place}/model".replace("s3://", "minio://")))
    assert [found.uri for found in storage.list_objects(place)] == before


def test_who_may_only_read_is_told_both_places_that_would_be_written(
    s3_environment: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = s3_environment.new_folder()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_environment.reader_access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_environment.reader_secret_key)
    faults = wrong(in_order(tmp_path, data_root=f"{place}/data", output_uri=f"{place}/out"))
    assert [fault.partition(":")[0] for fault in faults] == ["data_root", "output_uri"]
    assert all("the store refuses access" in fault for fault in faults)


def test_the_tutorials_files_are_where_the_code_looks_for_them() -> None:
    for file in vars(tutorial).values():
        assert not isinstance(file, Path) or file.exists()
