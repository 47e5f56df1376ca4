"""The README's table of components, made from their signatures."""

from __future__ import annotations

from pathlib import Path

from kfp.dsl.base_component import BaseComponent

from components.check_inputs.component import check_inputs
from components.collect_predictions.component import collect_predictions
from components.core.errors import ConfigError
from components.crop_augment.component import crop_augment
from components.detect_scenes.component import detect_scenes
from components.evaluate.component import evaluate
from components.import_images.component import import_images
from components.infer_windows.component import infer_windows
from components.plan_imagery.component import plan_imagery
from components.plan_shards.component import plan_shards
from components.publish_collection.component import publish_collection
from components.publish_footprints.component import publish_footprints
from components.sample_scenes.component import sample_scenes
from components.split_masks.component import split_masks
from components.split_tagging.component import split_tagging
from components.train_unet.component import train_unet

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- components: made by `python -m pipelines readme` -->"
END = "<!-- /components -->"

COMPONENTS = (
    sample_scenes,
    check_inputs,
    import_images,
    split_tagging,
    crop_augment,
    train_unet,
    plan_shards,
    infer_windows,
    collect_predictions,
    split_masks,
    evaluate,
    publish_footprints,
    plan_imagery,
    detect_scenes,
    publish_collection,
)


def component_table() -> str:
    """A Markdown table: what each component does, takes and gives."""
    rows = ["| component | what it does | inputs | outputs |", "|---|---|---|---|"]
    return "\n".join(rows + [_row(component) for component in COMPONENTS])


def _row(component: BaseComponent) -> str:
    spec = component.component_spec
    title = component.name.replace("-", "_")
    summary = (spec.description or "").split("\n\n")[0].replace("\n", " ")
    inputs = [
        f"**{name}** {_kind(entry.type)}" if entry.type.startswith("system.") else f"{name}"
        for name, entry in (spec.inputs or {}).items()
    ]
    outputs = [f"**{name}** {_kind(entry.type)}" for name, entry in (spec.outputs or {}).items()]
    folder = Path(component.python_func.__code__.co_filename).parent.name
    link = f"[`{title}`](components/{folder}/component.py)"
    return f"| {link} | {summary} | {', '.join(inputs)} | {', '.join(outputs)} |"


def _kind(kind: str) -> str:
    return kind.removeprefix("system.").split("@")[0]


def updated(text: str) -> str:
    """The README with the table as it is now.

    Raises:
        ConfigError: If the marks between which it stands are missing.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ConfigError(f"README.md: the marks {BEGIN!r} and {END!r} are missing; put them where the table belongs")
    return f"{head}{BEGIN}\n\n{component_table()}\n\n{END}{tail}"


def write_readme(file: Path = README) -> None:
    """Bring the table up to date."""
    file.write_text(updated(file.read_text(encoding="utf-8")), encoding="utf-8")


def check_readme(file: Path = README) -> None:
    """See that the table is current.

    Raises:
        ConfigError: If it is not.
    """
    text = file.read_text(encoding="utf-8")
    if text != updated(text):
        raise ConfigError(f"{file.name}: the table of components is not current; run `make readme` and commit")
