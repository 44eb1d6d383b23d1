"""ExternalTests a run elsewhere, on the Report page: each name is asked about, a test can be cancelled and is kept."""

from __future__ import annotations

import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import pipeline
from engine.data.index import index_folder
from engine.data.saved import save_index
from engine.errors import DataError, ReportError, ReviewError
from engine.records import ExternalTest, Run
from engine.workspace import Workspace, open_workspace
from gui.pages.report.elsewhere import answers_of, ask, begin, datasets, download, looked, names_of
from gui.pages.report.found_elsewhere import result
from gui.pages.report.page import report_of
from gui.pages.report.testing import ExternalTests
from gui.web.session import AppSession, open_session
from tests.tiny import draw_films

RUN = "20260101-000000-tiny"


@pytest.fixture
def session(trained: tuple[Workspace, Run], tmp_path: Path) -> Iterator[AppSession]:
    """A window on a copy of a workspace with one trained run."""
    shutil.copytree(trained[0].root, tmp_path / "workspace")
    opened = open_session(open_workspace(tmp_path / "workspace"), reader="Dr Test")
    yield opened
    opened.store.close()


@pytest.fixture
def foreign(session: AppSession, tmp_path: Path) -> str:
    """Sixteen films from elsewhere, whose finding is called otherwise, and one of something else; the set's id."""
    folder = draw_films(tmp_path / "north", patients=8, seed=11)
    (folder / "opacity").rename(folder / "Befund")
    (folder / "devices").mkdir()
    (folder / "normal" / "p01-0.png").rename(folder / "devices" / "p01-0.png")
    index = index_folder(folder)
    save_index(session.workspace, index)
    return index.dataset_id


def wait(testing: ExternalTests, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while testing.state is None or testing.state.work.working:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def let_go(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Tests begin when this is set, however fast the machine is."""
    gate, validate = threading.Event(), pipeline.validate_run

    def waits(*given: Any, **named: Any) -> ExternalTest:
        gate.wait()
        return validate(*given, **named)

    monkeypatch.setattr(pipeline, "validate_run", waits)
    yield gate
    gate.set()


def test_the_runs_own_data_are_not_offered(session: AppSession, foreign: str) -> None:
    assert [dataset_id for _, dataset_id in datasets(session, RUN)] == [foreign]


def test_names_that_spelling_does_not_settle_are_asked_about_and_the_others_said(
    session: AppSession, foreign: str
) -> None:
    assert names_of(session, RUN, foreign) == ({"normal": "normal"}, {"Befund": 4, "devices": 1})
    said, first, second, third, *_ = ask(session, RUN, foreign)
    assert "say what each means" in said
    assert (first.visible, second.visible, third.visible) == (True, True, False)
    assert "“Befund” (4 images) means" in first.label and "“devices” (1 image) means" in second.label
    assert [value for _, value in first.choices] == ["normal", "opacity", ""] and first.value is None


def test_a_name_without_an_answer_starts_nothing(session: AppSession, foreign: str) -> None:
    testing = ExternalTests(session)
    with pytest.raises(DataError, match="It was not said what “devices” means"):
        begin(session, testing, RUN, foreign, "opacity", None)
    assert testing.state is None
    assert answers_of({"a": 1, "b": 2}, ["normal", "", None]) == ({"a": "normal"}, ["b"])
    with pytest.raises(ReportError, match="No data set is chosen"):
        begin(session, testing, RUN, None)


def test_a_test_is_kept_and_stands_in_the_report_and_its_archive(
    session: AppSession, foreign: str, let_go: threading.Event
) -> None:
    testing = ExternalTests(session)
    assert "not been tested" in result(report_of(session, RUN, "test"))
    with pytest.raises(ReportError, match="not tested on this data set"):
        download(session, RUN, foreign)
    begin(session, testing, RUN, foreign, "opacity", "")
    with pytest.raises(ReportError, match="in progress"):
        begin(session, testing, RUN, foreign, "opacity", "")
    let_go.set()
    wait(testing)
    words, start, cancel, timer = looked(testing.state)
    assert "Tested on 15 images of north" in words
    assert (start.visible, cancel.visible, timer.active) == (True, False, False)
    shown = result(report_of(session, RUN, "test"))
    assert "External test on north" in shown and "“Befund” of these data is taken as opacity" in shown
    assert "1 left out: labelled “devices”, which is none of the classes" in shown
    with zipfile.ZipFile(download(session, RUN, foreign)) as packed:
        names = [f"external.{kind}" for kind in ("csv", "docx", "html", "json", "pdf", "schema.json")]
        assert sorted(packed.namelist()) == names and packed.read("external.pdf").startswith(b"%PDF")


def test_a_cancelled_test_keeps_nothing_and_says_so(
    session: AppSession, foreign: str, let_go: threading.Event
) -> None:
    testing = ExternalTests(session)
    begin(session, testing, RUN, foreign, "opacity", "")
    testing.cancel()
    let_go.set()
    wait(testing)
    assert testing.state is not None and testing.state.work.result is None
    assert "cancelled; nothing of it was kept" in looked(testing.state)[0]
    assert not (session.workspace.runs / RUN / "external").exists()


def test_what_goes_wrong_on_the_way_is_said_and_another_test_can_begin(
    session: AppSession, foreign: str, let_go: threading.Event
) -> None:
    testing = ExternalTests(session)
    begin(session, testing, RUN, foreign, "", "")
    (session.workspace.runs / RUN / "model.safetensors").write_bytes(b"cut short")
    let_go.set()
    wait(testing)
    assert "The checkpoint of run" in looked(testing.state)[0]
    begin(session, testing, RUN, foreign, "opacity", "")
    wait(testing)


def test_a_guest_starts_nothing(trained: tuple[Workspace, Run]) -> None:
    guest = open_session(trained[0], read_only=True)
    with pytest.raises(ReviewError, match="Guests cannot test a run"):
        begin(guest, ExternalTests(guest), RUN, "0123456789ab")
    guest.store.close()


@pytest.mark.browser
def test_a_run_is_tested_elsewhere_from_the_page(
    session: AppSession, foreign: str, page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    window = opened(session, page="report")
    page.goto(window.url)
    page.get_by_role("tab", name="Images from elsewhere").click()
    expect(page.locator("#elsewhere-result")).to_contain_text("has not been tested on images from elsewhere")
    expect(page.locator("#elsewhere-start")).to_be_disabled()
    page.get_by_label("Images from elsewhere").click()
    page.get_by_role("option", name="north").click()
    expect(page.locator("#elsewhere-note")).to_contain_text("say what each means")
    page.locator("#elsewhere-start").click()
    expect(page.get_by_text("It was not said what “Befund”, “devices” means")).to_be_visible()
    for name, answer in (
        ("“Befund” (4 images) means", "opacity"),
        ("“devices” (1 image) means", "none of these"),
    ):
        page.get_by_label(name).click()
        page.get_by_role("option", name=answer).last.click()
    page.locator("#elsewhere-start").click()
    expect(page.locator("#elsewhere-progress")).to_contain_text(
        "Tested on 15 images of north", timeout=120_000
    )
    expect(page.locator("#elsewhere-result")).to_contain_text("External test on north")
    with page.expect_download() as started:
        page.locator("#elsewhere-download").click()
    assert started.value.suggested_filename == f"overread-{RUN}-external-{foreign}.zip"
    page.reload()
    page.get_by_role("tab", name="Images from elsewhere").click()
    expect(page.locator("#elsewhere-result")).to_contain_text("External test on north")
    expect(page.locator("#elsewhere-progress")).to_contain_text("Tested on 15 images")
