"""The model in use, named by a pointer: a small JSON file that a promotion moves from one model to the next.

A run reads it once, at its start, and works with the model that it names, so that a promotion meanwhile changes
nothing in it. Keys and digests rest on that model, never on the pointer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.core import storage
from components.core.errors import ConfigError, DataError
from components.core.json_text import parse_json
from components.core.models import local_model, model_digest

SUFFIX = ".json"
DIGEST = r"^[0-9a-f]{64}$"
SHOWN = 12
"""How much of a digest messages and names have."""

RESTORE = "put back an earlier version of it, or delete it: the next promotion makes it anew"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class NamedModel(_Strict):
    """A model that a pointer names, or has named.

    Attributes:
        model_uri: Its folder.
        model: Its digest.
        promoted: When the pointer came to name it, ISO 8601 in UTC.
    """

    model_uri: str = Field(min_length=1)
    model: str = Field(pattern=DIGEST)
    promoted: str


class Champion(NamedModel):
    """Content of a pointer.

    Attributes:
        format_version: Of this file.
        run: Which run promoted it; empty where that is not known.
        rule: By which rule.
        scores: Of the held-out images, overall and by town: images, measures and the counts they come from.
        predecessors: The models that it named before, the last one first.
    """

    format_version: Literal[1] = 1
    run: str = ""
    rule: Mapping[str, Any] = {}
    scores: Mapping[str, Any] = {}
    predecessors: tuple[NamedModel, ...] = Field(default=(), strict=False)

    def as_bytes(self) -> bytes:
        """The file."""
        return (self.model_dump_json(indent=1) + "\n").encode()

    def as_predecessor(self) -> tuple[NamedModel, ...]:
        """What comes before the next one."""
        own = NamedModel(model_uri=self.model_uri, model=self.model, promoted=self.promoted)
        return (own, *self.predecessors)


@dataclass(frozen=True, slots=True)
class SeenPointer:
    """A pointer as it was read.

    Attributes:
        uri: Where it lies.
        content: Its bytes; None where there is none.
        champion: What they say.
    """

    uri: str
    content: bytes | None
    champion: Champion | None


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model's folder, however it was named.

    Attributes:
        uri: Of the folder.
        pointer_uri: Of the pointer that named it; empty where the folder itself was given.
        champion: What the pointer says; None without one.
    """

    uri: str
    pointer_uri: str = ""
    champion: Champion | None = None

    @property
    def predecessors(self) -> tuple[str, ...]:
        """Digests of the models that the pointer named before, the last one first; not that of this one."""
        if self.champion is None:
            return ()
        return tuple(known.model for known in self.champion.predecessors if known.model != self.champion.model)

    def check(self, found: str) -> None:
        """See that a folder holds what the pointer says.

        Args:
            found: Digest of the model in it.

        Raises:
            DataError: If it holds another model.
        """
        if self.champion is not None and found != self.champion.model:
            raise DataError(
                f"model: {self.uri} holds the model {found[:SHOWN]}, and the pointer {self.pointer_uri} says "
                f"{self.champion.model[:SHOWN]}; give each model a folder of its own. For the pointer: {RESTORE}"
            )


def is_pointer(uri: str | Path) -> bool:
    """Whether a place is that of a pointer and not of a model's folder, by its name."""
    return storage.suffix_of(uri).lower() == SUFFIX


def read_pointer(uri: str) -> SeenPointer:
    """Read a pointer that may not be there yet.

    Raises:
        DataError: If there is something that is no pointer, or one that names no model's folder.
        StorageError: If the place cannot be asked.
    """
    if not storage.exists(uri):
        return SeenPointer(uri, None, None)
    content = storage.read_bytes(uri)
    try:
        champion = Champion.model_validate(parse_json(content) or {})
        storage.parse_uri(champion.model_uri)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise DataError(f"{uri}: is no pointer to a model that this release knows ({faults}); {RESTORE}") from error
    except ValueError as error:
        raise DataError(f"{uri}: is not JSON ({error}), as a pointer to a model is; {RESTORE}") from error
    if is_pointer(champion.model_uri):
        what = "itself" if storage.parse_uri(champion.model_uri) == storage.parse_uri(uri) else "another pointer"
        raise DataError(
            f"{uri}: model_uri: {champion.model_uri} is {what}, and a pointer names a model's folder; {RESTORE}"
        )
    return SeenPointer(uri, content, champion)


def resolve_model(uri: str) -> ResolvedModel:
    """Find the folder of a model.

    Args:
        uri: The folder itself, or a pointer to it, which ends in ".json".

    Raises:
        DataError: If the pointer is not there, or is none.
        StorageError: If it cannot be read.
    """
    if not uri or not is_pointer(uri):
        return ResolvedModel(uri)
    champion = read_pointer(uri).champion
    if champion is None:
        raise DataError(
            f"model: there is no pointer {uri}; check the path, give a model's folder, or promote a first model "
            "(a training run with promote_config)"
        )
    return ResolvedModel(champion.model_uri, uri, champion)


@contextmanager
def local_champion(seen: SeenPointer, champion: Champion) -> Iterator[Path]:
    """Give the folder of a pointer's model on local disk.

    Raises:
        DataError: If its files are gone, or are another model's.
        StorageError: If it cannot be fetched.
    """
    with ExitStack() as open_files:
        try:
            folder = open_files.enter_context(local_model(champion.model_uri))
        except DataError as error:
            if str(error).startswith(f"model: {champion.model_uri} holds no "):
                gone = f"{seen.uri}: names a model that is gone: {error}. For the pointer: {RESTORE}"
                raise DataError(gone) from error
            raise
        ResolvedModel(champion.model_uri, seen.uri, champion).check(model_digest(folder))
        yield folder


def check_same_classes(new: Sequence[str], old: Sequence[str], pointer: str) -> None:
    """See that two models know the same classes.

    Args:
        new: Titles of the new model's, in order.
        old: Those of the model in use.
        pointer: What names that, for messages.

    Raises:
        ConfigError: If not.
    """
    if list(new) != list(old):
        raise ConfigError(
            f"{pointer} names a model of the classes {list(old)}, and the new model's are {list(new)}; "
            "give a pointer of its own to each kind of model, or train with the same classes (classes_mapping)"
        )
