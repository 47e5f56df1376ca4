"""What tests of KFP components share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from kfp import compiler, dsl


def artifact(kind: type[dsl.Artifact], path: Path) -> dsl.Artifact:
    """An artifact at a local path, as a step gets it."""
    return kind(name=path.name, uri=str(path), metadata={})


def compiled(component: Any, folder: Path) -> dict[str, Any]:
    """The component's own pipeline spec, as it would be uploaded."""
    file = folder / "component.yaml"
    compiler.Compiler().compile(component, str(file))
    spec: dict[str, Any] = next(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    return spec


def input_names(spec: dict[str, Any]) -> set[str]:
    """Names of a compiled component's parameters and artifacts."""
    (component,) = spec["components"].values()
    return {name for kind in component["inputDefinitions"].values() for name in kind}


def output_kinds(spec: dict[str, Any]) -> dict[str, str]:
    """Kind of each artifact that a compiled component gives."""
    (component,) = spec["components"].values()
    artifacts = component["outputDefinitions"]["artifacts"]
    return {name: entry["artifactType"]["schemaTitle"] for name, entry in artifacts.items()}
