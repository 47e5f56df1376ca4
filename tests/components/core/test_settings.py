"""JSON settings: where they come from, and errors that name the place inside."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from components.core.errors import ConfigError
from components.core.settings import check_document, file_of, naming_file, read_document


class Inner(BaseModel):
    """A part of the settings."""

    model_config = ConfigDict(extra="forbid")
    size: int = Field(3, ge=1)
    name: str = "a"

    @field_validator("name")
    @classmethod
    def _short(cls, name: str) -> str:
        if len(name) > 3:
            raise ValueError("Longer than three letters; shorten it")
        return name


class Outer(BaseModel):
    """The settings."""

    model_config = ConfigDict(extra="forbid")
    need: int
    inner: Inner = Inner()
    perhaps: Inner | None = None
    several: list[Inner] = []


def test_text_and_files_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    path.write_text('{"need": 1}')
    assert read_document(path, "q") == read_document(str(path), "q") == read_document(' {"need": 1}', "q")
    assert read_document("[1]", "q") == [1]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('{"need": 1', r"^q: not JSON: .*line 1 column 11"),
        ("nowhere.json", r"^nowhere.json: q: is neither JSON nor a readable file \(.*No such file"),
        (" ", "^q: is empty; give JSON or the path"),
    ],
)
def test_what_is_no_json_is_refused(source: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_document(source, "q")


def test_what_is_left_out_keeps_its_default_at_every_depth() -> None:
    checked = check_document(Outer, {"need": 1, "inner": {"size": 9}}, "q")
    assert (checked.inner.size, checked.inner.name) == (9, "a")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"need": 1, "inner": {"sise": 2}},
            "q: inner.sise: unknown key; known keys: size, name (perhaps 'size')",
        ),
        ({"need": 1, "perhaps": {"colour": 2}}, "q: perhaps.colour: unknown key; known keys: size, name"),
        (
            {"need": 1, "several": [{}, {"nam": 2}]},
            "q: several[1].nam: unknown key; known keys: size, name (perhaps 'name')",
        ),
        ({"need": 1, "ned": 2}, "q: ned: unknown key; known keys: need, inner, perhaps, several (perhaps 'need')"),
        ({}, "q: need: is missing; add it"),
        ({"need": 1, "inner": {"size": 0}}, "q: inner.size: 0: input should be greater than or equal to 1"),
        ({"need": 1, "inner": {"name": "long"}}, "q: inner.name: 'long': longer than three letters; shorten it"),
        ({"inner": {"size": "x"}}, "q: need: is missing; add it; q: inner.size: 'x': input should be a valid integer"),
        (3, "q: 3: input should be a valid dictionary"),
    ],
)
def test_every_broken_rule_is_named_with_its_place(document: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_document(Outer, document, "q")
    assert str(caught.value).startswith(message)


def test_settings_may_be_saved_by_an_editor_that_marks_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    path.write_text('{"need": "ü"}', encoding="utf-8-sig")
    assert read_document(path, "q") == {"need": "ü"}
    path.write_bytes(b'{"need": "\xfc"}')
    with pytest.raises(ConfigError, match=r"is neither JSON nor a readable file \(.*can't decode byte 0xfc"):
        read_document(path, "q")


def test_a_file_is_named_once_by_every_error_about_its_content(tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    path.write_text('{"need": 1')
    with pytest.raises(ConfigError) as caught:
        read_document(path, "q")
    assert str(caught.value).startswith(f"{path}: q: not JSON: ")
    with pytest.raises(ConfigError) as caught, naming_file(str(path)), naming_file(path):
        check_document(Outer, {}, "q")
    assert str(caught.value) == f"{path}: q: need: is missing; add it"


@pytest.mark.parametrize("source", [' {"need": 1}', "[]", "", {"need": 1}, None])
def test_what_is_no_file_is_not_named(source: object) -> None:
    assert file_of(source) == ""
    with pytest.raises(ConfigError, match=r"^q: need: is missing"), naming_file(source):
        check_document(Outer, {}, "q")
