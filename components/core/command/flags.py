"""The flags of a stage, made from its signature."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from components.core.cli import argument_parser
from components.core.command.signature import REQUIRED, Role, Signature, StageParameter
from components.core.command.tolerance_flags import Flags, add_earlier_flags

LOGGED = ("Metrics", "ClassificationMetrics")
"""Kinds of artifacts that hold numbers alone; they are shown or written as JSON."""

FILES = (*LOGGED, "HTML")
"""Kinds of artifacts that are one file; others are folders, or either."""

QUERY_FORMS = "a JSON file, JSON text, or the name of a ready-made query"
"""How a parameter that is a list, and no list of texts, is given on the command line."""

NUMBERS: Mapping[str, Callable[[str], Any]] = {"int": int, "float": float}

EARLIER: Mapping[str, Callable[[Flags], None]] = {"tolerance": add_earlier_flags}
"""Flags that earlier versions had in the place of a parameter's; not shown."""

GROUPS = {(Role.INPUT,): "inputs", (Role.OUTPUT, Role.OUTPUT_VALUE): "outputs", (Role.VALUE,): "parameters"}


def stage_parser(signature: Signature, prog: str) -> argparse.ArgumentParser:
    """The command line of a stage; flags carry the names of the component's parameters and artifacts.

    Args:
        signature: The stage's.
        prog: What usage and errors call the command.
    """
    parser = argument_parser(prog, signature.summary)
    for roles, title in GROUPS.items():
        group = parser.add_argument_group(title)
        for parameter in signature.parameters:
            if parameter.role in roles:
                add_flag(group, parameter)
    return parser


def add_flag(parser: Flags, parameter: StageParameter, **otherwise: Any) -> None:
    """Add the flag of a parameter, and those that earlier versions had in its place.

    Args:
        parser: Gets it.
        parameter: Of a stage.
        otherwise: What of argparse's options is to be other than the signature says.
    """
    parser.add_argument(parameter.flag, **_options(parameter) | otherwise)
    if parameter.name in EARLIER:
        EARLIER[parameter.name](parser)


def _options(parameter: StageParameter) -> dict[str, Any]:
    text = parameter.help.replace("%", "%%")
    if parameter.role is not Role.VALUE:
        is_optional = parameter.default is not REQUIRED or parameter.kind in LOGGED
        more = {"nargs": "+"} if parameter.is_list else {}
        is_file = parameter.kind in FILES or parameter.role is Role.OUTPUT_VALUE
        metavar = "FILE" if is_file else "PATH" if parameter.kind == "Artifact" else "DIR"
        return {"metavar": metavar, "required": not is_optional, "help": text, **more}
    return _value_options(parameter, text)


def _value_options(parameter: StageParameter, text: str) -> dict[str, Any]:
    default = parameter.default
    options: dict[str, Any] = {"help": text}
    options |= {"required": True} if default is REQUIRED else {"default": default}
    match parameter.kind:
        case "bool" if default is True:
            return options | {"action": argparse.BooleanOptionalAction}
        case "bool":
            return options | {"action": "store_true"}
        case "int" | "float":
            metavar = "N" if parameter.kind == "int" else "NUMBER"
            return options | {"type": NUMBERS[parameter.kind], "metavar": metavar}
        case "list" if parameter.is_list:
            return options | {"nargs": "*", "metavar": "TEXT"}
        case "list":
            return {"default": "", "metavar": "QUERY", "help": f"{text} ({QUERY_FORMS})"}
        case "dict":
            return {"default": "", "metavar": "JSON", "help": f"{text} (a JSON file or JSON text)"}
    return options | {"metavar": "TEXT"}
