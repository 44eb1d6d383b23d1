"""A data set's images read with a run, and another model's predictions of them imported, from the Data page."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.data import index_folder, save_index
from engine.errors import EngineError
from engine.records import Index, Run
from engine.runs import list_runs
from engine.workspace import Workspace, open_workspace
from gui.pages.data.using import importing, reading
from gui.web import AppSession, open_session
from gui.web.background import Progress, Work, WorkState
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
def new_films(session: AppSession, tmp_path: Path) -> Index:
    """Twelve films that the run has not seen, and two of its training part."""
    folder = draw_films(tmp_path / "north", patients=6, seed=23)
    index = index_folder(folder)
    save_index(session.workspace, index)
    return index


def ended(work: Work[Sequence[str]], seconds: float = 120) -> WorkState[Sequence[str]]:
    end = time.monotonic() + seconds
    while work.state is None or work.state.working:
        assert time.monotonic() < end
        time.sleep(0.02)
    return work.state


def test_new_images_are_read_with_a_run_and_wait_on_the_review_page(
    session: AppSession, new_films: Index
) -> None:
    work = Work[Sequence[str]]()
    reading.begin(session, work, RUN, new_films.dataset_id)
    state = ended(work)
    assert state.trouble == ""
    assert state.result[0].startswith(f"{len(new_films.samples)} new images were read")
    elsewhere = {one.image_id for one in session.store.predictions(RUN) if one.part is None}
    assert elsewhere == {one.image_id for one in new_films.samples}
    assert session.store.count(RUN, "all", "Dr Test", "elsewhere") == len(new_films.samples)


def test_images_of_the_runs_own_training_are_said(session: AppSession, tiny_index: Index) -> None:
    work = Work[Sequence[str]]()
    reading.begin(session, work, RUN, tiny_index.dataset_id)
    said = ". ".join(ended(work).result)
    assert "images are of the run's own data" in said and "of its training part" in said
    assert "is no test of it" in said


def test_a_cancelled_reading_keeps_nothing(session: AppSession, new_films: Index) -> None:
    work = Work[Sequence[str]]()
    before = len(session.store.predictions(RUN))
    work.cancel()

    def read(progress: Progress) -> Sequence[str]:
        work.cancel()
        return reading.read(session, RUN, new_films.dataset_id, progress)

    work.begin("images are read", read)
    assert "cancelled" in ended(work).trouble
    assert len(session.store.predictions(RUN)) == before


def test_what_goes_wrong_is_said_and_one_thing_goes_on_at_a_time(
    session: AppSession, new_films: Index
) -> None:
    work, go = Work[Sequence[str]](), []

    def waits(progress: Progress) -> Sequence[str]:
        while not go:
            time.sleep(0.01)
        raise EngineError("The disk is full", "Free some space")

    work.begin("images are read", waits)
    with pytest.raises(EngineError, match="images are read"):
        work.begin("others", waits)
    go.append(True)
    assert ended(work).trouble == "The disk is full. Free some space."


@pytest.mark.parametrize("line", ["a", "=b", "a=", "a b"])
def test_a_line_of_the_form_that_is_no_pair_is_refused(line: str) -> None:
    with pytest.raises(EngineError, match="is no pair"):
        importing.pairs(f"x=y\n{line}", "Names")


@pytest.mark.parametrize(
    ("typed", "meant"), [("", None), (" ", None), ("0.4", 0.4), ("۰٫۴", 0.4), ("40%", 0.4)]
)
def test_a_threshold_that_nobody_typed_is_none(typed: str, meant: float | None) -> None:
    assert importing.share_typed(typed) == meant
    with pytest.raises(EngineError, match="is no number"):
        importing.share_typed("half")


@pytest.mark.browser
def test_in_a_browser_a_vendors_csv_is_imported_read_and_reported(
    session: AppSession, new_films: Index, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    lines = [f"{one.path.name};{'81,5' if one.label == 'opacity' else '12,5'}" for one in new_films.samples]
    table = tmp_path / "vendor scores.csv"
    table.write_bytes("\r\n".join(["Bild;KI score (%)", *lines, "unknown.png;3"]).encode("cp1252"))

    page.goto(opened(session, page="data").url)
    page.wait_for_function("document.querySelector('#data-dataset input')?.value")  # whose images they are of
    page.locator("#data-import > button").click()
    page.locator("#data-import-file input[type=file]").set_input_files(table)
    page.locator("#data-import-file").get_by_text("vendor").first.wait_for()
    page.get_by_label("Name of the model").fill("Vendor X")
    page.get_by_label("Version", exact=True).fill("2.1")
    threshold = page.locator("#data-import-threshold :is(input, textarea)")
    assert threshold.input_value() == ""  # not 0, from which every image would have the finding
    threshold.fill("0.4")
    page.locator("#data-import-start").click()
    told = page.locator("#data-import-progress")
    told.get_by_text("not clear which column").wait_for()  # “KI” is no word that we know for a score
    told.get_by_text("(under “Column of each class”)").wait_for()
    assert "--column" not in told.inner_text()  # nobody types options here

    page.get_by_label("Column of each class").fill(
        "opacity=KI score (%)"
    )  # opened by the error that names it
    page.locator("#data-import-start").click()
    told.get_by_text("unknown.png) names no image of the data set").wait_for()
    page.locator("#data-import-incomplete input").check()
    page.locator("#data-import-start").click()
    told.get_by_text(f"{len(new_films.samples)} predictions were imported").wait_for()
    assert told.get_by_text("percentages").count()

    run = next(one for one in list_runs(session.workspace) if one.supplied)
    page.get_by_role("tab", name="Review").click()

    page.wait_for_function(  # the case of the run before stands there for a moment
        "ids => ids.includes(document.querySelector('.rv').dataset.shown)",
        arg=[one.image_id for one in new_films.samples],
    )

    def shown() -> str:
        page.wait_for_selector(".rv[data-shown]:not([data-busy], [data-guard])")
        return str(page.get_attribute(".rv", "data-shown"))

    read = []
    for key in ("a", "a", "u", "a", "a"):
        read.append(shown())
        page.keyboard.press(key)
        page.wait_for_function("was => document.querySelector('.rv').dataset.shown !== was", arg=read[-1])
    assert [review.image_id for review in session.store.reviews(run.run_id, reader="Dr Test")] == read
    assert not page.locator("[data-at=map-method]").is_visible()  # there is no network to ask for another map

    page.get_by_role("tab", name="Report").click()
    page.wait_for_selector("#report-drawings-0 svg")
    with page.expect_download() as download:
        page.locator("#report-html").click()
    path = tmp_path / "report.html"
    download.value.save_as(path)
    assert "The predictions of Vendor X 2.1 were supplied; Overread did not compute them." in path.read_text()


@pytest.mark.browser
def test_in_a_browser_new_images_are_read_with_a_run_and_shown(
    session: AppSession, new_films: Index, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(session, page="data").url)
    page.locator("#data-read > button").click()
    page.wait_for_function("document.querySelector('#data-read-run input')?.value")
    page.locator("#data-read-start").click()
    page.locator("#data-read-progress").get_by_text("new images were read").wait_for(timeout=60_000)
    page.get_by_role("tab", name="Review").click()
    page.wait_for_selector(".rv[data-shown]:not([data-busy])")
    with page.expect_response(lambda one: "component_server" in one.url):
        page.locator("select:has(option[value=elsewhere])").select_option("elsewhere")
    page.wait_for_function(
        "ids => ids.includes(document.querySelector('.rv').dataset.shown)",
        arg=[one.image_id for one in new_films.samples],
    )
