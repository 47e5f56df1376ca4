"""What the commands that run a pipeline on this machine share: runners, documents, and checks of a user's own ones.

What checks a document is imported where there is one to check: queries need the DTL's engine, a training config needs
the network's library, and neither is needed to start the stages.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from components.core.settings import naming_file, read_document
from pipelines.documents import laptop_documents, tutorial_documents
from pipelines.places import text_of_file

RUNNERS = ("subprocess", "docker")
DOCUMENTS = {"laptop": laptop_documents, "tutorial": tutorial_documents}


def _check_query(text: str) -> None:
    from components.core.dtl.graph import build_query
    from components.core.dtl.query import read_query

    build_query(read_query(text))


def _check_training_config(text: str) -> None:
    from components.core.documents.training import load_config

    load_config(text)


def _check_inference_config(text: str) -> None:
    from components.core.documents.inference import load_config

    load_config(text)


CHECKS: Mapping[str, Callable[[str], None]] = {
    "split_tagging_query": _check_query,
    "crop_augment_query": _check_query,
    "train_config": _check_training_config,
    "inference_config": _check_inference_config,
    "split_masks_query": _check_query,
}
"""By the option that names a file; a command has some of them."""


def check_own_documents(options: argparse.Namespace) -> None:
    """Find faults of a user's own documents now, not after the stages before theirs.

    Args:
        options: Of a command; each file in them that is of `CHECKS` is checked. Documents that come with the code are
            not: its tests do that.

    Raises:
        ConfigError: If a file cannot be read or breaks a rule; names it.
    """
    for option, check in CHECKS.items():
        file = getattr(options, option, "")
        text = text_of_file(file)
        if text:
            with naming_file(file):
                check(text)


def own_document(options: argparse.Namespace, option: str) -> Any:
    """The document in a user's own file.

    Args:
        options: Of a command.
        option: The one that names the file.

    Returns:
        The parsed JSON; an empty list where no file is named.

    Raises:
        ConfigError: If the file cannot be read, or is no JSON.
    """
    file = getattr(options, option)
    return read_document(file, option) if file else []
