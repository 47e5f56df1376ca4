from components.core.documents.inference import load_config as load_inference
from components.core.documents.training import load_config as load_training
from components.core.dtl.graph import build_query
from pipelines.documents import laptop_documents, laptop_query, tutorial_documents, tutorial_query


def differences(left, right, path=""):
    if isinstance(left, dict) and isinstance(right, dict):
        keys = sorted(left.keys() | right.keys())
        return [line for key in keys for line in differences(left.get(key), right.get(key), f"{path}.{key}")]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [
            line for i, pair in enumerate(zip(left, right, strict=True)) for line in differences(*pair, f"{path}[{i}]")
        ]
    return [] if left == right else [path]


def test_documents_are_accepted_as_they_are():
    for documents in (tutorial_documents(), laptop_documents()):
        names = [
            build_query(query).output_name
            for query in (documents.split_tagging, documents.crop_augment, documents.split_masks)
        ]
        assert names == ["INRIA_TAGGED", "INRIA_train", "inf_splitted"]
        assert load_training(documents.training).dataset_tags.train == "train"
        assert load_inference(documents.inference).model_classes.add_suffix == "_dl"


def test_the_tutorial_trains_on_three_gpus_with_the_vgg16_encoder():
    config = load_training(tutorial_documents().training)
    assert config.gpu_devices == [0, 1, 2]
    assert (config.encoder, config.encoder_weights) == ("vgg16_bn", "imagenet")


def test_the_laptop_changes_windows_shares_mirror_images_and_the_training_only():
    tutorial, laptop = tutorial_documents(), laptop_documents()
    tagging = differences(tutorial.split_tagging, laptop.split_tagging)
    assert len(tagging) == 5
    assert all(path.endswith(".condition.probability") for path in tagging)
    assert differences(tutorial.crop_augment, laptop.crop_augment) == [
        "[2].settings.window.height",
        "[2].settings.window.width",
        "[5].settings.condition.group_by",
        "[5].settings.condition.probability",
    ]
    assert differences(tutorial.split_masks, laptop.split_masks) == ["[1].settings.min_confidence"]
    assert differences(tutorial.inference, laptop.inference) == [
        ".mode.flips",
        ".mode.min_overlap.x",
        ".mode.min_overlap.y",
        ".mode.window.height",
        ".mode.window.width",
    ]


def test_the_laptops_training_keeps_the_tutorials_tags_classes_and_start():
    tutorial, laptop = (documents().training for documents in (tutorial_documents, laptop_documents))
    kept = ("dataset_tags", "special_classes", "weights_init_type", "gpu_devices")
    assert {key: load_training(laptop).model_dump()[key] for key in kept} == {
        key: load_training(tutorial).model_dump()[key] for key in kept
    }


def test_the_laptop_trains_by_the_robust_config_but_for_its_size():
    robust, laptop = (load_training(document).model_dump() for document in ("robust", laptop_documents().training))
    changed = {path.removeprefix(".").partition(".")[0] for path in differences(robust, laptop)}
    assert changed == {
        *("architecture", "batch_size", "data_workers", "encoder", "encoder_weights", "epochs", "input_size", "lr"),
        "val_every",
    }


def test_a_ready_made_query_that_is_named_is_as_large_as_the_other_documents():
    name = "crop_augment_by_source"
    assert laptop_query(name) == laptop_documents().crop_augment
    assert differences(tutorial_query(name), laptop_query(name)) == [
        "[2].settings.window.height",
        "[2].settings.window.width",
        "[5].settings.condition.probability",
    ]
