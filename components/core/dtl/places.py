"""Errors that tell where in a query they belong: the layer, its action, and the path to the setting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from components.core.dtl.action import QueryLayer
from components.core.errors import FootprintsError


@contextmanager
def at_layer(layer: QueryLayer) -> Iterator[None]:
    """Let errors of the block tell the layer's place and action; see `at_place`."""
    with at_place(layer.place, layer.action.name):
        yield


@contextmanager
def at_place(place: str, action: str) -> Iterator[None]:
    """Let errors of the block tell a place and an action, unless they do.

    Args:
        place: A layer's path in the query, such as `query[2]`.
        action: Name of the layer's action; empty where it is not known.

    Raises:
        FootprintsError: As the block does, and of the same kind and cause.
    """
    try:
        yield
    except FootprintsError as error:
        told = type(error)(*(_told(fault, place, action) for fault in error.faults or (str(error),)))
        raise told from error.__cause__


def _told(fault: str, place: str, action: str) -> str:
    start = fault if fault.startswith((f"{place}:", f"{place}.")) else f"{place}: {fault}"
    known = not action or any(f"{mark}{action}{mark}" in fault for mark in ("`", "'"))
    return start if known else f"{start} (action `{action}`)"
