"""A compiled pipeline as a file: its name, its parameters, and the name of the version that it makes."""

from __future__ import annotations

import hashlib
import importlib.metadata
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.core.errors import ConfigError

COMPILED = Path(__file__).with_name("compiled")
PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
DISTRIBUTION = "footprints-pipeline"
DIGEST_DIGITS = 12

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class PipelineParameter:
    """One parameter of a pipeline.

    Attributes:
        name: As the pipeline function calls it.
        kind: Kubeflow's type, such as "NUMBER_INTEGER".
        required: Whether a run must give it.
    """

    name: str
    kind: str
    required: bool


@dataclass(frozen=True)
class PipelinePackage:
    """A compiled pipeline.

    Attributes:
        file: The YAML file.
        name: The pipeline's own name.
        parameters: By name.
        tasks: Names of the tasks that run a container, at any depth.
        sha256: Of the file, in hex.
        spec: What the API gives back for the file: the one document, or both by name.
    """

    file: Path
    name: str
    parameters: Mapping[str, PipelineParameter]
    tasks: frozenset[str]
    sha256: str
    spec: Mapping[str, Any]

    @property
    def version_name(self) -> str:
        """Such as "0.2.0-1f2e3d4c5b6a": the package's version and the content's digest."""
        return f"{package_version()}-{self.sha256[:DIGEST_DIGITS]}"


def read_package(pipeline: str) -> PipelinePackage:
    """Read a compiled pipeline.

    Args:
        pipeline: The name of one in pipelines/compiled, or the path of a YAML file.

    Raises:
        ConfigError: There is none, or the file is not a compiled pipeline.
    """
    file = Path(pipeline) if pipeline.endswith((".yaml", ".yml")) else COMPILED / f"{pipeline}.yaml"
    try:
        content = file.read_bytes()
    except OSError as error:
        known = ", ".join(sorted(path.stem for path in COMPILED.glob("*.yaml"))) or "none; run `make pipeline`"
        raise ConfigError(f"--pipeline: {str(file)!r} cannot be read; give a YAML file, or one of: {known}") from error
    try:
        documents = [document for document in yaml.load_all(content, _LOADER) if document]
        spec = documents[0]
        inputs = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        return PipelinePackage(
            file=file,
            name=spec["pipelineInfo"]["name"],
            parameters={name: _parameter(name, entry) for name, entry in inputs.items()},
            tasks=frozenset(_tasks(spec)),
            sha256=hashlib.sha256(content).hexdigest(),
            spec=spec if len(documents) == 1 else {"pipeline_spec": spec, "platform_spec": documents[1]},
        )
    except (yaml.YAMLError, UnicodeDecodeError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{file}: is not a compiled pipeline ({type(error).__name__}); run `make pipeline`"
        ) from error


def _parameter(name: str, entry: Mapping[str, Any]) -> PipelineParameter:
    required = not entry.get("isOptional", False) and "defaultValue" not in entry
    return PipelineParameter(name, entry["parameterType"], required)


def _tasks(spec: Mapping[str, Any]) -> Iterator[str]:
    components = spec["components"]
    for component in (spec["root"], *components.values()):
        for name, task in component.get("dag", {}).get("tasks", {}).items():
            if "executorLabel" in components[task["componentRef"]["name"]]:
                yield name


def package_version() -> str:
    """The version of this package: of the checkout where there is one, else as installed."""
    if PYPROJECT.is_file():
        version: str = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]
        return version
    return importlib.metadata.version(DISTRIBUTION)
