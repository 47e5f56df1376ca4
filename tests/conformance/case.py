"""A recorded case, and what our engine makes of it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core.dtl.actions import ACTIONS
from components.core.dtl.run import execute_query
from components.core.errors import ConfigError, DataError, FootprintsError
from components.core.project import open_project
from tests.conformance.comparing import Rules, project_differences, render_differences

AGREES = "agrees"
DIFFERS = "differs"
NOT_OFFERED = "not offered"

REFUSED = "config_error"
"""Outcome of a case whose query is faulty."""


@dataclass(frozen=True)
class Case:
    """A query, its projects, and how it ended when it was recorded.

    Attributes:
        folder: Holds `query.json`, `input/<PROJECT>`, `expected` and `case.json`.
        actions: Of its layers.
        outcome: "ok", "config_error" (refused) or "image_skipped".
        skipped: "project/dataset/name" of the images that failed.
        rules: How the result is compared.
        quirk: What would be better, where the recorded behaviour is a weakness; else empty.
    """

    folder: Path
    actions: tuple[str, ...]
    outcome: str
    skipped: tuple[str, ...]
    rules: Rules
    quirk: str

    @classmethod
    def read(cls, folder: Path) -> Case:
        """Read a case's `case.json`.

        Raises:
            DataError: If it is not a case.
        """
        file = folder / "case.json"
        try:
            data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return cls(
                folder,
                tuple(data["actions"]),
                data["outcome"],
                tuple(entry["image"] for entry in data.get("skipped", [])),
                Rules(data["images"], frozenset(data["ignore"])),
                str(data.get("quirk", "")),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{file}: does not describe a case ({error!r}); it says actions, outcome, images and ignore"
            ) from error

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.folder.name


@dataclass(frozen=True)
class Verdict:
    """What came of a case.

    Attributes:
        case: The case.
        word: "agrees", "differs" or "not offered".
        notes: The differences, or the actions that are not offered.
    """

    case: Case
    word: str
    notes: tuple[str, ...] = ()

    @property
    def is_failure(self) -> bool:
        """Whether our engine is wrong; where the recorded behaviour is a weakness, it may differ."""
        return self.word == DIFFERS and not self.case.quirk

    def line(self) -> str:
        """The verdict for a reader."""
        head = f"{'quirk, ' if self.case.quirk else ''}{self.word}"
        if self.word == NOT_OFFERED:
            return f"{head:<18} {self.case.name} (because of {', '.join(self.notes)})"
        return "\n    ".join((f"{head:<18} {self.case.name}", *self.notes))


def find_cases(folder: Path) -> list[Case]:
    """Every case in a folder of cases, by name.

    Raises:
        DataError: If there is none.
    """
    found = sorted(file.parent for file in folder.glob("*/case.json"))
    if not found:
        raise DataError(f"{folder}: holds no case; a case is a folder with a case.json")
    return [Case.read(path) for path in found]


def judge(case: Case) -> Verdict:
    """Run a case's query and compare what comes out.

    An action that we do not have is a lack only where the case has a result: one that is refused agrees with a refusal.
    """
    missing = tuple(dict.fromkeys(action for action in case.actions if action not in ACTIONS))
    if missing and case.outcome != REFUSED:
        return Verdict(case, NOT_OFFERED, missing)
    with tempfile.TemporaryDirectory() as folder:
        notes = _notes(case, Path(folder))
    return Verdict(case, DIFFERS if notes else AGREES, tuple(notes))


def _notes(case: Case, folder: Path) -> list[str]:
    output = folder / "output"
    try:
        projects = sorted((case.folder / "input").iterdir())
        run = execute_query(case.folder / "query.json", projects, output, max_bad=None, allow_empty=True)
    except ConfigError as error:
        if case.outcome != REFUSED:
            return [f"was refused: {error}"]
        return [f"{path.name}: was written, though the query is refused" for path in folder.iterdir()]
    except FootprintsError as error:
        return [f"failed: {error}"]
    if case.outcome == REFUSED:
        return ["was not refused"]
    failed = {entry.name for entry in run.result.skipped}
    return [
        *(f"{name}: came out, and should be skipped" for name in sorted(set(case.skipped) - failed)),
        *(
            f"{entry.name}: was skipped: {entry.reason}"
            for entry in run.result.skipped
            if entry.name not in case.skipped
        ),
        *project_differences(open_project(case.folder / "expected"), open_project(output), case.rules),
        *render_differences(case.folder / "expected", output, case.rules),
    ]
