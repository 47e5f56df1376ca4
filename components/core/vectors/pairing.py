"""Which vector file has the labels of which scene: one file for all, or one a scene."""

from __future__ import annotations

from collections.abc import Collection

from components.core.errors import DataError
from components.core.listing import first_names
from components.core.storage import absolute_uri, list_objects, name_of, stem_of
from components.core.vectors.files import SHOWN_SUFFIXES, VectorFile, is_vector, names_vector


def find_labels(labels_uri: str, names: Collection[str]) -> VectorFile | dict[str, VectorFile]:
    """The file of all scenes' labels, or each scene's own by its name.

    Args:
        labels_uri: A file, perhaps with `|layername=NAME` behind it; or a folder that holds one file a scene, of the
            scene's stem.
        names: Of the scenes.

    Raises:
        DataError: If a folder is missing or empty, holds two files of one stem, or none of a scene's.
    """
    if names_vector(labels_uri):
        file = VectorFile.parse(labels_uri)
        _ = file.format
        return file
    place = absolute_uri(labels_uri)
    found: dict[str, VectorFile] = {}
    for entry in list_objects(place, recursive=False):
        if entry.is_folder or not is_vector(entry.uri):
            continue
        stem = stem_of(entry.uri)
        if stem in found:
            raise DataError(
                f"{place}: {name_of(found[stem].uri)} and {name_of(entry.uri)} have the same stem, which names a "
                "scene; remove one"
            )
        found[stem] = VectorFile(entry.uri)
    if not found:
        raise DataError(f"{place}: holds no vector file ({SHOWN_SUFFIXES}), or there is no such folder; check it")
    if not found.keys() & set(names):
        raise DataError(
            f"{place}: no file has the stem of an image: files are {first_names(sorted(found), 3)}, images "
            f"{first_names(sorted(names), 3)}; name files after their images, or give one file that has the labels of "
            "all as labels_uri"
        )
    return found


def no_labels(image_uri: str, place: str) -> str:
    """What is wrong with an image without a file of labels where others have one.

    Args:
        image_uri: The image.
        place: The folder of the files, or the one file of annotations.
    """
    if names_vector(place):
        return (
            f"{image_uri}: is none of the images of {place}; annotate it, or set allow_unpaired where images without "
            "annotations show no building"
        )
    return (
        f"{image_uri}: has no file of its name in {place}; give it, with no feature where the image shows none, or set "
        "allow_unpaired where images without one show no building"
    )
