"""What the stages did that a project has been through: `history.json` beside its manifest.

It tells of times and of images that were skipped, so it is not a part of the manifest or of its digest: two runs that
give the same project differ in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core.errors import DataError
from components.core.json_text import parse_json
from components.core.skip_budget import Skipped

HISTORY_FILE = "history.json"


@dataclass(frozen=True, slots=True)
class StageRun:
    """What one step did.

    Attributes:
        stage: Name of the stage, such as "infer_windows".
        scenes: How many images it did.
        megapixels: Of these images.
        seconds: From its first image to its last.
        skipped: Images that it could not do.
    """

    stage: str
    scenes: int
    megapixels: float
    seconds: float
    skipped: tuple[Skipped, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """An entry of the file, which calls what was skipped `left_out`, as earlier versions did."""
        return {
            "stage": self.stage,
            "scenes": self.scenes,
            "megapixels": self.megapixels,
            "seconds": self.seconds,
            "left_out": [entry.as_json() for entry in self.skipped],
        }

    @classmethod
    def of_json(cls, entry: dict[str, Any]) -> StageRun:
        """What `as_json` gave.

        Raises:
            KeyError: If it lacks something.
            TypeError: If it is something else.
        """
        values = dict(entry)
        skipped = tuple(Skipped(**left_out) for left_out in values.pop("left_out"))
        return cls(**values, skipped=skipped)


def read_history(directory: Path | str) -> tuple[StageRun, ...]:
    """The steps that led to a project, in order; none where it does not say.

    Raises:
        DataError: If the file is there and is not what `write_history` wrote.
    """
    file = Path(directory) / HISTORY_FILE
    try:
        return tuple(map(StageRun.of_json, parse_json(file.read_bytes())))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file}: cannot be read ({error}); run the stage that wrote the project again") from error


def write_history(directory: Path | str, history: Sequence[StageRun]) -> None:
    """Write the steps that led to a project into its directory, where there are any."""
    if history:
        text = json.dumps([entry.as_json() for entry in history], indent=1, ensure_ascii=False)
        (Path(directory) / HISTORY_FILE).write_text(text + "\n", encoding="utf-8")


def merged_histories(histories: Iterable[Sequence[StageRun]]) -> tuple[StageRun, ...]:
    """The steps of several projects as one history, in order of first appearance.

    Steps that are equal in every respect are one step that the projects have in common.
    """
    return tuple(dict.fromkeys(entry for history in histories for entry in history))
