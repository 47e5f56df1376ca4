"""Source that is read without being imported: definitions by name, wherever they are imported from, and docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]

SECTIONS = ("Args", "Attributes")
"""Of a docstring: where names are described."""

_SECTION = re.compile(r"(\w+):")
_ENTRY = re.compile(r"(\w+): (.*)")
_REFERENCES = re.compile(r"\bsee (`[\w.]+`(?:(?:, | and )`[\w.]+`)*)")


@cache
def parsed(module: str) -> ast.Module:
    """The source of a module.

    Args:
        module: Its dotted name.
    """
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def definition(module: str, name: str) -> ast.stmt:
    """The statement that defines a function, a class or a constant.

    Args:
        module: Where the name is used: it is defined there, or imported there with `from … import`.
        name: Without dots.

    Raises:
        LookupError: If it is neither.
    """
    for statement in parsed(module).body:
        match statement:
            case ast.FunctionDef(name=found) | ast.ClassDef(name=found) if found == name:
                return statement
            case ast.Assign(targets=[ast.Name(id=found)]) | ast.AnnAssign(target=ast.Name(id=found)) if found == name:
                return statement
            case ast.ImportFrom(module=str(other)):
                for alias in statement.names:
                    if (alias.asname or alias.name) == name:
                        return definition(other, alias.name)
    raise LookupError(f"{module}: neither defines nor imports {name}")


def function(module: str, name: str) -> ast.FunctionDef:
    """The definition of a function.

    Raises:
        LookupError: If there is none of this name.
    """
    found = definition(module, name)
    if not isinstance(found, ast.FunctionDef):
        raise LookupError(f"{module}: {name} is not a function")
    return found


def docstring(node: ast.stmt) -> str:
    """The docstring of a function or class; empty for none."""
    return (ast.get_docstring(node) or "") if isinstance(node, ast.FunctionDef | ast.ClassDef) else ""


def summary(node: ast.stmt) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(docstring(node).split("\n\n")[0].split())


def references(module: str, node: ast.stmt) -> list[ast.stmt]:
    """The definitions that a docstring's first paragraph refers to: "see `this` and `that`".

    Args:
        module: Where the docstring stands, for names without dots.
        node: What it is of.
    """
    found = _REFERENCES.search(summary(node))
    names = re.findall(r"`([\w.]+)`", found[1]) if found else []
    split = [name.rpartition(".") for name in names]
    return [definition(other or module, name) for other, _, name in split]


def returned(node: ast.stmt) -> str:
    """What a docstring says of the value that is returned, in one line; empty where it says nothing."""
    _, _, section = docstring(node).partition("\nReturns:\n")
    return " ".join(section.split("\n\n")[0].split())


def described(node: ast.stmt) -> dict[str, str]:
    """What a docstring says of arguments or attributes, by name; each text in one line."""
    section, last = "", ""
    found: dict[str, str] = {}
    for line in docstring(node).splitlines():
        indent = len(line) - len(line.lstrip())
        if not indent:
            header = _SECTION.fullmatch(line)
            section = header[1] if header else "" if line else section
        elif section in SECTIONS:
            entry = _ENTRY.fullmatch(line.strip()) if indent == 4 else None
            if entry:
                last = entry[1]
                found[last] = entry[2]
            else:
                found[last] += f" {line.strip()}"
    return found


def types(node: ast.stmt) -> dict[str, str]:
    """The types of a function's arguments or a class's attributes, by name, as they are written."""
    match node:
        case ast.FunctionDef(args=arguments):
            pairs = [(entry.arg, entry.annotation) for entry in (*arguments.args, *arguments.kwonlyargs)]
        case ast.ClassDef(body=body):
            fields = [entry for entry in body if isinstance(entry, ast.AnnAssign)]
            pairs = [(entry.target.id, entry.annotation) for entry in fields if isinstance(entry.target, ast.Name)]
        case _:
            pairs = []
    return {name: ast.unparse(annotation) for name, annotation in pairs if annotation is not None}


def defaults(node: ast.FunctionDef) -> Mapping[str, ast.expr]:
    """The expressions of a function's defaults, by argument."""
    positional = node.args.args[len(node.args.args) - len(node.args.defaults) :]
    pairs = [*zip(positional, node.args.defaults, strict=True)]
    pairs += [
        (entry, value)
        for entry, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if value is not None
    ]
    return {entry.arg: value for entry, value in pairs}


def constant(module: str, expression: ast.expr) -> Any:
    """The value of a literal, or of a constant that is one.

    Args:
        module: Where the expression stands.
        expression: A literal, or a name.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(expression, ast.Name):
        found = definition(module, expression.id)
        if isinstance(found, ast.Assign | ast.AnnAssign) and found.value is not None:
            return ast.literal_eval(found.value)
    return ast.literal_eval(expression)
