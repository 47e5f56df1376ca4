"""A page in headless Chromium that tests look at, click and type into, by the DevTools protocol over a pipe."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.pages.browser import program

DESKTOP = (1280, 900)
PHONE = (390, 844)


@dataclass
class OpenPage:
    """A page that is open.

    Attributes:
        requests: URLs that it asked for, but for its own and those that hold their data.
        faults: What the console, the scripts and the policy complained of.
    """

    _send: int
    _receive: int
    _session: str = ""
    _number: int = 0
    _pending: bytes = b""
    _loaded: int = 0
    _own: str = ""
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something, and wait for its answer."""
        self._number += 1
        asked: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._send, json.dumps(asked).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == self._number:
                assert "error" not in message, (method, message)
                found: dict[str, Any] = message["result"]
                return found

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._pending:
            part = os.read(self._receive, 1 << 16)
            assert part, "the browser is gone"
            self._pending += part
        text, _, self._pending = self._pending.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, about: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            url = about["request"]["url"]
            if url.partition("#")[0] != self._own and not url.startswith("data:"):
                self.requests.append(url)
        elif method == "Runtime.exceptionThrown":
            self.faults.append(json.dumps(about["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
            self.faults.append(json.dumps(about["args"]))
        elif method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.faults.append(json.dumps(about["entry"]))
        elif method == "Page.loadEventFired":
            self._loaded += 1

    def open(self, file: Path, *, scripts: bool = True) -> None:
        """Open a file, and wait until all of it is there."""
        self._own = file.as_uri()
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        before = self._loaded
        self.call("Page.navigate", url=self._own)
        while self._loaded == before:
            self._message()

    def resize(self, size: tuple[int, int]) -> None:
        """Give the window another width and height, in px."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False
        )

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives; a promise is waited for."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def drawn(self) -> None:
        """Wait until what was changed is drawn."""
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def click(self, x: float, y: float) -> None:
        """Click a place of the window."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.drawn()

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        codes = {"Enter": 13, "Tab": 9, "Escape": 27, " ": 32}
        about: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": codes[key]}
        if key in ("Enter", " "):
            about["text"] = "\r" if key == "Enter" else " "
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, **about)
        self.drawn()

    def screenshot(self, file: Path, *, whole: bool = False) -> bytes:
        """What is seen, as PNG."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        content = base64.b64decode(data)
        file.write_bytes(content)
        return content


@contextmanager
def chromium(profile: Path) -> Iterator[OpenPage]:
    """Start a browser with one empty page; it ends with the block."""
    to_read, send = os.pipe()
    receive, to_write = os.pipe()
    command = [program(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    command += [
        "--disable-background-networking",
        f"--user-data-dir={profile}",
        "--remote-debugging-pipe",
        "about:blank",
    ]
    shell = ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "browser", *command]
    with subprocess.Popen(shell, pass_fds=(to_read, to_write), stderr=subprocess.DEVNULL) as process:
        os.close(to_read)
        os.close(to_write)
        page = OpenPage(send, receive)
        try:
            target = page.call("Target.createTarget", url="about:blank")["targetId"]
            page._session = page.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                page.call(f"{domain}.enable")
            calm = [{"name": "prefers-reduced-motion", "value": "reduce"}]
            page.call("Emulation.setEmulatedMedia", features=calm)
            page.resize(DESKTOP)
            yield page
        finally:
            process.kill()
            os.close(send)
            os.close(receive)
