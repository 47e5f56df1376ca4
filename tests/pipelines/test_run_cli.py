"""`python -m pipelines run`: what is found wrong before anything starts."""

from pathlib import Path

import pytest

from components.core.cli import run_main
from pipelines.__main__ import parser

FAULTS = {
    "split-tagging-query": ('[{"action": "data"}]', "query[0].src: is missing"),
    "crop-augment-query": ('[{"action": "mirror"', "query: is not JSON"),
    "split-masks-query": ("[]", "query: has no `data` layer"),
    "train-config": ('{"epohcs": 3}', "train.config: epohcs: unknown key; known keys: "),
    "inference-config": ('{"mode": {"window": {"width": 0}}}', "inference.config: mode.window.width: 0: "),
}


@pytest.mark.parametrize("flag", FAULTS)
def test_a_fault_in_a_file_of_the_users_is_told_with_the_file(
    flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, message = FAULTS[flag]
    file = tmp_path / "mine.json"
    file.write_text(text)
    options = ["run", "--runs", str(tmp_path / "runs"), f"--{flag}", str(file)]
    assert run_main(lambda given: given.main(given), parser(), options) == 2
    assert capsys.readouterr().err.startswith(f"python -m pipelines: {file}: {message}")
    assert not (tmp_path / "runs").exists()
