"""Places on the command line: what they mean, and whether they take what a run writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core.errors import InputsError
from pipelines.__main__ import parser
from pipelines.places import absolute_place


def test_a_place_means_the_same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "circle").symlink_to("circle")
    assert [absolute_place(place) for place in ("in", "link/in", "../in", "s3://bucket/in", "")] == [
        str(tmp_path / "in"),
        str(tmp_path / "real" / "in"),
        str(tmp_path.parent / "in"),
        "s3://bucket/in",
        "",
    ]
    assert absolute_place("circle/in") == str(tmp_path / "circle" / "in"), "whoever writes there says what is wrong"


@pytest.mark.parametrize("command", [["run"], ["detect", "--images", "in", "--model", "model"]], ids=["run", "detect"])
def test_a_folder_of_runs_that_cannot_be_written_is_named_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("circle").symlink_to("circle")
    for place, rule in (
        ("file", "Not a directory"),
        ("file/x", "Not a directory"),
        ("a" * 300, "File name too long"),
        ("circle", "is a link that leads nowhere"),
    ):
        options = parser().parse_args([*command, "--runs", place])
        with pytest.raises(InputsError, match=f"--runs: {place}: cannot write it: .*{rule}"):
            options.main(options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["circle", "file"]
