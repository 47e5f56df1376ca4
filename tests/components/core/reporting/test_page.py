from pathlib import Path

import pytest
from markupsafe import Markup

from components.core.errors import StorageError
from components.core.reporting.page import Fact, Picture, run_report, write_page
from tests.components.core.reporting.looking import faults_of, text_of

EVIL = '<script>alert("x")</script>'


def picture(title: str, text: str = "body") -> Picture:
    return Picture(title, f"about {title}", (Fact("items", "12", "px"),), Markup(f"<p>{text}</p>"), lambda: b"png")


def test_a_report_holds_its_facts_and_pictures_in_order() -> None:
    html = run_report("Run", "of today", [Fact("IoU", "0.78", "pooled")], [picture("First"), picture("Second")])

    text = text_of(html)
    wanted = ["Run", "of today", "IoU", "0.78", "pooled", "First", "about First", "body", "Second", "about Second"]
    places = [text.index(word) for word in wanted]
    assert places == sorted(places)
    assert html.startswith("<!DOCTYPE html>") and html.count("<style>") == 1
    assert not faults_of(html)


def test_users_words_are_escaped() -> None:
    html = run_report(EVIL, EVIL, [Fact(EVIL, EVIL, EVIL)], [picture(EVIL)])

    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 7  # title, heading, subtitle, three parts of a fact, lead
    assert not faults_of(html)


def test_a_picture_has_a_page_of_its_own_with_one_heading() -> None:
    html = picture("Alone").html()

    assert html.count("Alone</h") == 1
    assert text_of(html).count("about Alone") == 1


def test_files_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    page, image = tmp_path / "deep" / "a.html", tmp_path / "deep" / "a.png"
    picture("Alone").write(page, image)
    assert page.read_text() == picture("Alone").html()
    assert image.read_bytes() == b"png"

    def broken() -> bytes:
        raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        Picture("Alone", "", (), Markup(""), broken).write(None, image)
    assert image.read_bytes() == b"png"
    assert sorted(path.name for path in page.parent.iterdir()) == ["a.html", "a.png"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match=r"file/a\.html"):
        write_page(tmp_path / "file" / "a.html", "<p>")
