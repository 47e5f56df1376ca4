"""Flags of a command that are options of the imagery, and faults of these by the flags' names."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic import BaseModel

from components.core.documents.imagery import WHERE
from components.core.errors import InputsError
from components.core.faults import Faults
from pipelines.local_cli import ReadDocument, own_document
from pipelines.places import absolute_place

FLAGS = {
    "captured_pattern": "--captured-pattern",
    "scaling": "--scaling",
    "allow_unpaired": "--allow-unpaired",
    "aoi_uri": "--aoi",
    "assets": "--asset",
}
"""By the options' keys."""


def add_image_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of options that both pipelines have."""
    parser.add_argument(
        FLAGS["aoi_uri"],
        dest="aoi_uri",
        default="",
        metavar="FILE",
        help="vector file of the area of interest: only imagery in it is taken; else all",
    )
    parser.add_argument(
        FLAGS["assets"],
        dest="assets",
        action="append",
        default=[],
        metavar="NAME",
        help="name or role of the asset that is the image of a STAC item; several times for one band each",
    )


def images_options(options: argparse.Namespace, kind: type[BaseModel], read: ReadDocument) -> Any:
    """The options of the imagery that a command's flags say, but for those that say what holds anyway.

    Args:
        options: Of the command.
        kind: Which options there are.
        read: How documents are taken.

    Returns:
        The document, or its JSON text.
    """
    given = {key: getattr(options, key) for key in kind.model_fields}
    given["aoi_uri"] = absolute_place(options.aoi_uri)
    document = {key: value for key, value in given.items() if value != kind.model_fields[key].default}
    if read is own_document:
        return document
    return json.dumps(document) if document else ""


def by_flags(check: Callable[[], None]) -> Callable[[], None]:
    """A check whose faults of options name the flags that say them."""
    return partial(_run, check)


def _run(check: Callable[[], None]) -> None:
    found = Faults()
    with found.caught():
        check()
    if found.found:
        raise InputsError(*map(_named, found.found))


def _named(fault: str) -> str:
    flag = f"--{WHERE.replace('_', '-')}"
    return re.sub(rf"^{flag}(?:: |\.)(\w+)", lambda match: FLAGS.get(match[1], match[0]), fault)
