"""Check the classes from the model to the footprints: each stage must give those that the next one uses."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from components.core.documents.inference import WHERE, InferenceConfig
from components.core.documents.inference_modes import BboxesMode, SlidingWindowMode
from components.core.documents.predicted import plan_classes
from components.core.dtl.actions.sliding_window import SlidingWindow
from components.core.dtl.actions.split_masks import SplitMasks
from components.core.dtl.dry_run import Followed
from components.core.dtl.graph import Query
from components.core.dtl.possible import Possible
from components.core.errors import ConfigError
from components.core.figures import Shape
from components.core.geometry import Size
from components.core.preflight.named_faults import NamedFaults
from components.core.preflight.queries import QUERY, QueryParameter, passed
from components.core.project import ClassInfo, ProjectMeta

PREDICTIONS_PROJECT = "inf_INRIA_test_part"
"""What infer_windows calls its project where a pipeline runs it."""

BUILDINGS = "untitled_dl"
"""The class that evaluate and publish_footprints use in the training pipeline."""

log = logging.getLogger(__name__)


def check_class(meta: ProjectMeta, title: str, who: str, shapes: Sequence[Shape] = (Shape.BITMAP,)) -> None:
    """Check that a project has a class that a later stage uses.

    Args:
        meta: Of the project.
        title: The class.
        who: The stage, for messages.
        shapes: Of figures that the stage takes.

    Raises:
        ConfigError: If it is not there, or is of another shape.
    """
    found = meta.find(title)
    if found is None:
        raise ConfigError(
            f"no class {title!r} comes out, but it is an input of {who}; name one that does, or rename one: "
            f"{_listed(meta.titles)}"
        )
    if found.shape not in shapes:
        raise ConfigError(
            f"class {title!r} comes out as a {found.shape}, but has to be a {' or '.join(shapes)} for {who}; use "
            "another class"
        )


def predicted(
    faults: NamedFaults, key: str, config: InferenceConfig, project: Possible, classes: Sequence[ClassInfo]
) -> Possible | None:
    """What infer_windows gives.

    Args:
        faults: Get classes that are not there, and titles that come up twice.
        key: Name of the config's parameter.
        config: The inference config.
        project: The project to infer.
        classes: Of the model.

    Returns:
        It; None where the config does not fit.
    """
    with faults.of(key, head=WHERE):
        meta = plan_classes(project.meta, classes, config, PREDICTIONS_PROJECT).meta
        return Possible(meta, project.perhaps, project.surely)
    return None


def check_needs_no_objects(config: InferenceConfig) -> None:
    """See that a config can be used on imagery that nobody annotated.

    Raises:
        ConfigError: If it uses the boxes of objects.
    """
    if isinstance(config.mode, BboxesMode):
        raise ConfigError(
            f"{WHERE}: mode.source: {config.mode.source!r} infers boxes of annotated objects, and new imagery has "
            "none; use 'sliding_window', 'full_image' or 'roi'"
        )


def check_split(
    faults: NamedFaults, given: QueryParameter, predictions: Possible, title: str, keys: tuple[str, ...], who: str
) -> None:
    """See that the query that splits masks splits some, and gives a class that later stages look at.

    Args:
        faults: Get what is wrong.
        given: The query.
        predictions: What it reads.
        title: The class.
        keys: The parameters that decide on it.
        who: The stages, for messages.
    """
    followed = passed(faults, given, predictions)
    if followed is None:
        return
    with faults.of(given.key, head=QUERY):
        _check_something_is_split(given.query, followed)
    with faults.of(*keys):
        check_class(followed.meta, title, who)


def _check_something_is_split(query: Query, followed: Followed) -> None:
    for layer in query.layers:
        arriving = followed.arriving.get(layer.index)
        if arriving is None or not isinstance(layer.action, SplitMasks):
            continue
        titles = layer.action.settings.classes
        if not set(titles) & set(arriving.meta.titles):
            raise ConfigError(
                f"{layer.place}.settings.classes: {_listed(titles)} is not a class that arrives there, so no mask is "
                f"split; classes that do: {_listed(arriving.meta.titles)}"
            )


def warn_of_other_windows(cropping: Query, config: InferenceConfig) -> None:
    """Warn where inference uses windows of a size that no training crop has."""
    if not isinstance(config.mode, SlidingWindowMode):
        return
    layers = (layer.action for layer in cropping.layers if isinstance(layer.action, SlidingWindow))
    sizes: list[Size] = [action.settings.size for action in layers]
    if sizes and config.mode.window.size not in sizes:
        log.warning(
            "%s: mode.window is %s, training crops are %s: the network sees buildings at another scale",
            WHERE,
            _in_words(config.mode.window.size),
            " or ".join(map(_in_words, dict.fromkeys(sizes))),
        )


def _in_words(size: Size) -> str:
    return f"{size.height} × {size.width} px"


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(map(repr, titles)) or "none"
