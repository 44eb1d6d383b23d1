"""A real Chromium, one a test process: Playwright bears no second one beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 60_000  # ms for what a page is to show: two cores, shared; what never comes costs this once


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Chromium of the system or of Playwright; tests that need one are skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        path = next((found for found in CHROMIUM if Path(found).exists()), None)
        try:
            chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        except sync_api.Error as error:
            if os.environ.get("OVERREAD_REQUIRE_BROWSER"):
                raise
            pytest.skip(f"no Chromium on this machine: {str(error).splitlines()[0]}")
        sync_api.expect.set_options(timeout=PATIENCE)
        yield chromium
        chromium.close()
