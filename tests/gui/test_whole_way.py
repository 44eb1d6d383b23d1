"""The whole way in a browser, on the sample films: films read by keyboard, a report carried away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.records import Run
from engine.workspace import Workspace


@pytest.mark.browser
def test_in_a_browser_from_the_first_case_to_the_downloaded_report(
    own_walk: tuple[Workspace, Run], page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    """Open, read five cases by keyboard, reload, see them kept, export the report, open the HTML file."""
    from gui.web.session import open_session

    workspace, run = own_walk
    session = open_session(workspace, reader="eve")
    page.goto(opened(session, page="review", run_id=run.run_id).url)

    def shown() -> str:
        page.wait_for_selector(".rv[data-shown]:not([data-busy]):not([data-guard])")
        return str(page.get_attribute(".rv", "data-shown"))

    read = []
    for key in ("a", "u", "a", "x", "a"):
        read.append(shown())
        page.keyboard.press(key)
        page.wait_for_function("was => document.querySelector('.rv').dataset.shown !== was", arg=read[-1])
    page.reload()
    assert shown() not in read
    kept = session.store.reviews(run.run_id, reader="eve")
    assert [review.image_id for review in kept] == read
    assert [review.verdict.value for review in kept] == [
        "agree",
        "unsure",
        "agree",
        "not diagnostic",
        "agree",
    ]

    page.get_by_role("tab", name="Report").click()
    page.wait_for_selector("#report-drawings-0 svg")
    with page.expect_download() as download:
        page.locator("#report-html").click()
    path = tmp_path / "report.html"
    download.value.save_as(path)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    assert page.locator("h1").inner_text() == "Diagnostic accuracy of an image classifier"
    assert page.locator("svg").count() >= 3
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert all(url.startswith(("file:", "data:")) for url in requests)
