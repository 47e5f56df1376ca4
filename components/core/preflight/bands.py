"""Whether an import keeps the bands that a network sees, as far as a run's parameters say."""

from __future__ import annotations

from collections.abc import Sequence

from components.core.errors import ConfigError
from components.core.imagery.bands import bands_of_text, is_rgb


def check_bands_kept(text: str, names: Sequence[str], who: str) -> None:
    """See that a run's parameter `bands` keeps as many bands as a network sees.

    Args:
        text: The parameter; where it is empty, or no list of numbers, nothing is said.
        names: Of what the network sees; one of colours sees them whatever else is kept.
        who: Says so, such as "train_config".

    Raises:
        ConfigError: If it keeps more or fewer.
    """
    try:
        kept = len(bands_of_text(text))
    except ConfigError:  # which is a fault of its own
        return
    if not is_rgb(names) and kept not in (0, len(names)):
        raise ConfigError(
            f"bands: {text!r} keeps {kept} band{'s' if kept > 1 else ''} of the images, and {who} names {len(names)}: "
            f"{', '.join(names)}; give the number of each, in this order"
        )
