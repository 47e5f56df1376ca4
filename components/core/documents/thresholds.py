"""From which probability on a pixel has a class: the config's word, as numbers for the model at hand."""

from __future__ import annotations

from components.core.documents.inference import OTHER_THRESHOLD, InferenceConfig
from components.core.documents.predicted import check_knows_thresholds, check_threshold
from components.core.network.description import ModelConfig


def thresholds_of(config: InferenceConfig, model: ModelConfig) -> tuple[float, ...]:
    """Resolve the threshold.

    Args:
        config: The inference config.
        model: What the model's folder says of it.

    Returns:
        One for each class but the background, in the order of the channels; none where the most probable class counts.

    Raises:
        ConfigError: If it names a class that the model does not have, or the model's own are wanted and it has none.
    """
    titles = [entry.title for entry in model.classes]
    check_threshold(config, titles)
    match config.threshold:
        case None:
            return ()
        case str():
            check_knows_thresholds(config, model)
            return tuple(model.thresholds.get(title, OTHER_THRESHOLD) for title in titles[1:])
        case dict() as by_class:
            return tuple(by_class.get(title, OTHER_THRESHOLD) for title in titles[1:])
        case threshold:
            return (threshold,) * (len(titles) - 1)
