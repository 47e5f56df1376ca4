from dataclasses import replace
from pathlib import Path

import pytest
from markupsafe import Markup

from components.core.errors import StorageError
from components.core.reporting.page import Fact, Section, run_report, write_page
from tests.components.core.reporting.looking import faults_of, is_allowed, policy_of, text_of

EVIL = '<script>alert("x")</script>'


def section(title: str, text: str = "body") -> Section:
    return Section(title, f"about {title}", (Fact("items", "12", "px"),), Markup(f"<p>{text}</p>"))


def test_a_report_holds_its_facts_and_sections_in_order() -> None:
    html = run_report("Run", "of today", [Fact("IoU", "0.78", "pooled")], [section("First"), section("Second")])

    text = text_of(html)
    wanted = ["Run", "of today", "IoU", "0.78", "pooled", "First", "about First", "body", "Second", "about Second"]
    places = [text.index(word) for word in wanted]
    assert places == sorted(places)
    assert html.startswith("<!DOCTYPE html>") and html.count("<style>") == 1
    assert not faults_of(html)


def test_users_words_are_escaped() -> None:
    html = run_report(EVIL, EVIL, [Fact(EVIL, EVIL, EVIL)], [section(EVIL)])

    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 7  # title, heading, subtitle, three parts of a fact, lead
    assert not faults_of(html)


def test_a_section_named_like_the_page_has_no_heading_of_its_own() -> None:
    html = run_report("Alone", "", (), [section("Alone")])

    assert html.count("Alone</h") == 1
    assert text_of(html).count("about Alone") == 1


def test_a_page_loads_nothing_and_runs_the_scripts_of_its_sections_alone() -> None:
    script, style = "window.ran = 1;", "p { color: red; }"
    with_script = replace(section("Map"), scripts=(script,), styles=(style,))

    plain, html = run_report("Run", "", (), [section("One")]), run_report("Run", "", (), [with_script, with_script])

    nothing = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "
    assert policy_of(plain) == nothing + "'none'"
    assert html.count(f"<script>{script}</script>") == html.count(style) == 1
    assert policy_of(html).startswith(nothing + "'sha256-") and is_allowed(html, script)
    assert not faults_of(html)
    assert faults_of(html.replace("ran = 1", "ran = 2")) == ["<script>"]


def test_a_page_appears_with_the_folder_it_lies_in(tmp_path: Path) -> None:
    page = tmp_path / "deep" / "a.html"
    write_page(page, "<p>")
    assert page.read_text() == "<p>"
    assert list(page.parent.iterdir()) == [page]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match=r"file/a\.html"):
        write_page(tmp_path / "file" / "a.html", "<p>")
