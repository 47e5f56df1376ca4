"""Pipelines of every form that Kubeflow knows, without a purpose; compiled by the tests that estimate their size."""

from pathlib import Path
from typing import Any

from kfp import compiler, dsl, kubernetes

from pipelines.package import PipelinePackage, read_package


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def items(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def work(item: str, made: dsl.Output[dsl.Dataset]) -> None:
    pass


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def check(item: str) -> int:
    return len(item)


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def merge(parts: dsl.Input[list[dsl.Dataset]]) -> None:
    pass


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def tidy() -> None:
    pass


@dsl.pipeline(name="line")
def line(item: str = "a") -> int:
    first = check(item=item)
    return check(item=f"{item}{first.output}").output


@dsl.pipeline(name="forms")
def forms(number: int = 2) -> None:
    with dsl.ExitHandler(tidy()):
        given = items(count=number)
        with dsl.ParallelFor(given.output) as item:
            nested = line(item=item).set_retry(3)
            with dsl.If(nested.output > 0):
                worked = work(item=item)
                with dsl.ParallelFor(["x", "y", "z"]) as letter:
                    check(item=letter).after(worked)
        with dsl.If(number == 1):
            with dsl.ParallelFor(given.output) as again:
                part = work(item=again)
            merge(parts=dsl.Collected(part.outputs["made"]))
        with dsl.Elif(number == 2):
            check(item="a")
        with dsl.Else():
            tidy()


@dsl.pipeline(name="choice")
def choice(number: int = 2) -> None:
    with dsl.If(number == 1):
        long = line(item="long")
    with dsl.Else():
        short = check(item="short")
    items(count=dsl.OneOf(long.output, short.output))


@dsl.pipeline(name="labelled")
def labelled() -> None:
    plain = tidy()
    for task in (plain, check(item="a").set_retry(2), check(item="b")):
        kubernetes.add_pod_label(task, "team", "mapping")
    kubernetes.add_pod_annotation(plain, "note", "first")


def compile_sized(pipeline: Any, folder: Path) -> PipelinePackage:
    """Compile one of these pipelines, and read it again."""
    file = folder / f"{pipeline.name}.yaml"
    compiler.Compiler().compile(pipeline, str(file))
    return read_package(str(file))
