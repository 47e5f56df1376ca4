"""Parameters of a run, and cron expressions, before anything is sent."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import ConfigError
from pipelines.arguments import read_arguments
from pipelines.cron import FIELDS, checked_cron
from pipelines.package import read_package


def test_every_type_as_a_flag(tiny: Path) -> None:
    flags = ["data_root=a=b", "seed=-3", "share=1e-3", "strict=True", 'tags=["a"]', 'extra={"n": 1}']
    assert read_arguments(read_package(str(tiny)), None, flags) == {
        "data_root": "a=b",
        "seed": -3,
        "share": 0.001,
        "strict": True,
        "tags": ["a"],
        "extra": {"n": 1},
    }


@pytest.mark.parametrize("name", ["params.json", "params.yaml"])
def test_flags_go_before_the_file(tiny: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text('{"data_root": "a", "seed": 1, "share": 1, "extra": {"n": [1, null]}}')
    arguments = read_arguments(read_package(str(tiny)), file, ["seed=2"])
    assert arguments == {"data_root": "a", "seed": 2, "share": 1, "extra": {"n": [1, None]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: seven", "params.yaml: seed: 'seven' must be a whole number"),
        ("seed: 1.5", "seed: 1.5 must be a whole number"),
        ("seed: true", "seed: True must be a whole number"),
        ("share: .nan", "share: nan must be a finite number"),
        ("strict: 1", "strict: 1 must be true or false"),
        ("tags: test", "tags: 'test' must be a list"),
        ("tags: [2024-01-01]", "must be a list"),
        ("extra: [1]", "extra: [1] must be a mapping"),
        ("seeed: 1", "params.yaml: seeed: pipeline 'tiny-pipeline' has no such parameter; it has: data_root"),
        ("- seed", "must hold one mapping"),
        ("seed: [", "is neither YAML nor JSON"),
    ],
)
def test_bad_files(tiny: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_arguments(read_package(str(tiny)), tmp_path / "params.yaml", ["data_root=a"])
    assert message in str(caught.value)


def test_text_must_be_text(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("data_root: 2024")
    with pytest.raises(ConfigError, match="data_root: 2024 must be text"):
        read_arguments(read_package(str(tiny)), tmp_path / "params.yaml", [])


def test_all_faults_at_once(tiny: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_arguments(read_package(str(tiny)), None, ["seed", "share=x", "strict=yes", "tags=a"])
    message = str(caught.value)
    for part in (
        "--param seed: must be name=value",
        "--param share: 'x'",
        "--param strict: 'yes'",
        "--param tags: 'a'",
    ):
        assert part in message
    assert message.endswith("data_root: missing; give them in --params FILE or as --param NAME=VALUE")


def test_package(tiny: Path) -> None:
    package = read_package(str(tiny))
    assert package.tasks == {"first", "second"}
    assert [name for name, parameter in package.parameters.items() if parameter.required] == ["data_root"]


@pytest.mark.parametrize("text", ["", "a: 1", "- 1", "a: [", "\x00"])
def test_what_is_no_compiled_pipeline(tmp_path: Path, text: str) -> None:
    (tmp_path / "pipeline.yaml").write_text(text)
    with pytest.raises(ConfigError, match="is not a compiled pipeline"):
        read_package(str(tmp_path / "pipeline.yaml"))


@pytest.mark.parametrize(
    "cron",
    ["0 0 3 * * *", "0 */15 8-18 ? JAN,jul MON-FRI", "30 5/10 0 1,15 1-6 0", "*/5 * * * * *", "0 0 9 ? * 2-6/2"],
)
def test_cron(cron: str) -> None:
    assert checked_cron(f" {cron}  ") == cron


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("0 3 * * *", "has five fields and must have six, seconds first; give '0 0 3 * * *'"),
        ("0 3 * * 7", "give '0 0 3 * * 0'"),
        ("@daily", "must be six fields; give '0 0 0 * * *'"),
        ("", "has 0 fields"),
        ("0 0 3 * * * 2024", "has 7 fields"),
        ("60 0 3 * * *", "'60' is not valid for seconds; give *, numbers 0 to 59"),
        ("0 0 24 * * *", "'24' is not valid for hours"),
        ("0 0 3 0 * *", "'0' is not valid for day of month"),
        ("0 0 3 * 13 *", "'13' is not valid for month; give *, numbers 1 to 12 or names such as JAN"),
        ("0 0 3 * * 7", "'7' is not valid for day of week; give *, numbers 0 to 6 or names such as MON"),
        ("0 0 18-8 * * *", "'18-8' is not valid for hours"),
        ("0 */0 * * * *", "'*/0' is not valid for minutes"),
        ("0 0 3 * * L", "'L' is not valid for day of week"),
        ("0 1, * * * *", "'1,' is not valid for minutes"),
    ],
)
def test_bad_cron(cron: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked_cron(cron)
    assert message in str(caught.value)


@given(st.tuples(*(st.integers(least, most) for least, most in FIELDS.values())))
def test_numbers_in_range_are_a_cron_and_without_seconds_they_are_converted(numbers: tuple[int, ...]) -> None:
    cron = " ".join(map(str, numbers))
    assert checked_cron(cron) == cron
    with pytest.raises(ConfigError, match=f"give '0 {' '.join(map(str, numbers[1:]))}'"):
        checked_cron(" ".join(map(str, numbers[1:])))
