"""Faults in the names that the user knows parameters by."""

from __future__ import annotations

import pytest

from components.core.errors import ConfigError, InputsError
from components.core.preflight.named_faults import NamedFaults

NAMES = {
    "masks_uri": "images_masks_uri",
    "formats": "footprints_formats",
    "query": "query",
    "max_bad": "images_max_bad",
}


@pytest.mark.parametrize(
    ("key", "head", "text", "said"),
    [
        ("formats", "", "formats: 'shp' is not one of gpkg", "footprints_formats: 'shp' is not one of gpkg"),
        ("masks_uri", "", "/a/b: there is no such folder", "images_masks_uri: /a/b: there is no such folder"),
        ("query", "", "max_bad: -1 is negative", "images_max_bad: -1 is negative"),
        ("query", "query", "query[3].settings.tag: is missing", "query[3].settings.tag: is missing"),
        ("formats", "query", "query[3].dst: 3", "footprints_formats[3].dst: 3"),
        ("formats", "train.config", "train.config: lr: 0", "footprints_formats: lr: 0"),
        ("formats", "x.config", "mine.json: x.config: lr: 0", "footprints_formats: mine.json: x.config: lr: 0"),
        ("formats", "x.config", "x.config: a: known keys: masks_uri", "footprints_formats: a: known keys: masks_uri"),
        ("formats", "", "give one as masks_uri.", "footprints_formats: give one as images_masks_uri."),
        ("formats", "", "/data/masks_uri/x: gone", "footprints_formats: /data/masks_uri/x: gone"),
        ("formats", "", "old_masks_uri is another word", "footprints_formats: old_masks_uri is another word"),
    ],
)  # fmt: skip
def test_what_is_said(key: str, head: str, text: str, said: str) -> None:
    faults = NamedFaults(NAMES)
    with faults.of(key, head=head):
        raise ConfigError(text)
    assert faults.found == [said]


def test_a_fault_of_several_parameters_names_them_all_and_is_told_once() -> None:
    faults = NamedFaults(NAMES)
    for _ in range(2):
        with faults.of("masks_uri", "formats"):
            raise ConfigError("s3://b: gone", "s3://c: gone")
    assert faults.found == [f"images_masks_uri, footprints_formats: s3://{name}: gone" for name in "bc"]


def test_one_fault_is_one_line_and_several_are_numbered() -> None:
    faults = NamedFaults(NAMES)
    faults.raise_any()
    faults.add("a: is wrong; fix it")
    with pytest.raises(InputsError) as caught:
        faults.raise_any()
    assert str(caught.value) == "a: is wrong; fix it"
    faults.add("b: is wrong, too; fix it")
    with pytest.raises(ConfigError) as both:
        faults.raise_any()
    assert str(both.value) == "2 faults, and nothing was done:\n1. a: is wrong; fix it\n2. b: is wrong, too; fix it"
    assert both.value.faults == ("a: is wrong; fix it", "b: is wrong, too; fix it")


def test_errors_that_are_nobodys_fault_go_on() -> None:
    with pytest.raises(ZeroDivisionError), NamedFaults(NAMES).of("formats"):
        raise ZeroDivisionError
