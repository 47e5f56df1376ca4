"""What a training starts from: whether the config, the project's classes and an initial model go together."""

from __future__ import annotations

from collections.abc import Sequence

from components.core.documents.training import WHERE, TrainConfig
from components.core.faults import Faults
from components.core.network.description import ModelConfig

CONTINUE = "continue_training"


def check_start(config: TrainConfig, titles: Sequence[str] | None, initial: ModelConfig | None) -> None:
    """See that a training may start from what it is given.

    Args:
        config: The training config.
        titles: Of the network's classes, in order; None where they are not known.
        initial: What an initial model says of itself; None for no model.

    Raises:
        ConfigError: If the config asks for an initial model and there is none, or that has another architecture,
            encoder or bands, or other classes where it is to be continued.
    """
    faults = Faults()
    continues = config.weights_init_type == CONTINUE
    if initial is None:
        if continues:
            faults.add(
                f"{WHERE}: weights_init_type: {CONTINUE!r} needs an initial model and none is given; give one, or use "
                "'transfer_learning'"
            )
        faults.raise_any()
        return
    for key in ("architecture", "encoder"):
        wanted, theirs = getattr(config, key), getattr(initial, key)
        if theirs != wanted:
            faults.add(f"{WHERE}: {key}: {wanted!r} is not the initial model's; use {theirs!r}")
    if tuple(config.bands) != initial.bands:
        faults.add(f"{WHERE}: bands: {config.bands} are not the initial model's; use {list(initial.bands)}")
    known = [entry.title for entry in initial.classes]
    if continues and titles is not None and list(titles) != known:
        faults.add(
            f"{WHERE}: weights_init_type: {CONTINUE!r} needs the initial model's classes, {known}, and the project "
            f"gives {list(titles)}; rename classes with classes_mapping or use 'transfer_learning'"
        )
    faults.raise_any()
