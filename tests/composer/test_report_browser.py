"""The report in a real browser, where a Chromium is on the PATH: it plays, fits, and asks for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import socket
import subprocess
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from exporting import manifest_rows, toy_scene

from composer.report import write_report

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")

# Loads every player one after another, and writes into the page what became of it.
PROBE = """
var told = {faults: [], durations: {}, overflow: [], sizes: {}};
document.addEventListener("securitypolicyviolation", function (event) { told.faults.push(event.violatedDirective); });
addEventListener("error", function (event) { told.faults.push(String(event.message || event.target.tagName)); }, true);
addEventListener("load", function () {
  told.overflow = [document.documentElement.scrollWidth, document.documentElement.clientWidth];
  told.sizes = {margin: getComputedStyle(document.querySelector("table")).borderCollapse,
    shown: Array.from(document.querySelectorAll("svg")).map(function (s) { return s.getBoundingClientRect().width; })};
  var players = Array.from(document.querySelectorAll("audio")), left = players.length;
  players.forEach(function (player) {
    player.addEventListener("loadedmetadata", function () {
      told.durations[player.getAttribute("aria-label").split(",")[0]] = player.duration;
      if (--left === 0) { document.body.setAttribute("data-told", JSON.stringify(told)); }
    });
    player.preload = "metadata"; player.load();
  });
});
"""


def probed(page: Path, folder: Path) -> Path:
    """A copy of the page whose policy lets the probe run too, and is otherwise the same."""
    text = page.read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(PROBE.encode()).digest()).decode()
    text = text.replace("script-src '", f"script-src 'sha256-{digest}' '", 1)
    copy = folder / "probed.html"
    copy.write_text(text.replace("<body>", f"<body><script>{PROBE}</script>", 1), "utf-8")
    return copy


class Listener:
    """A proxy that answers nothing and remembers who was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(2000).split(b"\r\n")[0].decode("latin-1"))

    def close(self) -> None:
        self._socket.close()


def looked_at(page: Path, width: int, folder: Path, *more: str) -> dict[str, Any]:
    command = [BROWSER, "--headless", "--disable-gpu", "--no-sandbox", *QUIET, f"--user-data-dir={folder / 'profile'}"]
    command += [f"--window-size={width},900", "--virtual-time-budget=20000", *more, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'data-told="([^"]*)"', done.stdout)
    assert found is not None, done.stdout[-500:]
    told: dict[str, Any] = json.loads(found[1].replace("&quot;", '"').replace("&amp;", "&"))
    return told


def asked_of_others(listener: Listener) -> list[str]:
    """What was asked of anybody but the browser's makers, whom it asks for the time and for news of itself."""
    own = r"((GET|POST) http://|CONNECT )([\w.-]+\.)?(google|googleapis|gvt1)\.com[:/]"
    return [line for line in listener.asked if not re.match(own, line)]


needs_browser = pytest.mark.skipif(not BROWSER, reason="no chromium on the PATH")


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_plays_every_row_and_asks_for_nothing(tmp_path: Path, width: int) -> None:
    scene = toy_scene(tmp_path)
    page = probed(write_report(scene).path, tmp_path)
    with closing(Listener()) as listener:
        told = looked_at(page, width, tmp_path, f"--proxy-server=127.0.0.1:{listener.port}")
    assert told["faults"] == [] and asked_of_others(listener) == []
    assert set(told["durations"]) == {"The whole mix", *manifest_rows(scene)}
    assert all(duration > 0.3 for duration in told["durations"].values())
    assert told["overflow"][0] <= told["overflow"][1], "nothing sticks out to the right"
    assert told["sizes"]["margin"] == "collapse", "the page's own style is let in by its policy"
    assert [width > 0 for width in told["sizes"]["shown"]] == ([False, True] if width < 760 else [True, False])


@pytest.mark.slow
@needs_browser
def test_the_policy_stops_what_would_be_asked_for(tmp_path: Path) -> None:
    """A picture from elsewhere in the page: stopped with the policy, asked for without it."""
    page = probed(write_report(toy_scene(tmp_path)).path, tmp_path)
    text = page.read_text("utf-8").replace("<main>", '<main><img alt="" src="http://elsewhere.test/picture.png">', 1)
    for has_policy in (True, False):
        policy = "Content-Security-Policy" if has_policy else "X-Nothing"
        page.write_text(text.replace("Content-Security-Policy", policy, 1), "utf-8")
        with closing(Listener()) as listener:
            told = looked_at(page, 1280, tmp_path, f"--proxy-server=127.0.0.1:{listener.port}")
        assert ("img-src" in told["faults"]) is has_policy
        assert any("elsewhere.test" in line for line in listener.asked) is not has_policy
