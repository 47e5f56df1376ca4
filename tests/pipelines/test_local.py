"""Local runs: each finds its own folder, and a failure is told by the stage's own message."""

import io
import re
import threading
from pathlib import Path

import pytest

from pipelines.local import LATEST, RunFailedError, run_pipeline
from pipelines.run_display import CLEAR_LINE, RunDisplay
from pipelines.stage_output import NO_MESSAGE, StageOutput
from tests.pipelines.local_pipelines import checking, nesting, showing, writing
from tests.waiting import HANGS_S


def failure_of(pipeline, arguments, runs) -> str:
    with pytest.raises(RunFailedError) as caught:
        run_pipeline(pipeline, arguments, runs)
    return str(caught.value)


def test_a_run_finds_its_own_folder_while_another_goes_on_beside_it(tmp_path):
    results = run_pipeline(writing, {"text": "outer", "runs": str(tmp_path)}, tmp_path)
    assert results.path("write/said").read_text() == "outer"
    assert (tmp_path / LATEST).resolve() == results.folder.resolve()
    assert results.folder.parent == tmp_path
    folders = {path for path in tmp_path.iterdir() if not path.is_symlink()}
    (other,) = folders - {results.folder}
    assert (other / "write" / "said").read_text() == "inside outer"
    assert {path.name for path in tmp_path.iterdir()} == {LATEST, results.folder.name, other.name}


def test_a_report_has_a_name_that_a_browser_takes_for_a_page(tmp_path):
    results = run_pipeline(showing, {"text": "<!DOCTYPE html>"}, tmp_path)
    assert results.path("show/report.html").read_text() == "<!DOCTYPE html>"
    assert not results.path("show/report.html").is_symlink(), "a browser follows a link to a name without a suffix"
    assert results.path("show/report").read_text() == "<!DOCTYPE html>"


def test_the_pipeline_is_left_as_it_was(tmp_path):
    before = writing.pipeline_spec.SerializeToString(deterministic=True)
    run_pipeline(writing, {"text": "a"}, tmp_path)
    assert writing.pipeline_spec.SerializeToString(deterministic=True) == before


def test_a_failed_stage_is_told_by_its_own_message_once(tmp_path, capsys):
    said = failure_of(nesting, {"first": 1}, tmp_path)
    assert said == "check failed: town1: has no size; measure it: {'a': 1}"
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("check ") and lines[-1].endswith(" s  failed")
    name, log = last.split()
    assert name == "log"
    assert Path(log).read_text().count("Traceback") == 2
    assert not (tmp_path / LATEST).exists()


def test_stages_that_failed_side_by_side_are_all_named(tmp_path):
    said = failure_of(checking, {"numbers": [1, 2]}, tmp_path)
    messages = ["check-2 failed: town1: has no size; measure it: {'a': 1}", "check-2 failed: ValueError: two"]
    assert said in ("; ".join(messages), "; ".join(reversed(messages)))


def test_a_stage_that_was_killed_is_named(tmp_path):
    assert failure_of(checking, {"numbers": [0], "first": 3}, tmp_path) == f"check failed {NO_MESSAGE}"


def start(name: str) -> str:
    return f"10:00:00.000 - INFO - Executing task \x1b[96m'{name}'\x1b[0m\n"


def end(name: str, status: str) -> str:
    return f"10:00:01.000 - ERROR - Task \x1b[96m'{name}'\x1b[0m finished with status \x1b[91m{status}\x1b[0m\n"


def trace(error: str) -> str:
    lines = ["Traceback (most recent call last):", '  File "a.py", line 3, in f', "    raise Error(text)", error]
    return "".join(f"    {line}\n" for line in lines)


FAULTS = (
    "components.core.errors.InputsError: 2 faults, and nothing was done:\n    1. lr: -1 is negative\n"
    "    2. images_uri: is empty"
)


def test_threads_are_told_apart_whatever_their_lines_are_cut_into():
    stream = io.StringIO()
    output = StageOutput(stream, RunDisplay(io.StringIO()))
    turns = [threading.Event() for _ in range(3)]

    def part(name: str, turn: int) -> None:
        text = start(name) + trace(f"components.core.errors.DataError: {name} is broken") + end(name, "FAILURE")
        for position, letter in enumerate(text):
            if position == len(text) // 2:
                turns[1 - turn].set()
                turns[turn].wait(HANGS_S)
            output.write(letter)
        turns[1 - turn].set()

    threads = [threading.Thread(target=part, args=entry) for entry in (("first", 0), ("second", 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(output.failures().split("; ")) == {
        "first failed: first is broken",
        "second failed: second is broken",
    }
    assert stream.getvalue().count("\n") == 2 * 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (start("a") + trace("ValueError: x") + end("a", "SUCCESS"), ""),
        (start("a") + trace("ValueError: x"), "a failed: ValueError: x"),
        (start("a") + trace("KeyError: 1") + trace("MemoryError") + end("a", "FAILURE"), "a failed: MemoryError"),
        (start("a") + trace("E: 1") + end("a", "SUCCESS") + start("b") + end("b", "FAILURE"), f"b failed {NO_MESSAGE}"),
        (trace("ValueError: of nobody"), ""),
        (
            start("a") + trace(FAULTS) + "    said later\n    3. no fault\n" + end("a", "FAILURE"),
            "a failed: 2 faults, and nothing was done:\n1. lr: -1 is negative\n2. images_uri: is empty",
        ),
    ],
)
def test_what_is_heard(text, expected):
    output = StageOutput(io.StringIO(), RunDisplay(io.StringIO()))
    output.write(text)
    assert output.failures() == expected


def say(level: str, text: str) -> str:
    return f"    [KFP Executor 2026-11-27 17:04:38,859 {level}]: {text}\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, *texts: str) -> list[str]:
    """What a person sees of a run in the end, without times: a line that starts over replaces what stood there."""
    output = StageOutput(io.StringIO(), RunDisplay(stream))
    for text in texts:
        output.write(text)
    output.end()
    return [timeless(line) for line in stream.getvalue().rstrip("\n").split("\n")]


def timeless(line: str) -> str:
    return re.sub(r" +\d+\.\d s", " TIME", line.rpartition(CLEAR_LINE)[2])


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_stage_is_one_line_with_its_time_and_what_it_said_last_beside_its_warnings(stream):
    first, warning, second, third = shown(
        stream(),
        start("import-images"),
        say("INFO", "Got executor_input:"),
        '    {"inputs": {}}\n',
        say("INFO", "3 of 10 scenes, 5 s"),
        say("WARNING", "2 masks a, b: hold one of the values 1, 2 each"),
        say("INFO", "10 scenes, 12.3 s"),
        say("INFO", "Wrote executor output file to /tmp/x"),
        end("import-images", "SUCCESS"),
        start("train-unet"),
        say("INFO", "epoch 1 of 3"),
        end("train-unet", "FAILURE"),
        start("lost-its-end"),
    )
    assert first == "import-images         warning: 2 masks a, b: hold one of the values 1, 2 each"
    assert warning == "import-images TIME  10 scenes, TIME"
    assert second == "train-unet TIME  failed"
    assert third == "lost-its-end TIME"


def test_a_terminal_shows_how_far_a_stage_is():
    stream = Terminal()
    output = StageOutput(io.StringIO(), RunDisplay(stream))
    output.write(start("import-images"))
    output.write(say("INFO", "3 of 10 scenes, 5 s"))
    assert timeless(stream.getvalue()) == "import-images TIME  3 of 10 scenes, 5 s"
