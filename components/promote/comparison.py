"""Two models on the same images: by town and overall, how certain the difference is, and what the rule says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.core.documents.promotion import PromotionConfig
from components.core.hashing import digest
from components.core.reporting.text import counted_noun
from components.evaluate.intervals import drawn_sums
from components.promote.scores import MEASURES, ImageScore, ModelScores, check_same_images, pooled

OVERALL = "all together"

ROUNDING = 1e-9
"""Differences of floats that mean none."""

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class ComparedScores:
    """One measure of two models; None where there is nothing to measure."""

    champion: float | None
    challenger: float | None

    @property
    def gain(self) -> float | None:
        """What the challenger has more."""
        return None if self.champion is None or self.challenger is None else self.challenger - self.champion


@dataclass(frozen=True, slots=True)
class TownComparison:
    """The images of one town, or all of them.

    Attributes:
        town: Its name.
        images: How many images.
        buildings: True objects in them.
        measures: By the names of `MEASURES`.
    """

    town: str
    images: int
    buildings: int
    measures: Mapping[str, ComparedScores]

    def as_json(self) -> dict[str, Any]:
        """For the decision's file."""
        return {
            "town": self.town,
            "images": self.images,
            "buildings": self.buildings,
            **{
                name: {"champion": scores.champion, "challenger": scores.challenger, "gain": scores.gain}
                for name, scores in self.measures.items()
            },
        }


@dataclass(frozen=True, slots=True)
class DrawnGain:
    """How a gain moves when images are drawn anew.

    Attributes:
        certainty: Share of the draws in which the challenger is better.
        low: Below which 2.5 % of the draws lie.
        high: Above which 2.5 % of them lie.
    """

    certainty: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both models.

    Attributes:
        overall: All images pooled.
        towns: One for each town, by name.
        drawn: By measure; empty for a single image.
    """

    overall: TownComparison
    towns: tuple[TownComparison, ...]
    drawn: Mapping[str, DrawnGain]

    def as_json(self) -> dict[str, Any]:
        """For the decision's file."""
        return {
            "overall": self.overall.as_json(),
            "towns": [town.as_json() for town in self.towns],
            "draws": {
                name: {"certainty": gain.certainty, "interval": [gain.low, gain.high]}
                for name, gain in self.drawn.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of the rule.

    Attributes:
        text: What was wanted, and what was found.
        holds: Whether it holds.
    """

    text: str
    holds: bool


def compare(challenger: ModelScores, champion: ModelScores) -> Comparison:
    """Compare two models.

    Images are drawn with replacement for both models together (paired bootstrap): what makes an image hard for both
    does not count as a difference between them. Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993.

    Raises:
        DataError: If they were not evaluated on the same images.
    """
    check_same_images(challenger, champion)
    labels = sorted(challenger.images)

    def compared(town: str, own: Sequence[str]) -> TownComparison:
        new, old = ([scores.images[label] for label in own] for scores in (challenger, champion))
        measures = {name: ComparedScores(pooled(old, name).value, pooled(new, name).value) for name in MEASURES}
        return TownComparison(town, len(own), sum(image.buildings for image in new), measures)

    return Comparison(
        overall=compared(OVERALL, labels),
        towns=tuple(
            compared(town, [label for label in labels if town in challenger.images[label].towns])
            for town in challenger.towns
        ),
        drawn=_drawn([challenger.images[label] for label in labels], [champion.images[label] for label in labels]),
    )


def _drawn(challenger: Sequence[ImageScore], champion: Sequence[ImageScore]) -> dict[str, DrawnGain]:
    if len(challenger) < 2:
        return {}
    found = {}
    for name in MEASURES:
        columns = np.array(
            [
                [quotient for image in pair for quotient in (image.measures[name].part, image.measures[name].whole)]
                for pair in zip(challenger, champion, strict=True)
            ],
            np.float64,
        )
        sums = drawn_sums(columns, np.random.default_rng(int(digest("promote", name), 16)))
        sums = sums[(sums[:, 1] > 0) & (sums[:, 3] > 0)]
        if len(sums):
            gains = sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3]
            low, high = np.quantile(gains, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
            found[name] = DrawnGain(float(np.mean(gains > 0)), float(low), float(high))
    return found


def checks(comparison: Comparison, config: PromotionConfig) -> Iterator[Check]:
    """What the rule asks, and whether it holds; the challenger is better where all of it does."""
    for name in config.measures:
        gain = comparison.overall.measures[name].gain or 0.0
        wanted = f"{config.min_gain:+.3f} at least"
        yield Check(f"{MEASURES[name]}: {gain:+.3f} overall; {wanted}", gain >= config.min_gain - ROUNDING)
        drawn = comparison.drawn.get(name)
        if config.min_certainty and drawn is None:
            yield Check(f"{MEASURES[name]}: certainty is not known of a single image, and is not asked for", True)
        elif config.min_certainty and drawn is not None:
            yield Check(
                f"{MEASURES[name]}: better in {drawn.certainty:.0%} of draws of the images; "
                f"{config.min_certainty:.0%} at least",
                drawn.certainty >= config.min_certainty - ROUNDING,
            )
        yield _check_towns(comparison, name, config.max_town_loss)


def _check_towns(comparison: Comparison, name: str, most: float) -> Check:
    """Towns without a building do not count: there a single wrong pixel is the difference between 0 and nothing."""
    gains = {
        town.town: gain
        for town in comparison.towns
        if town.buildings and (gain := town.measures[name].gain) is not None
    }
    worse = {town: gain for town, gain in gains.items() if gain < -most - ROUNDING}
    what = f"{MEASURES[name]} by town: {most:.3f} worse at most"
    if worse:
        return Check(f"{what}; not so {', '.join(f'{town} ({gain:+.3f})' for town, gain in worse.items())}", False)
    if not gains:
        return Check(f"{what}; no image has a town", True)
    town, least = min(gains.items(), key=lambda entry: entry[1])
    return Check(f"{what}; {counted_noun(len(gains), 'town')}, the least gain is {town}'s ({least:+.3f})", True)
