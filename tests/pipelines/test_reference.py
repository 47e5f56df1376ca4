from typing import Literal

import pytest
from pydantic import BaseModel, Field

from components.core.documents.inference import InferenceConfig
from components.core.documents.training import TrainConfig
from components.core.dtl.actions import ACTIONS
from components.core.dtl.conditions import CONDITIONS
from components.core.errors import ConfigError
from pipelines.compiling import PIPELINES
from pipelines.reference import configs, dtl, markdown, project_files, runs, stages
from pipelines.reference.models import REQUIRED, kind_in_words, settings_of
from pipelines.reference.pages import BLOCKS, DOCS, END, FILES, check_pages, updated, write_pages


class Inner(BaseModel):
    """What belongs together."""

    first: int = Field(ge=1, lt=9)
    second: str = Field("a", min_length=1)
    """The other one."""


class Outer(BaseModel):
    inner: Inner
    kind: Literal["a", "b"] | None = None
    names: list[str] = []


def test_the_committed_pages_are_current():
    check_pages(DOCS)


def test_settings_are_told_with_types_rules_defaults_and_words():
    found = {setting.key: setting for setting in settings_of(Outer)}
    assert list(found) == ["inner.first", "inner.second", "kind", "names"]
    assert found["inner.first"].about == "What belongs together."
    assert found["inner.first"].kind == "whole number, ≥ 1, < 9"
    assert found["inner.first"].default is REQUIRED
    assert (found["inner.second"].kind, found["inner.second"].about) == ("text, not empty", "The other one.")
    assert found["kind"].kind == '`"a"` or `"b"` or null'
    assert found["names"].kind == "list of texts"
    assert found["inner.first"].in_document({"inner": {"first": 4}}) == 4
    assert found["inner.first"].in_document({"inner": 4}) is None


def test_a_type_without_words_is_an_error():
    with pytest.raises(TypeError, match="has no words here"):
        kind_in_words(bytes)


@pytest.mark.parametrize("model", [TrainConfig, InferenceConfig])
def test_every_key_of_a_config_is_explained_by_itself_or_by_its_group(model):
    unexplained = [setting.key for setting in settings_of(model) if not setting.about]
    assert not unexplained


def test_configs_show_what_the_documents_say():
    rows = {line.split("|")[1].strip(" `*"): line.split("|") for line in configs.training_config().splitlines()[2:]}
    assert [cell.strip() for cell in rows["epochs"][3:7]] == ["`2`", "`5`", "", "`10`"]


def test_every_action_condition_component_pipeline_and_target_is_told():
    actions, conditions = dtl.actions(), dtl.conditions()
    assert all(f"### `{name}`" in actions for name in ACTIONS)
    assert all(f"| `{name}` |" in conditions for name in CONDITIONS)
    components = stages.components()
    assert all(f"## {name}\n" in components for name in stages.load_node_pools().stages)
    assert tuple(PIPELINES) == runs.PIPELINES
    assert "| `make docs` |" in project_files.targets()


def test_inputs_are_explained():
    """What the command line says of a flag stands beside the input of its name."""
    page = stages.components()
    row = next(line for line in page.splitlines() if line.startswith("| `iou_threshold` |"))
    assert row.split("|")[2:4] == [" number ", " `0.5` "]
    assert "least IoU" in row


def test_hidden_flags_stay_hidden():
    assert "SUPPRESS" not in runs.commands()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("a*b <runs> | c", r"a\*b \<runs> \| c"),
        ("see `x|y`", "see `x∣y`"),
        ("of max_bad, --max-bad and a-b", "of `max_bad`, `--max-bad` and a-b"),
        ("one ` mark", r"one \` mark"),
        ("two\n  lines", "two lines"),
    ],
)
def test_text_is_shown_as_it_is(words, shown):
    assert markdown.text(words) == shown


def test_tables_leave_out_what_no_row_fills():
    assert markdown.table(("a", "b", "c"), [("1", "", ""), ("2", "", "3")]) == (
        "| a | c |\n| --- | --- |\n| 1 |  |\n| 2 | 3 |"
    )


def page_with(*names):
    return "before\n" + "".join(f"<!-- generated: {name} -->\nold\n{END}\nbetween\n" for name in names)


def test_blocks_replace_what_stood_between_the_marks_only():
    text = updated(page_with("encoders", "make-targets"), "page.md")
    assert text.startswith("before\n")
    assert text.endswith("between\n")
    assert text.count("between\n") == 2
    assert "\nold\n" not in text
    assert updated(text, "page.md") == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (page_with("nonsense"), "page.md: nothing makes a block 'nonsense'; blocks are"),
        ("<!-- generated: encoders -->\n", "a generated block has no end"),
        (f"{END}\n", "an end no beginning"),
    ],
)
def test_odd_marks_are_an_error(text, message):
    with pytest.raises(ConfigError, match=message):
        updated(text, "page.md")


def test_a_stale_page_is_an_error_until_it_is_written(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "all.md").write_text(page_with(*BLOCKS))
    with pytest.raises(ConfigError, match=r"docs/all.md, docs/.*: generated parts are not current; run `make"):
        check_pages(folder)
    assert write_pages(folder) == [folder / "all.md", *(folder / name for name in FILES)]
    check_pages(folder)


def test_a_stale_file_is_an_error_until_it_is_written(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "all.md").write_text(page_with(*BLOCKS))
    write_pages(folder)
    for name in FILES:
        (folder / name).write_text("old")
        with pytest.raises(ConfigError, match=f"docs/{name}: generated parts are not current"):
            check_pages(folder)
        assert write_pages(folder) == [folder / name]


def test_a_block_that_no_page_has_is_an_error(tmp_path):
    (tmp_path / "some.md").write_text(page_with(*list(BLOCKS)[1:]))
    with pytest.raises(ConfigError, match=f"{next(iter(BLOCKS))}: must stand in one page"):
        check_pages(tmp_path)
