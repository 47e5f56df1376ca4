"""A rule of documents: a value that names one vector file."""

from __future__ import annotations

from components.core.vectors.files import SHOWN_SUFFIXES, names_vector


def one_vector_file(uri: str) -> str:
    """The value itself, where it is empty or names a vector file.

    Raises:
        ValueError: If it does not.
    """
    if uri and not names_vector(uri):
        raise ValueError(f"is no vector file by its name; give one that ends in {SHOWN_SUFFIXES}")
    return uri
