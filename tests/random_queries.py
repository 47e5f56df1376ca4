"""Queries drawn at random over all actions: most of them sensible, some of them not; the same seed gives the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from components.core.dtl.action import NULL
from components.core.dtl.actions import ACTIONS
from components.core.dtl.actions.save import Save
from components.core.dtl.query import parse_layers
from components.core.errors import FootprintsError
from components.core.figures import Shape
from components.core.project import ProjectMeta
from tests.queries import LayerData, drawing, layer

Draw = random.Random
Settings = dict[str, Any]

SIDES = ("0px", "1px", "5px", "10%", "33.3%", "100%")
CARELESS = 0.05
"""How often a class is one of any shape, or none at all."""


def titles(draw: Draw, meta: ProjectMeta, *shapes: Shape) -> list[str]:
    """One to three classes of some shapes, now and then of any."""
    if draw.random() < CARELESS:
        return draw.choices([*meta.titles, "nothing"], k=draw.randint(0, 2))
    fitting = [known.title for known in meta.classes if not shapes or known.shape in shapes]
    return draw.sample(fitting, min(len(fitting), draw.randint(1, 3)))


def mapping(draw: Draw, meta: ProjectMeta, *shapes: Shape) -> dict[str, str]:
    """Of such classes to new ones, or now and then to one that is there."""
    return {
        title: draw.choice(meta.titles) if draw.random() < CARELESS else f"new{draw.randrange(1000)}"
        for title in titles(draw, meta, *shapes)
    }


def bounds(draw: Draw, least: float, most: float) -> Settings:
    """A range."""
    low, high = sorted((draw.uniform(least, most), draw.uniform(least, most)))
    return {"min": low, "max": low if draw.random() < 0.2 else high}


def _condition(draw: Draw, meta: ProjectMeta) -> Settings:
    return draw.choice(
        (
            {"probability": draw.choice((0, 0.3, 0.7, 1)), "group_by": draw.choice(("item", "source"))},
            {"regex_names": [draw.choice(("^a", "b$", "[0-9]", ".*"))]},
            {"project_datasets": [draw.choice(("*/*", "*/one", "WORLD/two", "A/b"))]},
            {"min_objects_count": draw.randint(0, 4)},
            {"include_classes": titles(draw, meta)},
            {"tags": draw.choices(("old", "new", "a"), k=2)},
            {"min_height": draw.randint(0, 60)},
            {"min_width": draw.randint(0, 60)},
            {"min_area": draw.randint(0, 3000)},
            {"sum_object_area": draw.choice((0, 1, 50.5)), "classes": titles(draw, meta)},
        )
    )


def _crop(draw: Draw, meta: ProjectMeta) -> Settings:
    sides = ("left", "top", "right", "bottom")
    if draw.random() < 0.5:
        return {"sides": {side: draw.choice(SIDES[:5]) for side in draw.sample(sides, draw.randint(0, 4))}}
    shares = ({"min_percent": share, "max_percent": 100} for share in (draw.choice((1, 40, 100)) for _ in range(2)))
    return {"random_part": {"height": next(shares), "width": next(shares), "keep_aspect_ratio": draw.random() < 0.5}}


def _sliding_window(draw: Draw, meta: ProjectMeta) -> Settings:
    height, width = draw.randint(8, 50), draw.randint(8, 50)
    overlap = {"x": draw.randint(0, width // 2), "y": draw.randint(0, height // 2)}
    window = {"window": {"width": width, "height": height}, "min_overlap": overlap}
    return window | {"small_images": draw.choice(("refuse", "whole", "whole"))}


def _instances_crop(draw: Draw, meta: ProjectMeta) -> Settings:
    pad = {"pad": {"sides": {"left": draw.choice(SIDES), "top": draw.choice(SIDES)}}} if draw.random() < 0.5 else {}
    return {"classes": titles(draw, meta)} | pad | {"save_classes": titles(draw, meta)}


def _resize(draw: Draw, meta: ProjectMeta) -> Settings:
    keep = draw.random() < 0.6
    height, width = draw.choice((-1, 1, 7, 40, 90)) if keep else draw.randint(1, 90), draw.randint(1, 90)
    return {"width": width, "height": height, "aspect_ratio": {"keep": keep}}


def _rotate(draw: Draw, meta: ProjectMeta) -> Settings:
    angle = draw.choice((0, 90, -180, 30, 359.5, -0.01))
    return {
        "rotate_angles": {"min_degrees": angle, "max_degrees": draw.choice((angle, 360))},
        "black_regions": {"mode": draw.choice(("keep", "crop", "preserve_size"))},
    }


def _blur(draw: Draw, meta: ProjectMeta) -> Settings:
    if draw.random() < 0.5:
        return {"name": "median", "kernel": draw.choice((1, 3, 5, 255))}
    return {"name": "gaussian", "sigma": bounds(draw, 0, 9)}


def _contrast_brightness(draw: Draw, meta: ProjectMeta) -> Settings:
    contrast = bounds(draw, 0, 3) | {"center_grey": draw.random() < 0.5}
    both = {"contrast": contrast, "brightness": bounds(draw, -300, 300)}
    return {key: both[key] for key in draw.sample(sorted(both), draw.randint(1, 2))}


def _objects_filter(draw: Draw, meta: ProjectMeta) -> Settings:
    size = {"percent": draw.choice((0, 1, 33.3))} if draw.random() < 0.5 else {"width": 5, "height": draw.randint(0, 9)}
    rule = {"filtering_classes": titles(draw, meta), "area_size": size, "action": "delete"}
    return {"filter_by": {"polygon_sizes": rule | {"comparator": draw.choice(("less", "greater"))}}}


def _generate_hints(draw: Draw, meta: ProjectMeta) -> Settings:
    new = {"positive_class": f"in{draw.randrange(99)}", "negative_class": f"out{draw.randrange(99)}"}
    return {"class": draw.choice(meta.titles or ("nothing",)), "min_points_number": draw.randint(0, 5)} | new


def _saved(draw: Draw, meta: ProjectMeta) -> Settings:
    return {"images": draw.random() < 0.7, "annotations": draw.random() < 0.7}


def _save_masks(draw: Draw, meta: ProjectMeta) -> Settings:
    colors = {title: [draw.randrange(256) for _ in range(3)] for title in meta.titles}
    result = _saved(draw, meta)
    for masks, key in (("masks_machine", "gt_machine_color"), ("masks_human", "gt_human_color")):
        result[masks] = draw.random() < 0.5
        if result[masks] or draw.random() < 0.2:
            result[key] = colors
    return result


VECTORS = (Shape.POLYGON, Shape.LINE)

SETTINGS: dict[str, Callable[[Draw, ProjectMeta], Settings]] = {
    "data": lambda draw, meta: {"classes_mapping": "default"},
    "if": lambda draw, meta: {"condition": _condition(draw, meta)},
    "split_blocks": lambda draw, meta: {
        "share": draw.choice((0.2, 0.5, 0.9)),
        **draw.choice(({"block_m": draw.choice((9.5, 1000)), "gap_m": 3}, {"block_px": draw.choice((20, 500))})),
    },
    "tag": lambda draw, meta: {"tag": draw.choice(("old", "new")), "action": draw.choice(("add", "delete"))},
    "dataset": lambda draw, meta: draw.choice(({"name": "Ort 1"}, {"rule": "save_original"})),
    "multiply": lambda draw, meta: {"multiply": draw.randint(1, 3)},
    "dummy": lambda draw, meta: {},
    "sliding_window": _sliding_window,
    "flip": lambda draw, meta: {"axis": draw.choice(("vertical", "horizontal"))},
    "split_masks": lambda draw, meta: {
        "classes": titles(draw, meta, Shape.BITMAP),
        **({"min_confidence": 0, "method": "components"} if draw.random() < 0.2 else {}),  # more needs predictions
    },
    "drop_noise": lambda draw, meta: {
        "classes": titles(draw, meta, Shape.BITMAP),
        "min_area": draw.choice(("0px", "9px", "0.5%", "100%")),
        "src_type": draw.choice(("image", "bbox")),
    },
    "skeletonize": lambda draw, meta: {
        "classes": titles(draw, meta, Shape.BITMAP),
        "method": draw.choice(("skeletonization", "medial_axis", "thinning")),
    },
    "approx_vector": lambda draw, meta: {
        "classes": titles(draw, meta, *VECTORS),
        "epsilon": draw.choice((0.1, 1, 50)),
    },
    "bbox": lambda draw, meta: {"classes_mapping": mapping(draw, meta)},
    "bbox2poly": lambda draw, meta: {"classes_mapping": mapping(draw, meta, Shape.RECTANGLE)},
    "poly2bitmap": lambda draw, meta: {"classes_mapping": mapping(draw, meta)},
    "line2bitmap": lambda draw, meta: {"classes_mapping": mapping(draw, meta), "width": draw.choice((1, 2, 9))},
    "find_contours": lambda draw, meta: {"classes_mapping": mapping(draw, meta, Shape.BITMAP)},
    "bitmap2lines": lambda draw, meta: {
        "classes_mapping": mapping(draw, meta, Shape.BITMAP),
        "min_points_cnt": draw.randint(2, 5),
    },
    "rasterize": lambda draw, meta: {"classes_mapping": mapping(draw, meta)},
    "objects_filter": _objects_filter,
    "drop_obj_by_class": lambda draw, meta: {"classes": titles(draw, meta)},
    "rename": lambda draw, meta: {"classes_mapping": mapping(draw, meta)},
    "duplicate_objects": lambda draw, meta: {"classes_mapping": mapping(draw, meta)},
    "background": lambda draw, meta: {"class": f"ground{draw.randrange(9)}"},
    "generate_hints": _generate_hints,
    "crop": _crop,
    "instances_crop": _instances_crop,
    "resize": _resize,
    "rotate": _rotate,
    "blur": _blur,
    "noise": lambda draw, meta: {"mean": draw.uniform(-9, 9), "std": draw.uniform(0, 99)},
    "contrast_brightness": _contrast_brightness,
    "random_color": lambda draw, meta: {"strength": draw.random()},
    "supervisely": lambda draw, meta: {},
    "save": lambda draw, meta: _saved(draw, meta) | {"visualize": draw.random() < 0.3},
    "save_masks": _save_masks,
}
"""What draws the settings of each action, from the classes that arrive."""

SAVING = sorted(name for name, action in ACTIONS.items() if issubclass(action, Save))
INNER = sorted(set(SETTINGS) - {"data", *SAVING})


def random_query(draw: Draw, meta: ProjectMeta, datasets: Sequence[str], most: int = 5) -> list[LayerData]:
    """A query on one project.

    Args:
        draw: Of all that is random.
        meta: The project's.
        datasets: Of the project.
        most: Layers between where items enter and where they leave.
    """
    source = f"{meta.name}/{draw.choice(('*', *datasets))}"
    layers = [layer("data", source, "$0", **SETTINGS["data"](draw, meta))]
    metas = {"$0": meta}
    for number in range(1, draw.randint(1, most) + 1):
        read = draw.sample(sorted(metas), min(len(metas), draw.choice((1, 1, 1, 2))))
        action = draw.choice(INNER)
        names = [f"${number}", f"${number}b", f"${number}c"][: ACTIONS[action].ports]
        if len(names) > 1 and draw.random() < 0.3:
            names[draw.randrange(len(names))] = NULL
        made = layer(
            action, " ".join(read), names[0] if len(names) == 1 else names, **SETTINGS[action](draw, metas[read[0]])
        )
        after = _meta_after(made, [metas[name] for name in read])
        if after is None and draw.random() > CARELESS:
            continue
        if parsed_draws(made) and draw.random() < 0.3:
            made = drawing(made, f"layer {number}", draw.randrange(3))
        layers.append(made)
        metas |= {name: after or meta for name in names if name != NULL}
    ends = draw.sample(sorted(metas), min(len(metas), draw.randint(1, 2)))
    saving = "supervisely" if draw.random() < 0.7 else draw.choice(SAVING)
    layers.append(layer(saving, " ".join(ends), "RESULT", **SETTINGS[saving](draw, metas[ends[0]])))
    return layers


def _meta_after(made: LayerData, arriving: Sequence[ProjectMeta]) -> ProjectMeta | None:
    """The classes after a layer; None where it does not fit them."""
    try:
        (parsed,) = parse_layers([made])
        merged = arriving[0]
        for other in arriving[1:]:
            merged = merged.merged(other)
        return parsed.action.change_meta(merged)
    except FootprintsError:
        return None


def parsed_draws(made: LayerData) -> bool:
    """Whether a layer decides by chance."""
    try:
        return parse_layers([made])[0].action.draws()
    except FootprintsError:
        return False
