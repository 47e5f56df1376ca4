"""Small pipelines for local runs: steps that write, fail, are killed, or start a run of their own."""

import sys
from pathlib import Path

from kfp import dsl

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def write(text: str, said: dsl.Output[dsl.Artifact], runs: str = "") -> None:
    """Write a text; where `runs` is given, run the pipeline `writing` in that folder meanwhile."""
    import os
    import subprocess
    import sys
    from pathlib import Path

    if runs:
        outside = {name: value for name, value in os.environ.items() if name != "_KFP_RUNTIME"}
        command = [sys.executable, "-m", "tests.pipelines.local_pipelines", f"inside {text}", runs]
        subprocess.run(command, check=True, env=outside)
    Path(said.path).write_text(text)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def check(number: int) -> int:
    """Fail in a way that the number chooses; others pass."""
    import os
    import signal

    from components.core.errors import DataError

    if number == 1:
        try:
            raise KeyError("size")
        except KeyError as error:
            raise DataError("town1: has no size; measure it: {'a': 1}") from error
    if number == 2:
        raise ValueError("two")
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def show(text: str, report: dsl.Output[dsl.HTML]) -> None:
    """Write a page."""
    from pathlib import Path

    Path(report.path).write_text(text)


@dsl.pipeline(name="showing")
def showing(text: str) -> None:
    show(text=text)


@dsl.pipeline(name="writing")
def writing(text: str, runs: str = "") -> None:
    write(text=text, runs=runs)


@dsl.pipeline(name="checking")
def checking(numbers: list[int], first: int = 0) -> None:
    begun = check(number=first).set_retry(num_retries=3)
    with dsl.ParallelFor(numbers) as number:
        check(number=number).after(begun)


@dsl.pipeline(name="nesting")
def nesting(first: int) -> None:
    checking(numbers=[0], first=first)


if __name__ == "__main__":
    from pipelines.local import run_pipeline

    run_pipeline(writing, {"text": sys.argv[1]}, Path(sys.argv[2]))
