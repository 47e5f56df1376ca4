"""Which classes the output project has, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from components.core.documents.inference import BEST_THRESHOLD, InferenceConfig
from components.core.documents.inference_modes import ALL_CLASSES, WHERE, BboxesMode, FullImageMode, Mode
from components.core.documents.regions import Region
from components.core.errors import ConfigError
from components.core.figures import Shape
from components.core.network.description import ModelConfig
from components.core.project import ClassInfo, ProjectMeta


@dataclass(frozen=True, slots=True)
class ClassPlan:
    """Classes of the output project.

    Attributes:
        meta: The output project.
        existing: New title by old title, for the input's objects that are kept.
        predicted: Title by index of the model's class, for those that are kept.
        window: Title of the rectangles of windows, or of a region that is of no object; None where they are not wanted.
        boxes: Title of the rectangles of objects' boxes by the object's class; empty where they are not wanted.
    """

    meta: ProjectMeta
    existing: Mapping[str, str]
    predicted: Mapping[int, str]
    window: str | None
    boxes: Mapping[str, str] = field(default_factory=dict)

    def rectangle(self, region: Region) -> str | None:
        """Title of the rectangle of a region; None where it is not wanted."""
        return self.window if region.title is None else self.boxes.get(region.title)


def plan_classes(meta: ProjectMeta, model: Sequence[ClassInfo], config: InferenceConfig, name: str) -> ClassPlan:
    """Choose and rename the classes of the input and of the model.

    Args:
        meta: Of the input project.
        model: The model's classes in the order of its channels.
        config: Says what to keep and what to append.
        name: Of the output project.

    Returns:
        The plan.

    Raises:
        ConfigError: If a class to keep does not exist, or two would have the same title.
    """
    kept, found, owner = config.existing_objects, config.model_classes, f"project {meta.name!r}"
    old = _chosen(meta.classes, kept.save_classes, "existing_objects.save_classes", owner)
    check_threshold(config, [entry.title for entry in model])
    new = _chosen(model, found.save_classes, "model_classes.save_classes", "the model")
    existing = {entry.title: entry.title + kept.add_suffix for entry in old}
    predicted = {model.index(entry): entry.title + found.add_suffix for entry in new}
    window, boxes = _rectangles(config.mode, meta)
    titles = {"existing_objects": existing.values(), "model_classes": predicted.values()}
    _refuse_collisions(
        {**titles, "mode.class_name": () if window is None else (window,), "mode.add_suffix": boxes.values()}
    )
    classes = [replace(entry, title=existing[entry.title]) for entry in old]
    classes += [ClassInfo(predicted[model.index(entry)], Shape.BITMAP, entry.color) for entry in new]
    rectangles = [*filter(None, [window]), *boxes.values()]
    classes += [ClassInfo.with_own_color(title, Shape.RECTANGLE) for title in rectangles]
    return ClassPlan(replace(meta, name=name, classes=tuple(classes)), existing, predicted, window, boxes)


def _rectangles(mode: Mode, meta: ProjectMeta) -> tuple[str | None, dict[str, str]]:
    """Titles of the rectangles that the mode adds: of its windows or its region, and by class of objects' boxes."""
    if isinstance(mode, FullImageMode):
        return None, {}
    if not isinstance(mode, BboxesMode):
        return mode.class_name if mode.save else None, {}
    looked_at = _chosen(meta.classes, mode.from_classes, "mode.from_classes", f"project {meta.name!r}")
    if not looked_at:
        raise ConfigError(
            f"{WHERE}: mode.source: {mode.source!r} infers boxes of objects, and project {meta.name!r} has no class; "
            "give a project with annotated images, or use 'sliding_window'"
        )
    return None, {entry.title: entry.title + mode.add_suffix for entry in looked_at if mode.save}


def check_threshold(config: InferenceConfig, titles: Sequence[str]) -> None:
    """See that a threshold by class names classes of the model.

    Args:
        config: The inference config.
        titles: The model's classes in the order of its channels, the background first.

    Raises:
        ConfigError: If it names another, or the background.
    """
    given = config.threshold if isinstance(config.threshold, dict) else {}
    for title in given:
        if title not in titles[1:]:
            offers = ", ".join(map(repr, titles[1:])) or "none"
            raise ConfigError(
                f"{WHERE}: threshold: {title!r} is not a class of the model but its background; its classes: {offers}"
                if title in titles
                else f"{WHERE}: threshold: {title!r} is not a class of the model; its classes: {offers}"
            )


def check_knows_thresholds(config: InferenceConfig, model: ModelConfig, who: str = "the model") -> None:
    """See that a model has thresholds of its own, where they are asked for.

    Args:
        config: The inference config.
        model: What the model says of itself.
        who: The model, for messages.

    Raises:
        ConfigError: If it has none.
    """
    if config.threshold == BEST_THRESHOLD and not model.thresholds:
        raise ConfigError(
            f"{WHERE}: threshold: {BEST_THRESHOLD!r}: {who} knows no thresholds, as it was trained by an earlier "
            "release or without a validation; give a number, or train it again"
        )


def _chosen(classes: Iterable[ClassInfo], wanted: str | list[str], key: str, owner: str) -> list[ClassInfo]:
    known = {entry.title: entry for entry in classes}
    if wanted == ALL_CLASSES:
        return list(known.values())
    missing = [title for title in wanted if title not in known]
    if missing:
        offers = ", ".join(map(repr, known)) or "none"
        raise ConfigError(
            f"{WHERE}: {key}: {', '.join(map(repr, missing))} is not a class of {owner}; "
            f"its classes: {offers}; name some of them or use {ALL_CLASSES!r}"
        )
    return [entry for title, entry in known.items() if title in wanted]


def _refuse_collisions(titles_by_key: Mapping[str, Iterable[str]]) -> None:
    origin: dict[str, str] = {}
    for key, titles in titles_by_key.items():
        for title in titles:
            if title in origin:
                raise ConfigError(
                    f"{WHERE}: class {title!r} would come both from {origin[title]} and from {key}; "
                    "choose another add_suffix or class_name"
                )
            origin[title] = key
