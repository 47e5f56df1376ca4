from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.core.errors import DataError
from components.core.imagery.pairs import find_pairs


def make(root: Path, *names: str) -> str:
    """Empty files, by their relative names."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return str(root)


@pytest.mark.parametrize("images", ["images", "img"])
@pytest.mark.parametrize("masks", ["ann", "gt", "masks"])
def test_both_folders_are_found_by_their_names(tmp_path: Path, images: str, masks: str) -> None:
    root = make(tmp_path, f"{images}/a.tif", f"{masks}/a.png", f"{images}/readme.txt")
    (pair,) = find_pairs(root).pairs
    assert pair.name == "a"
    assert pair.image.uri == str(tmp_path / images / "a.tif")
    assert pair.mask is not None
    assert pair.mask.uri == str(tmp_path / masks / "a.png")


def test_the_same_pairs_however_folders_are_given(tmp_path: Path) -> None:
    root = make(tmp_path, "images/a.tif", "gt/a.tif", "gt/b.tif", "images/c.jpg")
    images, masks = str(tmp_path / "images"), str(tmp_path / "gt")
    expected = find_pairs(root)
    assert find_pairs(images, masks) == find_pairs(root, masks) == find_pairs(images + "/", root) == expected
    assert find_pairs(f"file://{images}", masks) == expected
    assert (expected.unpaired_images, expected.unpaired_masks) == (("c",), ("b",))


def test_a_relative_folder_gives_absolute_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "images/a.tif")
    monkeypatch.chdir(tmp_path)
    assert find_pairs("images") == find_pairs(str(tmp_path / "images"))


def test_pairs_go_by_name_and_suffixes_may_be_in_capitals(tmp_path: Path) -> None:
    root = make(tmp_path, "img/b.TIF", "img/a.JPEG", "img/a10.png", "img/B.tif", "masks/b.PNG", "img/._a.tif")
    pairing = find_pairs(root)
    assert [pair.name for pair in pairing.pairs] == ["B", "a", "a10", "b"]
    assert pairing.unpaired_images == ("B", "a", "a10")


def test_the_order_of_the_listing_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make(tmp_path, *(f"images/town{i}.tif" for i in range(20)))
    expected = find_pairs(root)
    scan = os.scandir

    class Backwards:
        def __init__(self, path: object) -> None:
            with scan(path) as found:  # type: ignore[call-overload]
                self.entries = sorted(found, key=lambda entry: entry.name, reverse=True)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *error: object) -> None: ...

    monkeypatch.setattr(os, "scandir", Backwards)
    assert find_pairs(root) == expected


def test_images_alone_have_no_masks_to_miss(tmp_path: Path) -> None:
    root = make(tmp_path, "images/a.tif", "images/b.tif")
    for place in (root, str(tmp_path / "images")):
        pairing = find_pairs(place)
        assert [pair.mask for pair in pairing.pairs] == [None, None]
        assert (pairing.unpaired_images, pairing.unpaired_masks) == ((), ())


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "no such folder, or it is empty"),
        (("notes.txt",), "holds no image file"),
        (("images/notes.txt",), "images: holds no image file"),
        (("images/a.tif", "img/a.tif"), "holds .*images and .*img; give one of them as images_uri"),
        (("images/a.tif", "gt/a.tif", "ann/a.tif"), "holds .*ann and .*gt; give one of them as masks_uri"),
        (("images/a.tif", "labels/a.tif"), "none of its folders labels is named ann, gt or masks"),
        (("a.tif", "images/a.tif"), "holds images and also the folder"),
        (("images/a.tif", "images/a.png"), "a.png and a.tif have the same stem"),
        (("images/a.tif", "gt/a.tif", "gt/a.PNG"), "a.PNG and a.tif have the same stem"),
        (("images/a.tif", "gt/a_mask.tif"), "no image .* has a mask of the same stem.*images are a, masks a_mask"),
        (("images/a.tif", "gt/notes.txt"), "gt: holds no image file"),
    ],
)
def test_what_does_not_fit_is_explained(tmp_path: Path, names: tuple[str, ...], words: str) -> None:
    with pytest.raises(DataError, match=words):
        find_pairs(make(tmp_path / "in", *names))


def test_a_missing_folder_of_masks_is_explained(tmp_path: Path) -> None:
    root = make(tmp_path, "images/a.tif")
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        find_pairs(root, str(tmp_path / "nowhere"))
