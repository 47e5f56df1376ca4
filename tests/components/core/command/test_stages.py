"""Every stage's command line beside its component, of which it is made."""

from __future__ import annotations

import argparse
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import components
from components.__main__ import main
from components.core.command import source
from components.core.command.flags import stage_parser
from components.core.command.signature import REQUIRED, Role, read_signature
from components.stages import STAGES
from tests.components.core.command.earlier import EARLIER
from tests.pipelines.packages import run_shut_in

OWN_DEFAULTS = ("config", "workers")
"""Parameters with another default in a function: the tutorial's document, and one process."""


def component_spec(stage: str) -> Any:
    """What Kubeflow reads of a component."""
    return getattr(import_module(f"components.{stage}.component"), stage).component_spec


def defaults_of(stage: str) -> dict[str, Any]:
    """Defaults of a stage's flags, by the names of their parameters."""
    return {action.dest: action.default for action in parser_of(stage)._actions if action.help != argparse.SUPPRESS}


def parser_of(stage: str) -> argparse.ArgumentParser:
    return stage_parser(read_signature(stage), stage)


def test_every_folder_with_a_component_is_a_stage() -> None:
    folders = {file.parent.name for file in Path(components.__path__[0]).glob("*/component.py")}
    assert folders == set(STAGES) and len(STAGES) == len(folders)


@pytest.mark.parametrize("stage", STAGES)
def test_every_parameter_and_result_has_a_help(stage: str) -> None:
    signature = read_signature(stage)
    assert [parameter.name for parameter in signature.parameters if not parameter.help] == []
    assert signature.returned.keys() == signature.returns.keys()


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_read_is_what_kubeflow_has(stage: str) -> None:
    signature, spec = read_signature(stage), component_spec(stage)
    own = {parameter.name: parameter for parameter in signature.parameters if not parameter.is_for_command_line}
    files = {name for name, entry in own.items() if entry.role is Role.OUTPUT_VALUE}
    inputs = {name: entry for name, entry in own.items() if entry.role in (Role.INPUT, Role.VALUE)}
    artifacts = {name: entry for name, entry in own.items() if entry.role is Role.OUTPUT}
    assert inputs.keys() == (spec.inputs or {}).keys()
    assert artifacts.keys() | files | signature.returns.keys() == (spec.outputs or {}).keys()
    assert signature.summary == " ".join(spec.description.split())
    for name, entry in inputs.items():
        wanted = spec.inputs[name]
        if entry.role is Role.INPUT:
            assert wanted.type.startswith(f"system.{entry.kind}@") and wanted.is_artifact_list is entry.is_list
        else:
            assert (entry.default is REQUIRED, wanted.default) == (
                not wanted.optional,
                None if entry.default is REQUIRED else entry.default,
            )
    for name, entry in artifacts.items():
        assert spec.outputs[name].type.startswith(f"system.{entry.kind}@")


@pytest.mark.parametrize("stage", STAGES)
def test_flags_have_the_defaults_of_the_component(stage: str) -> None:
    defaults = defaults_of(stage)
    for name, entry in (component_spec(stage).inputs or {}).items():
        assert (defaults[name] or None) == (entry.default or None), name


def as_words(default: Any) -> Any:
    """A default in the one form in which a component, a step and a stage's function agree."""
    if isinstance(default, tuple | list):
        default = ",".join(default)
    return default or None


@pytest.mark.parametrize("stage", STAGES)
def test_functions_of_a_stage_have_the_defaults_of_its_component(stage: str) -> None:
    """Kubeflow needs them in the component's own signature; elsewhere they are for those who call the function."""
    step = import_module(f"components.{stage}.step")
    inputs = component_spec(stage).inputs or {}
    names = [node.name for node in source.references(step.__name__, source.function(step.__name__, "run"))]  # type: ignore[attr-defined]
    functions = [found for found in (getattr(step, name, None) for name in names) if inspect.isfunction(found)]
    for function in (step.run, *functions):
        for name, own in inspect.signature(function).parameters.items():
            if name in inputs and own.default is not own.empty and name not in OWN_DEFAULTS:
                assert as_words(own.default) == as_words(inputs[name].default), f"{function.__name__}: {name}"


@pytest.mark.parametrize("stage", EARLIER)
def test_flags_of_earlier_versions_still_hold(stage: str) -> None:
    words = EARLIER[stage].split()
    before = {word.removeprefix("--").replace("-", "_") for word in words if word.startswith("--")}
    before = {"tolerance" if name.startswith("tolerance_") else name for name in before} - {"no_join_tiles"}
    defaults = defaults_of(stage)
    parsed = vars(parser_of(stage).parse_args(words))
    assert before <= parsed.keys()
    assert [name for name in before - {"join_tiles"} if parsed[name] == defaults[name]] == []


@pytest.mark.parametrize("stage", STAGES)
def test_help_shows_each_default_that_there_is(stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([stage, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert shown.startswith(f"usage: python -m components {stage} [-h]")
    assert "(default: )" not in shown and "(default: False)" not in shown and "(default: None)" not in shown
    for parameter in read_signature(stage).parameters:
        if parameter.kind in ("str", "int", "float") and parameter.default not in (REQUIRED, "", None):
            assert f"(default: {parameter.default})" in shown, parameter.name


def test_stages_are_listed_with_what_they_do_where_there_is_nothing_but_python() -> None:
    done = run_shut_in("nothing", "components")
    assert done.returncode == 0, done.stderr
    for stage in STAGES:
        assert f"  {stage} " in done.stdout and read_signature(stage).summary in done.stdout


@pytest.mark.parametrize("stage", STAGES)
def test_flags_are_told_where_there_is_nothing_but_python(stage: str) -> None:
    done = run_shut_in("nothing", f"components.{stage}", "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: python -m components.{stage} [-h]")


def test_another_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluat"]) == 2
    said = capsys.readouterr().err
    assert said == "python -m components: 'evaluat' is not a stage; give one, such as evaluate, or see " + (
        "python -m components --help\n"
    )
