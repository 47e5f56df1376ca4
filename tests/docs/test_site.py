"""The documentation as a site: it builds, every link leads somewhere, and nothing of it comes from the network."""

from __future__ import annotations

import os
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.locks import ROOT

MKDOCS = ROOT / os.environ.get("DOCS_VENV", ".venv-docs") / "bin" / "mkdocs"

FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}
"""What a browser fetches by itself."""

REMOTE = re.compile(r"^(?:https?:)?//")


OFFLINE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_MKDOCS_2_WARNING": "1"}
"""Nothing answers there: a build that asks the network fails."""


def build(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MKDOCS, "build", "--strict", "--site-dir", folder, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | OFFLINE,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    if not MKDOCS.is_file():
        pytest.skip(f"{MKDOCS}: is not there; `make docs` makes it")
    folder = tmp_path_factory.mktemp("site")
    built = build(folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


class Fetched(HTMLParser):
    """The addresses of what a page fetches."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attrs):
        address = dict(attrs).get(FETCHED.get(tag, ""))
        if address:
            self.addresses.append(address)


def fetched(page: Path) -> list[str]:
    parser = Fetched()
    parser.feed(page.read_text())
    return parser.addresses


def test_every_page_of_docs_is_in_the_site(site):
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= {path.relative_to(site) for path in site.rglob("*.html")}


def test_pages_fetch_what_lies_beside_them_and_nothing_else(site):
    for page in site.rglob("*.html"):
        for address in fetched(page):
            assert not REMOTE.match(address), f"{page.name} fetches {address}"
            if page.name != "404.html":  # whose addresses begin at the site's root
                assert (page.parent / address.partition("?")[0].partition("#")[0]).exists(), f"{page.name}: {address}"


def test_styles_fetch_nothing(site):
    for style in site.rglob("*.css"):
        remote = re.findall(r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')]+)", style.read_text())
        assert not remote, style.name
    for page in site.rglob("*.html"):
        assert "fonts.googleapis.com" not in page.read_text(), page.name


def test_a_dead_link_ends_the_build(site, tmp_path):
    """What makes `make docs` find them."""
    config = tmp_path / "mkdocs.yml"
    config.write_text((ROOT / "mkdocs.yml").read_text().partition("\nnav:")[0])
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# A page\n\n[a link](nowhere.md)\n")
    built = build(tmp_path / "site", "--config-file", config)
    assert built.returncode != 0
    assert "nowhere.md" in built.stdout + built.stderr
