"""Pages as a browser shows them."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_S = 120


@dataclass(frozen=True)
class Page:
    """A page after a browser has read it.

    Attributes:
        dom: Its elements, as HTML text.
    """

    dom: str

    @property
    def headings(self) -> list[str]:
        """The text of its first-level headings."""
        found = re.findall(r"<h1\b[^>]*>(.*?)</h1>", self.dom, flags=re.S)
        return [unescape(re.sub(r"<[^>]+>", "", text)).strip() for text in found]

    @property
    def is_source(self) -> bool:
        """Whether the browser took it for text, and shows its source."""
        return bool(re.search(r"<body>\s*<pre\b", self.dom))


def program() -> str:
    """The browser."""
    found = next((found for name in NAMES if (found := shutil.which(name))), None)
    if found is None:
        raise FileNotFoundError(f"none of {', '.join(NAMES)} is installed; say apt-get install chromium")
    return found


def opened(file: Path) -> Page:
    """Open a file in headless Chromium, as a double click does: the link's name is followed to the file's."""
    command = [program(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"]
    done = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    return Page(done.stdout)
