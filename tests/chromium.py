"""A headless Chromium that tests drive through its own protocol, over two pipes: no driver, no port, no package.

The DevTools protocol is JSON ended by NUL on file descriptors 3 and 4. What is evaluated runs beside the page, whose
own policy against scripts stays in force.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)

BINARY = next(filter(None, map(shutil.which, NAMES)), None)

needs_chromium = pytest.mark.skipif(BINARY is None, reason="Chromium is absent")


@dataclass(kw_only=True)
class Tab:
    """One page, with all that it asked for and all that was held against it."""

    browser: Chromium
    session: str
    requests: list[str] = field(default_factory=list)
    """The addresses the page asked for, its own included."""
    complaints: list[str] = field(default_factory=list)
    """What the console shows: refusals of the page's policy, and errors."""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser to do something with this page; what it answers."""
        return self.browser.call(method, session=self.session, **parameters)

    def open(self, path: Path) -> None:
        """Load a file, and wait until it has loaded."""
        self.call("Page.navigate", url=path.as_uri())
        self.browser.wait_for("Page.loadEventFired", self.session)

    def show(self, *, width: int, height: int = 900, scheme: str = "light", medium: str = "screen") -> None:
        """Look at the page through a window of this size, with these colours."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=medium, features=features)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript, as JSON carries it."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def picture(self) -> bytes:
        """The window as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


class Chromium:
    """A browser that was started; `call` talks to it, and what it tells meanwhile goes to the tabs."""

    def __init__(self, write: int, read: int) -> None:
        self._write = write
        self._read = read
        self._number = 0
        self._rest = b""
        self._events: list[tuple[str, str]] = []
        self._tabs: dict[str, Tab] = {}

    def tab(self) -> Tab:
        """A new page, empty."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = self._tabs[session] = Tab(browser=self, session=session)
        for domain in ("Page", "Network", "Log", "Runtime"):
            tab.call(f"{domain}.enable")
        return tab

    def call(self, method: str, *, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The answer to a command; AssertionError where it is refused."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result

    def wait_for(self, event: str, session: str) -> None:
        """Read on until the page tells of this."""
        while (event, session) not in self._events:
            self._next()
        self._events.remove((event, session))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._read, 1 << 16)
            assert read, "Chromium has ended"
            self._rest += read
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        session, parameters = str(message.get("sessionId")), message["params"]
        self._events.append((message["method"], session))
        tab = self._tabs.get(session)
        if tab is None:
            return
        match message["method"]:
            case "Network.requestWillBeSent":
                tab.requests.append(parameters["request"]["url"])
            case "Log.entryAdded":
                tab.complaints.append(parameters["entry"]["text"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                tab.complaints.append(json.dumps(parameters))


@contextmanager
def chromium(folder: Path) -> Iterator[Chromium]:
    """A browser with an empty profile in `folder`, ended with everything it has started."""
    assert BINARY is not None
    # Above 9, so that none is in the way of 3 and 4.
    theirs_in, ours_out = (_moved(end) for end in os.pipe())
    ours_in, theirs_out = (_moved(end) for end in os.pipe())
    log = _moved(os.open(folder / "chromium.log", os.O_WRONLY | os.O_CREAT, 0o600))
    moves = [(theirs_in, 3), (theirs_out, 4), (log, 1), (log, 2)]
    process = os.posix_spawn(
        BINARY,
        [BINARY, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
        {**os.environ, "HOME": str(folder)},
        file_actions=[(os.POSIX_SPAWN_DUP2, end, number) for end, number in moves],
        setpgroup=0,
    )
    for end in (theirs_in, theirs_out, log):
        os.close(end)
    try:
        yield Chromium(ours_out, ours_in)
    finally:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        for end in (ours_in, ours_out):
            os.close(end)


def _moved(end: int) -> int:
    moved = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(end)
    return moved
