"""What of compiled pipelines the tests' backend understands: loops, conditions, pipelines in pipelines, outputs."""

import json
import subprocess
from pathlib import Path

import pytest
from kfp import compiler, dsl

from tests.pipelines.backend import ArtifactRoot, Backend, Step
from tests.pipelines.local_pipelines import IMAGE
from tests.pipelines.packages import shut_in


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def say(text: str, count: int = 1, about: dict = {"b": 1, "a": 2.0}) -> str:  # noqa: B006
    """Say what it was given."""
    import json

    return json.dumps([text, count, about])


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def write(text: str, written: dsl.Output[dsl.Dataset]) -> None:
    """Write a text."""
    from pathlib import Path

    Path(written.path).write_text(text)
    written.metadata["letters"] = float(len(text))


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def read(one: dsl.Input[dsl.Dataset] = None, many: dsl.Input[list[dsl.Dataset]] = None) -> str:
    """Say what is in artifacts, and what is said of them."""
    import json
    from pathlib import Path

    return json.dumps([[Path(entry.path).read_text(), entry.metadata["letters"]] for entry in many or [one]])


@dsl.pipeline(name="inner")
def inner(text: str) -> dsl.Dataset:
    return write(text=text).outputs["written"]


@dsl.pipeline(name="outer")
def outer(loud: bool, words: list[str] = ["a", "bc"], pairs: list = [{"letter": "u", "b": 1, "a": 2}]) -> str:  # noqa: B006
    with dsl.ParallelFor(words, name="words") as word:
        part = inner(text=word)
    whole = read(many=dsl.Collected(part.output))
    with dsl.ParallelFor(["x", "y"]) as letter:
        say(text=f"{letter}!")
    with dsl.ParallelFor(pairs) as pair:
        say(text=pair.letter, about=pair)
    with dsl.If(loud == True, "loud"):  # noqa: E712
        first = say(text=f"{whole.output}!")
    with dsl.Else("quiet"):
        second = say(text=whole.output, count=3)
    chosen = dsl.OneOf(first.output, second.output)
    read(one=inner(text="z").output)
    return say(text=chosen).output


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    def launch(step: Step) -> None:
        subprocess.run(step.command_line, check=True, capture_output=True, env=shut_in("cpu"))

    compiler.Compiler().compile(outer, str(tmp_path / "outer.yaml"))
    return Backend(ArtifactRoot(str(tmp_path), str(tmp_path), tmp_path), launch)


def said(backend: Backend) -> dict[str, str]:
    """What each step gave back, by its name within the run."""
    files = {step.name.partition("/")[2]: Path(step.output_file) for step in backend.steps}
    values = {name: json.loads(file.read_text()).get("parameterValues", {}) for name, file in files.items()}
    return {name: given["Output"] for name, given in values.items() if given}


def test_a_pipeline_of_every_kind_of_group(backend: Backend, tmp_path: Path) -> None:
    backend.run(tmp_path / "outer.yaml", {"loud": False})
    outputs = said(backend)
    quiet = json.dumps([json.dumps([["a", 1], ["bc", 2]]), 3, {"a": 2, "b": 1}])
    assert sorted(outputs.values()) == sorted(
        [
            '["x!", 1, {"a": 2, "b": 1}]',
            '["y!", 1, {"a": 2, "b": 1}]',
            '["u", 1, {"a": 2, "b": 1, "letter": "u"}]',
            '[["a", 1], ["bc", 2]]',
            '[["z", 1]]',
            quiet,
            json.dumps([quiet, 1, {"a": 2, "b": 1}]),
        ]
    )


def test_the_other_branch(backend: Backend, tmp_path: Path) -> None:
    backend.run(tmp_path / "outer.yaml", {"loud": True, "words": ["abc"]})
    loud = json.dumps([json.dumps([["abc", 3]]) + "!", 1, {"a": 2, "b": 1}])
    assert json.dumps([loud, 1, {"a": 2, "b": 1}]) in said(backend).values()


def test_an_unknown_argument_is_refused(backend: Backend, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no such parameters: \\['quiet'\\]"):
        backend.run(tmp_path / "outer.yaml", {"quiet": True})
