"""The components: inputs and outputs from their signatures, what they mean from the stages' docstrings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from kfp.dsl.base_component import BaseComponent

from components.base_images import GPU_IMAGE
from components.core.command.signature import read_signature
from components.stages import STAGES
from pipelines.placement import StagePlacement, load_node_pools
from pipelines.reference import markdown

COMPONENTS: tuple[BaseComponent, ...] = tuple(
    getattr(import_module(f"components.{stage}.component"), stage) for stage in STAGES
)
"""Every component, in the order of the pipelines."""

KINDS = {
    "String": "text",
    "Integer": "whole number",
    "Float": "number",
    "Boolean": "true or false",
    "List": "list",
    "Dict": "mapping",
    "typing.List[str]": "list of texts",
}


def overview() -> str:
    """A table of what every component does."""
    rows = ((f"[{markdown.code(_name(entry))}](#{_name(entry)})", markdown.text(_about(entry))) for entry in COMPONENTS)
    return markdown.table(("component", "what it does"), rows)


def components() -> str:
    """Every component: what it does, what it takes and gives, what it asks of the cluster."""
    placements = load_node_pools().stages
    return markdown.sections(part for entry in COMPONENTS for part in _component(entry, placements[_name(entry)]))


def _component(component: BaseComponent, placement: StagePlacement) -> Iterator[str]:
    name, help_texts = _name(component), _help_texts(component)
    yield f"## {name}"
    yield markdown.text(_about(component))
    yield f"Command line: `python -m components.{name} --help`. {_placement(component, placement)}"
    spec = component.component_spec
    inputs = (
        (
            markdown.code(key),
            _kind(entry.type),
            _default(entry.default) if entry.optional else "must be given",
            help_texts.get(key, ""),
        )
        for key, entry in (spec.inputs or {}).items()
    )
    yield markdown.table(("input", "type", "default", "what it is"), inputs)
    if spec.outputs:
        outputs = (
            (markdown.code(key), _kind(entry.type), help_texts.get(key, "")) for key, entry in spec.outputs.items()
        )
        yield markdown.table(("output", "type", "what it is"), outputs)


def _name(component: BaseComponent) -> str:
    return Path(component.python_func.__code__.co_filename).parent.name


def _about(component: BaseComponent) -> str:
    return (component.component_spec.description or "").split("\n\n")[0]


def _kind(kind: str) -> str:
    return KINDS.get(kind) or f"**{kind.removeprefix('system.').split('@')[0]}**"


def _default(default: object) -> str:
    return "none" if default is None else markdown.value(default)


def _placement(component: BaseComponent, placement: StagePlacement) -> str:
    spec = component.component_spec.implementation.container
    assert spec is not None
    image = "gpu" if spec.image == GPU_IMAGE else "cpu"
    gpus = f", {placement.accelerators} GPU{'s' * (placement.accelerators > 1)}" if placement.accelerators else ""
    cores = f"{placement.cpu} core{'s' * (placement.cpu != '1')}"
    spot = " It may run on spot nodes." if placement.spot else " It stays off spot nodes."
    return f"On a cluster: image `footprints-{image}`, {cores}, {placement.memory} of memory{gpus}.{spot}"


def _help_texts(component: BaseComponent) -> Mapping[str, str]:
    """What the stage's docstrings say of its parameters, outputs and results, by the component's names."""
    signature = read_signature(_name(component))
    described = {**signature.returned, **{parameter.name: parameter.help for parameter in signature.parameters}}
    return {name: markdown.text(text) for name, text in described.items()}
