"""The KFP component beside the command line."""

from __future__ import annotations

from components.infer_windows.__main__ import parser
from components.infer_windows.component import infer_windows


def test_flags_carry_the_names_of_inputs_and_outputs() -> None:
    spec = infer_windows.component_spec
    flags = {action.dest for action in parser()._actions} - {"help"}

    assert flags - {"model_uri"} == set(spec.inputs) | set(spec.outputs)


def test_defaults_agree() -> None:
    options = {action.dest: action.default for action in parser()._actions}
    spec = infer_windows.component_spec

    for name in ("image_tags", "project_name", "max_bad"):
        assert spec.inputs[name].default == options[name]
