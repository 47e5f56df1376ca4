"""Rows of a manifest that are passed on without a look at each."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.core.errors import StorageError
from components.core.project.passthrough import stand_in_for
from components.core.storage import parse_uri

PARTS = ("/", "//", ":", "://", ".", "..", "./", "s3", "minio", "file", "ftp", "VRT", "vsi", "vsicurl", "<a", " ", "é")
NAMES = ("austin1.tif", "-", "%41", "a b", "\0", "bucket", "localhost")


def is_place(uri: str) -> bool:
    try:
        parse_uri(uri)
    except StorageError:
        return False
    return True


@given(st.lists(st.sampled_from((*PARTS, *NAMES)), max_size=7).map("".join))
@example("/vsicurl")
@example("/./vsizip")
@example("s3://bucket")
@example("s3://bucket/images/..")
@example("file://localhost")
@example("VRT:/images/austin1.tif")
def test_one_file_of_a_folder_stands_for_all(uri: str) -> None:
    assert is_place(stand_in_for(uri)) == is_place(uri)


@pytest.mark.parametrize("folder", ["s3://bucket/images", "/data/images", "images"])
def test_most_files_of_a_folder_have_the_same_stand_in(folder: str) -> None:
    assert len({stand_in_for(f"{folder}/{name}") for name in ("austin1.tif", "Wien_2.tiff", "tyrol-w3", "λ.tif")}) == 1
