"""What a stage takes and gives, read from its source: nothing is imported, Kubeflow's library and the stage's least.

A parameter's name, type and default stand in `component.py`, once. What it means stands in a docstring: in that of
`run` in `step.py`, or of what that passes its arguments on to and refers to ("see `publish`").
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from components.core.command import source


class Role(Enum):
    """What a parameter is to a stage."""

    INPUT = "Input"
    OUTPUT = "Output"
    OUTPUT_VALUE = "OutputPath"
    VALUE = "value"


class Required(Enum):
    """Stands for the default of what must be given."""

    REQUIRED = "must be given"


REQUIRED = Required.REQUIRED

OUTPUT = "Output"
"""What Kubeflow calls the one value that a component returns."""

ECHO = "echo"
NAMES = "names"
CALLERS = (ECHO, NAMES)
"""What `run` may take beside a stage's parameters: who hears what the stage says at its end, and what the user calls
the parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageParameter:
    """One parameter or artifact of a stage.

    Attributes:
        name: As Kubeflow has it.
        role: What it is to the stage.
        kind: Of an artifact, such as "Dataset"; of a value, or of one that a file is written for, its type, such as
            "int".
        is_list: Whether there may be several: artifacts, or words; a document in JSON that is a list is one.
        default: REQUIRED for none; None for an artifact that may be left out.
        help: What it is, in a sentence without a full stop.
        is_for_command_line: Whether Kubeflow does not have it.
    """

    name: str
    role: Role
    kind: str
    is_list: bool
    default: Any
    help: str
    is_for_command_line: bool = False

    @property
    def flag(self) -> str:
        """On the command line."""
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A stage's.

    Attributes:
        stage: Its name.
        summary: What it does, in a sentence.
        parameters: Artifacts that go in and come out, and values; in the order of the component, and then those of
            the command line alone.
        returns: Kinds of the values that it returns, by name.
        returned: What these values are, by name; each in a sentence without a full stop.
        callers: Which of CALLERS its `run` takes.
    """

    stage: str
    summary: str
    parameters: tuple[StageParameter, ...]
    returns: Mapping[str, str]
    returned: Mapping[str, str]
    callers: frozenset[str]


def read_signature(stage: str) -> Signature:
    """Read what a stage takes and gives.

    Args:
        stage: Its name, which is that of its folder and of its component.

    Raises:
        LookupError: If its source lacks something.
    """
    component = source.function(f"components.{stage}.component", stage)
    reader = _Reader(stage)
    own = [reader.of_component(entry, component) for entry in component.args.args]
    given = {entry.arg for entry in reader.run.args.kwonlyargs}
    more = [reader.of_run(name) for name in sorted(given - {parameter.name for parameter in own} - {*CALLERS})]
    return Signature(
        stage=stage,
        summary=source.summary(component),
        parameters=(*own, *more),
        returns=_returns(component.returns),
        returned=reader.returned(),
        callers=frozenset(given & {*CALLERS}),
    )


class _Reader:
    """Types, defaults and descriptions of parameters in a stage's step, and in the functions that it refers to."""

    def __init__(self, stage: str) -> None:
        self.module = f"components.{stage}.step"
        self.run = source.function(self.module, "run")
        self.sources = [self.run, *source.references(self.module, self.run)]

    def help(self, name: str) -> str:
        """What a parameter is; empty where nothing says so."""
        texts = [found[name] for found in map(source.described, self.sources) if name in found]
        return _as_clause(texts[0]) if texts else ""

    def returned(self) -> dict[str, str]:
        """What the step returns: attributes of a class of its own, or the one value of the docstring's "Returns"."""
        match self.run.returns:
            case ast.Name(id=name):
                described = source.described(source.definition(self.module, name))
            case _:
                described = {OUTPUT: source.returned(self.run)}
        return {name: _as_clause(text) for name, text in described.items() if text}

    def type_of(self, name: str) -> str:
        """A parameter's type inside; empty where there is none of this name."""
        found = [types[name] for types in map(source.types, self.sources) if name in types]
        return found[0] if found else ""

    def of_component(self, entry: ast.arg, component: ast.FunctionDef) -> StageParameter:
        """A parameter that Kubeflow has."""
        name, defaults = entry.arg, source.defaults(component)
        default = ast.literal_eval(defaults[name]) if name in defaults else REQUIRED
        match entry.annotation:
            case ast.Subscript(value=ast.Attribute(attr=role), slice=kind):
                inner = kind.slice if isinstance(kind, ast.Subscript) else kind
                return StageParameter(
                    name=name,
                    role=Role(role),
                    kind=ast.unparse(inner).rpartition(".")[2],
                    is_list=isinstance(kind, ast.Subscript),
                    default=None if "None" in self.type_of(name) else default,
                    help=self.help(name),
                )
            case ast.Call(func=ast.Attribute(attr=role), args=[ast.Name(id=kind_of_value)]):
                return StageParameter(
                    name=name,
                    role=Role(role),
                    kind=kind_of_value,
                    is_list=False,
                    default="",
                    help=self.help(name),
                )
            case ast.Name(id=kind_of_value):
                return StageParameter(
                    name=name,
                    role=Role.VALUE,
                    kind=kind_of_value,
                    is_list=kind_of_value == "list" and "[str" in self.type_of(name),
                    default=default,
                    help=self.help(name),
                )
        raise LookupError(f"{component.name}.{name}: has no type that the command line knows")

    def of_run(self, name: str) -> StageParameter:
        """A parameter that only the command line has: `run` has it as keyword, with a default."""
        return StageParameter(
            name=name,
            role=Role.VALUE,
            kind=source.types(self.run)[name].removesuffix(" | None"),
            is_list=False,
            default=source.constant(self.module, source.defaults(self.run)[name]),
            help=self.help(name),
            is_for_command_line=True,
        )


def _returns(annotation: ast.expr | None) -> dict[str, str]:
    match annotation:
        case None | ast.Constant(value=None):
            return {}
        case ast.Call(args=[_, ast.List(elts=fields)]):
            pairs = [field.elts for field in fields if isinstance(field, ast.Tuple)]
            return {ast.literal_eval(name): ast.unparse(kind) for name, kind in pairs}
    return {OUTPUT: ast.unparse(annotation)}


def _as_clause(sentence: str) -> str:
    """A sentence as the help of a flag: without capital and full stop, which abbreviations and names keep."""
    text = sentence.removesuffix(".")
    first = text.split(maxsplit=1)[0]
    return text if any(letter.isupper() for letter in first[1:]) else text[0].lower() + text[1:]
