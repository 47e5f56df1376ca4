import shutil

import pytest
import yaml

from components.core.errors import ConfigError
from pipelines.compiling import COMPILED, check_compiled, compile_pipelines
from pipelines.documents import tutorial_documents


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    compile_pipelines(folder)
    return folder


def test_what_is_committed_is_current():
    check_compiled(COMPILED)


def test_compiling_twice_gives_the_same_bytes(compiled, tmp_path):
    for file in compile_pipelines(tmp_path):
        assert file.read_bytes() == (compiled / file.name).read_bytes()


def test_a_stale_file_is_named(compiled, tmp_path):
    shutil.copytree(compiled, tmp_path / "stale")
    with (tmp_path / "stale" / "training.yaml").open("a") as file:
        file.write("# changed by hand\n")
    with pytest.raises(ConfigError, match=r"training\.yaml is not what the code compiles to; run `make pipeline`"):
        check_compiled(tmp_path / "stale")


def test_every_input_and_output_is_described_for_the_ui(compiled):
    documents = list(yaml.safe_load_all((compiled / "training.yaml").read_text()))
    components = {name: spec for name, spec in documents[0]["components"].items() if "executorLabel" in spec}
    assert len(components) >= 8
    for name, spec in components.items():
        for side in ("inputDefinitions", "outputDefinitions"):
            for kind in ("artifacts", "parameters"):
                for key, entry in spec.get(side, {}).get(kind, {}).items():
                    assert entry.get("description"), f"{name}: {side}.{kind}.{key} has no description"


def test_the_tutorials_documents_are_the_pipelines_defaults(compiled):
    root = next(yaml.safe_load_all((compiled / "training.yaml").read_text()))["root"]
    defaults = {key: entry.get("defaultValue") for key, entry in root["inputDefinitions"]["parameters"].items()}
    tutorial = tutorial_documents()
    assert defaults["split_tagging_query"] == tutorial.split_tagging
    assert defaults["crop_augment_query"] == tutorial.crop_augment
    assert defaults["train_config"] == tutorial.training
    assert defaults["inference_config"] == tutorial.inference
    assert defaults["split_masks_query"] == tutorial.split_masks
