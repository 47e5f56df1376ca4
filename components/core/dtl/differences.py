"""Where the language differs on purpose from the 2018 engine that its queries were written for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """One of them.

    Attributes:
        topic: What it is about.
        then: What the 2018 engine did.
        now: What happens here.
    """

    topic: str
    then: str
    now: str


DIFFERENCES = (
    Difference(
        "names of items",
        "Names that repeat got ten random letters, new ones in every run; a crop's name did not say of what.",
        "Names are the same in every run and tell the source, the window and what was done: `austin1_r0512_c0000_lr`.",
    ),
    Difference(
        "chance",
        "Nothing could be seeded: every run drew anew.",
        "Keyed by the seed, the layer and the item's name, whatever the order and the number of workers; a layer may "
        "have a `name` and a `seed` of its own.",
    ),
    Difference(
        "splits",
        "`probability` took each item by itself, so that the mirror image of a training crop could validate.",
        'The same, and `"group_by": "source"` keeps all items of one image together; `crop_augment_by_source` is the '
        "tutorial's query with it.",
    ),
    Difference(
        "empty branches",
        "A branch that by chance got no item was not told.",
        "It is warned of, with its layer and name.",
    ),
    Difference(
        "images that fail",
        "They were skipped, and the run ended well all the same.",
        "Each is named with its reason, and the run fails where more are skipped than `max_bad` allows, or all.",
    ),
    Difference(
        "parts of an image that fails",
        "What came out of branches before the one that failed stayed in the result.",
        "Nothing of the image comes out.",
    ),
    Difference(
        "several datasets",
        "A `data` layer that listed several datasets of a project read only the last one.",
        "It reads all of them.",
    ),
    Difference(
        "several data layers",
        "An item entered only the first `data` layer that matched it.",
        "It enters all that match.",
    ),
    Difference(
        "objects that vanish",
        "A bitmap that vanished when it was scaled down made its image fail.",
        "The object is dropped and the image stays.",
    ),
    Difference(
        "right angles",
        "An image turned by 90° got one column more than it has rows, as the cosine of 90° was not quite 0.",
        "Turns by multiples of 90° are exact, pixels and canvas.",
    ),
    Difference(
        "small images",
        "An image smaller than the window of `sliding_window` was skipped.",
        'The same, unless `"small_images": "whole"` lets it through.',
    ),
    Difference(
        "pixels",
        "Every step that changed pixels wrote its images again; georeferences were lost.",
        "Pixels are references, computed when they are read; georeferences follow.",
    ),
    Difference(
        "faults of a query",
        "The first one, in the engine's own terms.",
        "All of them at once, before anything is read, each with its layer, action and path.",
    ),
)
"""In the order of the reference."""
