"""How tests look at pages."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser

from components.core.reporting.page import Section, run_report

_FETCHING = {"src", "href", "xlink:href", "srcset", "poster", "data", "action"}
_FORBIDDEN = {"script", "link", "iframe", "object", "embed", "base", "form"}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in _FORBIDDEN and ("type", "application/json") not in attrs:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            fetches = name in _FETCHING and not (value or "").startswith(("data:", "#"))
            if fetches or name.startswith("on"):
                self.faults.append(f"{name}={value!r}")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] not in ("style", "script"):
            self.texts.append(data)


def _parsed(html: str) -> _Page:
    page = _Page()
    page.feed(html)
    page.close()
    return page


def text_of(html: str) -> str:
    """What a reader sees, with plain spaces."""
    return re.sub(r"\s+", " ", " ".join(_parsed(html).texts))


def tags_of(html: str) -> list[str]:
    """Names of the elements, in order."""
    return _parsed(html).tags


def faults_of(html: str) -> list[str]:
    """Whatever would need the network, or a script that the page's policy does not name."""
    own = re.sub(
        r"<script>(.*?)</script>", lambda found: "" if is_allowed(html, found[1]) else found[0], html, flags=re.S
    )
    page = _parsed(own)
    bare = own.replace('xmlns="http://www.w3.org/2000/svg"', "")
    addresses = re.findall(r"https?://[^\s\"'<]*", bare)
    outside = [url for url in re.findall(r"url\(([^)]*)\)", bare) if not url.strip("\"'").startswith(("#", "data:"))]
    return page.faults + addresses + outside + re.findall(r"@import|@font-face", bare)


def policy_of(html: str) -> str:
    """What a page says that browsers may load and run."""
    (found,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', html)
    return unescape(found)


def is_allowed(html: str, script: str) -> bool:
    """Whether the policy of a page names a script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'" in policy_of(html)


def page_of(section: Section) -> str:
    """A page of one section alone."""
    return run_report(section.title, "", (), [section])
