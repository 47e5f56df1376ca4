import pytest

from components.core.errors import ConfigError
from components.stages import STAGES
from pipelines.readme import BEGIN, END, README, check_readme, component_table, updated


def test_the_committed_table_is_current():
    check_readme(README)


def test_the_table_has_a_row_a_component_with_its_typed_artifacts():
    rows = component_table().splitlines()[2:]
    assert len(rows) == len(STAGES)
    train = next(row for row in rows if "`train_unet`" in row)
    assert "**project** Dataset" in train
    assert "**model** Model" in train


def test_the_table_replaces_what_stood_between_the_marks_only():
    text = updated(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert text.startswith("before\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "\nold\n" not in text
    assert updated(text) == text


def test_missing_marks_are_an_error():
    with pytest.raises(ConfigError, match="are missing; put them where the table belongs"):
        updated("no marks here")


def test_a_stale_table_is_an_error(tmp_path):
    file = tmp_path / "README.md"
    file.write_text(f"{BEGIN}\n\nold\n\n{END}")
    with pytest.raises(ConfigError, match="run `make readme` and commit"):
        check_readme(file)
