"""One workplace: every page speaks of the same data set and run, and the address brings somebody back to them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.data.index import index_data, save_index
from engine.reading import Drawn, Protocol, Reader
from engine.recipes.recipe import recipe_to_json
from engine.records import Index
from engine.report import Book, build_report
from engine.runs.folder import save_run
from engine.workspace import open_workspace
from gui.pages.data import bringing
from gui.pages.meant import data_meant, run_meant
from gui.pages.report.sections import said
from gui.web import markup, open_session
from tests.chromium import PATIENCE
from tests.gui.conftest import Held, Room, draw_film, fill, make_run
from tests.gui.pages.data.test_data_page import write_films
from tests.tiny import TINY_RECIPE


@pytest.fixture
def three(room: Room, tmp_path: Path) -> dict[str, Index]:
    """Three data sets; of the first two there is a run."""
    sets = {}
    for name in ("first", "second", "unread"):
        index = index_data(write_films(tmp_path / name, patients=4 + len(sets)) / "films.csv")
        sets[name] = replace(index, name=name)
        save_index(room.session.workspace, sets[name])
    for day, name in enumerate(("first", "second"), start=2):
        run = make_run(room.session.workspace, run_id=f"2026010{day}-120000-abcd")
        run = replace(
            run, dataset_id=sets[name].dataset_id, dataset_name=name, created=run.created.replace(day=day)
        )
        fill(
            room.session, tmp_path / f"drawn-{name}", [f"{name}_{number}.png" for number in range(6)], run=run
        )
        save_run(run)
        (run.folder / "recipe.json").write_text(recipe_to_json(replace(TINY_RECIPE, name="tiny")))
    return sets


def test_a_run_leads_to_its_data_set_and_a_data_set_to_its_newest_run_alone(
    room: Room, three: dict[str, Index]
) -> None:
    session, runs = room.session, [run.run_id for run in room.session.store.runs()]
    known = [three[name].dataset_id for name in ("unread", "second", "first")]
    assert data_meant(session, "20260102-120000-abcd", known) == three["first"].dataset_id
    assert data_meant(session, known[1], known) == known[1]
    assert data_meant(session, "no such thing", known) == data_meant(session, None, known) == known[0]
    assert run_meant(session, three["first"].dataset_id, runs) == "20260102-120000-abcd"
    assert (
        run_meant(session, three["unread"].dataset_id, runs) == runs[0]
    )  # a run of other images may have read them
    assert run_meant(session, "no such thing", runs) == run_meant(session, None, runs) == runs[0]


@pytest.mark.browser
def test_pages_follow_the_address_through_reload_back_and_forward(
    room: Room, three: dict[str, Index], page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    def go(tab: str) -> None:
        page.click(f"#page-{tab}-button")

    def is_shown(where: str, words: str) -> None:
        expect(page.locator(f"{where} input").first).to_have_value(re.compile(words))

    run = page.locator("#reading [data-at=run]")
    address = opened(room.session).url
    unread = three["unread"].dataset_id
    page.goto(
        f"{address}/?tab=train&data={unread}"
    )  # no run is of it: the one that can be read does not take its place
    page.wait_for_selector("#reading [data-shown]", state="attached")
    is_shown("#train-dataset", "unread")
    expect(page).to_have_url(re.compile(f"tab=train&data={unread}"))

    page.goto(address)
    expect(run).to_have_value("20260103-120000-abcd")
    expect(page).to_have_title("Review · Overread")
    expect(page).to_have_url(re.compile("tab=review.*run=20260103.*case="))

    go("data")
    is_shown("#data-dataset", "second")
    page.locator("#data-dataset input").click()
    page.get_by_role("option", name=re.compile("^first")).click()
    expect(page.locator("#data-summary")).to_contain_text("8images")
    go("train")
    is_shown("#train-dataset", "first")
    go("report")
    is_shown("#report-run", "first")
    go("review")
    expect(run).to_have_value("20260102-120000-abcd")
    expect(page).to_have_url(re.compile("run=20260102.*case="))
    first = page.locator("#reading [data-shown]").get_attribute("data-shown")
    page.locator("#reading [data-do=next]").click()
    expect(page.locator(f"#reading [data-shown]:not([data-busy], [data-shown='{first}'])")).to_be_visible()
    expect(page.locator("#reading [data-at=count]")).to_contain_text("2 of")
    case = page.locator("#reading [data-shown]").get_attribute("data-shown")
    expect(page).to_have_url(re.compile(f"case={case}"))

    held = Held(page)
    held.hold("report-run_given")
    page.reload()
    expect(page.locator(f"#reading [data-shown='{case}']")).to_be_visible()
    expect(run).to_have_value("20260102-120000-abcd")
    page.go_back()
    expect(page).to_have_title("Report · Overread")
    is_shown("#report-run", "first")
    held.wait_for("report-run_given")
    page.go_forward()
    expect(page.locator(f"#reading [data-shown='{case}']")).to_be_visible()

    run.select_option("20260103-120000-abcd")
    expect(page).to_have_url(re.compile("run=20260103.*case="))
    held.release()  # what the Report page was asked comes when nobody looks at it any more
    page.wait_for_timeout(1000)
    expect(page).to_have_url(re.compile("run=20260103.*case="))
    expect(run).to_have_value("20260103-120000-abcd")
    page.go_back()  # the choice is undone, on the same page, also while its first case is on its way
    expect(run).to_have_value("20260102-120000-abcd")
    few_events_at_a_tab(page)
    what_was_chosen_last_counts(page, held)


def what_was_chosen_last_counts(page: Any, held: Held) -> None:
    """Answers come late, one after the other on each page, and none of them takes back what was chosen meanwhile."""
    from playwright.sync_api import expect

    def settled() -> None:
        held.release()
        page.wait_for_timeout(1000)

    def choose(where: str, words: str) -> None:
        page.locator(f"{where} input").first.click()
        page.get_by_role("option", name=re.compile(words)).first.click()

    run, queue = page.locator("#reading [data-at=run]"), page.locator("#reading [data-at=queue]")
    expect(page.locator("#reading [data-shown]:not([data-busy])")).to_be_visible()
    held.hold("show_case")  # the next case of a run that was left
    page.locator("#reading [data-do=next]").click()
    held.wait_for("show_case")
    run.select_option("20260103-120000-abcd")
    expect(page).to_have_url(re.compile("run=20260103.*case="))
    settled()
    expect(page.locator("#reading [data-at=corner-name]")).to_contain_text("second_")
    expect(page).to_have_url(re.compile("run=20260103.*case="))

    held.hold("decide")  # a verdict on a case of the run that is left while it is stored
    page.wait_for_selector("#reading [data-shown]:not([data-busy], [data-guard])")
    page.fill("#reading [data-at=comment]", "kept with its verdict")
    page.click("#reading [data-do=agree]")
    held.wait_for("decide")
    run.select_option("20260102-120000-abcd")
    expect(page).to_have_url(re.compile("run=20260102.*case="))
    settled()
    expect(page.locator("#reading [data-at=stored]")).to_contain_text(
        re.compile("^Stored: agree .*, given before you went elsewhere$")
    )
    assert page.evaluate("Object.values(sessionStorage).filter((one) => one.includes('kept with'))") == []

    held.hold("open_reading")  # of two choices one after the other, both
    run.select_option("20260101-120000-abcd")
    expect(page).to_have_url(re.compile("run=20260101"))
    queue.select_option("all")
    settled()
    expect(page.locator("#reading [data-at=corner-name]")).to_contain_text("film_")
    expect(page.locator("#reading [data-at=count]")).to_contain_text("of 12")
    expect(queue).to_have_value("all")

    held.hold(
        "report_open", "report_show_run"
    )  # the Report page, come to for one run, while another is chosen on it
    page.click("#page-report-button")
    held.wait_for("report_open")
    choose("#report-run", "first")
    expect(page).to_have_url(re.compile("tab=report.*run=20260102"))
    held.wait_for("report_show_run")
    settled()
    expect(page.locator("#report-run input").first).to_have_value(re.compile("first"))
    expect(page.locator("#report-chosen [data-chosen*='20260102-120000-abcd']")).to_be_attached()
    expect(page).to_have_url(re.compile("tab=report.*run=20260102"))

    page.click("#page-data-button")
    expect(page.locator("#data-dataset input").first).to_have_value(re.compile("first"))
    held.hold("data_show")  # a data set that is chosen while another is on its way
    choose("#data-dataset", "^second")
    held.wait_for("data_show")
    choose("#data-dataset", "^unread")
    settled()
    expect(page.locator("#data-summary")).to_contain_text("12images")
    expect(page).to_have_url(re.compile("tab=data"))
    expect(page.locator("#data-dataset input").first).to_have_value(re.compile("unread"))


@pytest.mark.browser
def test_an_address_of_what_is_not_here_says_so_and_is_no_step_that_back_comes_to(
    room: Room, three: dict[str, Index], page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    bar, address = page.locator("#not-here"), opened(room.session).url
    page.goto(f"{address}/?tab=report&run=20260102-120000-abcd&data={three['first'].dataset_id}")
    expect(page).to_have_title("Report · Overread")
    expect(page.locator("#report-run input").first).to_have_value(re.compile("first"))
    expect(bar).to_have_count(0)
    for query, shown, words in (
        ("tab=report&run=20260109-120000-gone&data=0123456789ab", "tab=report&run=20260103", "The run in"),
        ("tab=data&data=0123456789ab", "tab=data&data=" + three["unread"].dataset_id, "The data set in"),
        ("tab=review&run=20260109-120000-gone&case=x", "tab=review&run=20260103.*case=", "The run in"),
        ("tab=review&run=20260102-120000-abcd&case=x", "run=20260102.*case=[0-9a-f]{64}", "The case in"),
    ):
        steps = page.evaluate("history.length")
        page.goto(f"{address}/?{query}")
        expect(bar).to_contain_text(words)
        expect(page).to_have_url(re.compile(shown))
        assert page.evaluate("history.length") <= steps + 1  # the address that was opened, and no other
    page.goto(f"{address}/?tab=review&run=20260102-120000-abcd&data={three['second'].dataset_id}")
    expect(page).to_have_url(re.compile(three["first"].dataset_id))  # the run brings its own data set along
    expect(bar).to_have_count(0)
    page.go_back()
    expect(bar).to_have_count(0)  # the case that was shown instead stands in that address by now
    page.goto(f"{address}/?tab=review&run=20260109-120000-gone")
    bar.get_by_role("button", name="Close").click()
    expect(bar).to_have_count(0)
    page.goto(f"{address}/?tab=review&run=20260109-120000-gone")
    expect(bar).to_contain_text("The run in")
    page.click("#page-data-button")  # it stands above the tabs, not over them
    expect(page).to_have_title("Data · Overread")
    expect(bar).to_have_count(0)


@pytest.mark.browser
def test_who_opens_an_empty_workspace_is_not_told_of_a_case_that_nobody_asked_for(
    tmp_path: Path, page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    session = open_session(open_workspace(tmp_path / "workspace"), reader="eve")
    page.goto(opened(session).url)
    expect(page.locator("#reading")).to_contain_text("There are no cases to read yet")
    page.wait_for_selector(".rv:not([data-busy])")
    expect(page.locator("#not-here")).to_have_count(0)
    session.store.close()


@pytest.mark.browser
def test_back_leaves_no_dialog_open_over_the_page_that_it_comes_to(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    page.goto(f"{opened(room.session).url}/?tab=data")
    page.wait_for_selector("#data-images")
    page.click("#page-review-button")
    page.wait_for_selector("#reading [data-shown]")
    for opens in ("keys", "finish"):
        page.click(f"#reading [data-do={opens}] >> nth=0")
        page.wait_for_selector("dialog:modal")
        page.go_back()
        expect(page.locator("#page-data")).to_be_visible()
        page.click("#page-train-button")  # which an open dialog would keep, though nobody sees it
        expect(page.locator("#page-train")).to_be_visible()
        page.click("#page-review-button")
        expect(page.locator("#page-review")).to_be_visible()
        assert page.locator("dialog:modal").count() == 0
        page.go_back()
        page.go_back()
        page.click("#page-review-button")
        expect(page.locator("#page-review")).to_be_visible()


def few_events_at_a_tab(page: Any) -> None:
    """Each event costs the browser a walk over all components, and whoever opens a page waits for all of them.

    What Train tells of its form once it has been looked at for a moment is not counted, nor what is measured: both take
    seconds by themselves, once.
    """
    named = dict(page.evaluate("window.gradio_config.dependencies.map(({ id, api_name }) => [id, api_name])"))
    fired: list[str] = []

    def note(request: Any) -> None:
        if "/queue/join" in request.url:
            fired.append(named[json.loads(request.post_data)["fn_index"]])

    page.on("request", note)
    asking = ("data", "train", "report", "share")  # the scripts of the others ask for themselves
    asked_first = {"data": "data_open", "train": "train_open_page", "report": "report_open"}
    for most in (3, 1):
        fired.clear()
        for tab in (*asking, "studies", "review"):
            page.click(f"#page-{tab}-button")
            page.wait_for_selector(f"#page-{tab}", state="visible")
            until = time.monotonic() + PATIENCE / 1000
            while (
                tab in asked_first and asked_first[tab] not in fired
            ):  # whoever passes by sooner asks nothing
                assert time.monotonic() < until, fired
                page.wait_for_timeout(20)
        page.wait_for_timeout(1500)  # what follows from an answer
        events = [name for name in fired if name not in ("train_measure", "train_facts", "train_tell")]
        assert len(events) <= most * len(asking), events


RUNS_OUT = """() => {
  const rolls = [...document.querySelectorAll('#pages :is(fieldset, .html-container, .prose)')];
  const boxes = '#pages :is(p, h2, h3, th, td, li, span, dd, label, figcaption, select)';
  const wide = (one) => one.clientWidth && one.scrollWidth > one.clientWidth + 2
    && getComputedStyle(one).overflowX === 'visible' && getComputedStyle(one).display !== 'inline';
  return [...document.querySelectorAll(boxes)].filter((one) => one.checkVisibility({ visibilityProperty: true })
    && (one.getBoundingClientRect().right > innerWidth + 1 || wide(one))
    && !one.closest('.rp-part, .virtual-table-viewport'))   // which are scrolled, by keys as well
    .concat(rolls.filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 2))
    .map((one) => one.outerHTML.slice(0, 200));
}"""


@pytest.mark.browser
def test_names_of_two_hundred_letters_without_a_blank_stay_within_their_boxes(
    room: Room, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    name = "Pneumothorax" * 20
    for letter, films in (("N", 6), ("P", 12)):
        for number in range(films):
            folder = tmp_path / "brought" / f"{letter}{name}"[:200]
            folder.mkdir(parents=True, exist_ok=True)
            draw_film(folder / f"{number}.png", 10 * films + number, side=64)
    index = index_data(tmp_path / "brought")
    save_index(room.session.workspace, index)
    store = room.session.store
    who = store.add_reader(Reader(reader_id="", name=name[:200]))
    store.studies.create(
        Protocol(name=name[:200], run_id=room.run.run_id, readers=(who.reader_id,), drawn=Drawn(rule="all"))
    )
    window = opened(room.session)
    for width in (1366, 820, 390):
        page.set_viewport_size({"width": width, "height": 768})
        for tab, there in (("data", "#data-images .or-picture"), ("train", "#train-balance :text('→')")):
            page.goto(f"{window.url}/?tab={tab}&data={index.dataset_id}")
            page.wait_for_selector(there)
            assert page.evaluate(RUNS_OUT) == []
        page.goto(f"{window.url}/?tab=studies")
        page.wait_for_selector(".sd-card")
        assert page.evaluate(RUNS_OUT) == []
        page.get_by_role("button", name="Open", exact=True).click()
        page.wait_for_selector(".sd-study table")
        assert page.evaluate(RUNS_OUT) == []
        assert (
            page.evaluate(
                "Math.min(...[...document.querySelectorAll('.sd-study th')].map((one) => one.offsetWidth))"
            )
            > 40
        )


@pytest.mark.browser
def test_a_long_name_of_a_class_hides_no_figure_and_is_read_to_its_end(
    room: Room, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    latin = "Pneumonia_right_lower_lobe_with_air_bronchograms_and_small_effusion_seen_by_CT"
    persian = "بدون_یافته_غیرطبیعی_در_قفسه_سینه_بر_اساس_گزارش_نهایی_پرتوشناس_بیمارستان_مرکزی"
    run = make_run(room.session.workspace, run_id="20260109-120000-abcd", classes=(latin, persian))
    files = [f"{('Portable_chest_radiograph_' * 4)[:80]}{number}.png" for number in range(12)]
    predictions = fill(room.session, tmp_path / "long", files, run=run)
    page.set_viewport_size({"width": 820, "height": 900})
    page.goto(f"{opened(room.session).url}/?tab=review&run={run.run_id}")
    corner = page.locator("[data-at=corner-name]")
    page.wait_for_function("(one) => one.textContent.includes('Portable')", arg=corner.element_handle())
    hidden = "(one) => one.scrollWidth - one.clientWidth"
    assert corner.evaluate(hidden) <= 0

    report = build_report(run, predictions, history=[])
    book = Book(report)
    pieces = markup.joined([markup.STYLE, said(report.against[0]), markup.printed(book.performance[0])])
    page.goto("about:blank")  # what the page before still asks is answered to nobody
    page.set_content(f"<main style='overflow: auto'>{pieces}</main>")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.locator("table").count() > 2 and page.locator("main").evaluate(hidden) <= 0
    # the name is isolated whole: word by word, the last would stand first
    assert f"\u2068{persian}\u2069" in page.inner_text("main")

    style = Path(bringing.__file__).with_name("bring.css").read_text(encoding="utf-8")
    asked = f"<div class='br-line'><span>{latin}</span><select><option>{latin * 2}</option></select></div>"
    page.set_content(f"<style>{style}</style><main style='width: 500px'>{asked}</main>")
    assert page.locator("main").evaluate(hidden) <= 0
    assert page.locator(".br-line > span").evaluate("(one) => one.offsetWidth") > 200
