"""A pipeline of two tasks, with a parameter of each type; compiled by the tests that submit it."""

from pathlib import Path

from kfp import compiler, dsl


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def first(data_root: str, seed: int) -> str:
    return f"{data_root} {seed}"


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def second(text: str, share: float, tags: list[str], strict: bool, extra: dict[str, int]) -> str:
    return f"{text} {share} {tags} {strict} {extra}"


@dsl.pipeline(name="tiny-pipeline")
def tiny(
    data_root: str,
    seed: int = 0,
    share: float = 0.5,
    tags: list[str] = ["test"],  # noqa: B006
    strict: bool = False,
    extra: dict[str, int] = {},  # noqa: B006
) -> None:
    begun = first(data_root=data_root, seed=seed)
    with dsl.If(seed > 0):
        second(text=begun.output, share=share, tags=tags, strict=strict, extra=extra)


def compile_tiny(file: Path) -> Path:
    compiler.Compiler().compile(tiny, str(file))
    return file
