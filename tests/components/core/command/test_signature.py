"""Reading a stage's signature and docstrings from its source."""

from __future__ import annotations

import ast
import sys

import pytest

from components.core.command import source
from components.core.command.signature import REQUIRED, Role, StageParameter, read_signature
from tests.start_up import imported_by_command


def parameters(stage: str) -> dict[str, StageParameter]:
    return {parameter.name: parameter for parameter in read_signature(stage).parameters}


def test_artifacts_and_values_are_told_apart() -> None:
    read = parameters("collect_predictions")
    assert (read["parts"].role, read["parts"].kind, read["parts"].is_list) == (Role.INPUT, "Dataset", True)
    assert (read["predictions"].role, read["predictions"].kind) == (Role.OUTPUT, "Dataset")
    assert read["parts"].default is REQUIRED


def test_words_and_documents_are_told_apart() -> None:
    checked = parameters("check_inputs")
    assert checked["image_tags"].is_list and not checked["split_masks_query"].is_list
    assert checked["train_config"].kind == "dict"


def test_what_a_step_can_do_without_may_be_left_out() -> None:
    read = parameters("evaluate")
    assert read["unsplit"].default is None and read["report"].default is None
    assert read["truth"].default is REQUIRED and read["evaluation"].default is REQUIRED
    assert parameters("plan_imagery")["report"].default is REQUIRED


def test_a_step_has_more_for_the_command_line() -> None:
    own = {name: entry for name, entry in parameters("detect_scenes").items() if entry.is_for_command_line}
    (name,) = own
    assert (name, own[name].kind, own[name].default) == ("max_item_pixels", "int", 1 << 27)
    assert own[name].flag == "--max-item-pixels"


def test_what_a_component_returns_has_names() -> None:
    assert read_signature("sample_scenes").returns == {"images_uri": "str", "masks_uri": "str"}
    assert read_signature("plan_shards").returns == {"Output": "List[str]"}
    assert read_signature("evaluate").returns == {}


def test_what_a_stage_returns_is_told_by_its_class_or_its_docstring() -> None:
    assert read_signature("sample_scenes").returned == {
        "images_uri": "folder of the imagery",
        "masks_uri": "folder of the building masks, with the same names",
    }
    assert read_signature("plan_shards").returned == {"Output": "names of the shards, 1/n to n/n"}
    assert read_signature("evaluate").returned == {}


def test_help_is_a_clause_that_keeps_names_and_abbreviations() -> None:
    assert parameters("evaluate")["predicted_class"].help == "class of the predicted objects"
    assert parameters("crop_augment")["query"].help.startswith("DTL query; ")


def test_sections_of_a_docstring_are_read_line_by_line() -> None:
    code = '''
def run(one, two):
    """Do it; see `one` and `a.b`.

    Args:
        one: The first
            of two: with a colon.
        two: The second.

    Returns:
        three: No argument.
    """
'''
    (node,) = ast.parse(code).body
    assert source.described(node) == {"one": "The first of two: with a colon.", "two": "The second."}


def test_a_name_is_found_where_it_is_defined() -> None:
    found = source.definition("components.publish_footprints.step", "publish")
    assert isinstance(found, ast.FunctionDef) and found.name == "publish"
    with pytest.raises(LookupError, match="step: neither defines nor imports nothing"):
        source.definition("components.evaluate.step", "nothing")
    with pytest.raises(LookupError, match=r"evaluate\.step: Confusion is not a function"):
        source.function("components.evaluate.step", "Confusion")


@pytest.mark.parametrize("command", [("components",), ("components", "train_unet", "--help")])
def test_reading_imports_nothing_but_the_standard_library(command: tuple[str, ...]) -> None:
    imported = {module.partition(".")[0] for module in imported_by_command(*command)}
    assert imported - sys.stdlib_module_names - {"components", "__mp_main__"} <= packages_at_start()


def packages_at_start() -> set[str]:
    """What an interpreter here has before it runs anything, such as finders of editable installs."""
    return {module.partition(".")[0] for module in imported_by_command("this")}
