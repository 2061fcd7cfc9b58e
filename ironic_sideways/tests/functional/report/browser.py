# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Debian's Chromium, driven by Playwright: pages as a reviewer sees them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from playwright import sync_api

CHROMIUM = Path("/usr/bin/chromium")

#: Nothing of its own into the network, and no sandbox, which root has none of.
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

#: Milliseconds: for a browser on a machine that does much else.
PATIENCE = 180_000

#: A reviewer's screen and telephone: width and height in pixels.
SIZES = {1400: 900, 400: 800}


@contextlib.contextmanager
def started() -> Iterator[sync_api.Browser]:
    """The browser, with a fresh profile that is gone with it."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()


class Seen:
    """A page that is open, and whatever it said and asked for."""

    def __init__(
        self,
        browser: sync_api.Browser,
        file: Path,
        width: int = 1400,
        scheme: str = "light",
        scripts: bool = True,
    ) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        context = browser.new_context(
            viewport={"width": width, "height": SIZES[width]},
            color_scheme=scheme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        self.page = context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())

    def open_all(self) -> None:
        """Open whatever is closed, as a reviewer does who reads all."""
        self.page.evaluate(
            "document.querySelectorAll('details').forEach((one) => one.open = true)"
        )

    def close(self) -> None:
        self.page.context.close()
