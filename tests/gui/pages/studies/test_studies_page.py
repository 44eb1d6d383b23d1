"""Studies from the pages, in Chromium: made, read by two, settled by a third, and what came of it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.data import index_folder, save_index
from tests.gui.conftest import Held, answer_now, draw_film
from tests.gui.pages.studies.conftest import Ward

AT_ONCE = """() => new MutationObserver(() => {
    document.dispatchEvent(new KeyboardEvent('keydown', { code: 'Digit3', key: '3', bubbles: true }));
}).observe(document.querySelector('.st-room'), { attributes: true, attributeFilter: ['data-shown'] })"""


BESIDE = """[...document.querySelectorAll('.sd-study, .sd-study *')].filter((one) => {
  const { left, right } = one.getBoundingClientRect();
  return left < 0 || right > innerWidth;
}).map((one) => one.outerHTML.slice(0, 80))"""


def shown(page: Any, arm: str) -> None:
    """Wait until a case of that arm has been on the screen for as long as the guard."""
    page.wait_for_selector(f".st-room[data-arm={arm}][data-shown]:not([data-busy], [data-guard])")


def press(page: Any, *keys: str) -> None:
    """Answer by keys, and wait until the next case or the end is on the screen."""
    was = page.get_attribute(".st-room", "data-shown")
    for key in keys:
        page.keyboard.press(key)
    gone = """was => {
        const room = document.querySelector('.st-room');
        return !room.hasAttribute('data-busy') && (room.dataset.shown !== was || room.hasAttribute('data-empty'));
    }"""
    page.wait_for_function(gone, arg=was)


def back(page: Any) -> None:
    page.click(".st-room .rv-notice >> text=Back to the studies")
    page.wait_for_selector("#studies-desk .sd[data-face]", state="visible")


def test_a_study_is_made_read_blind_then_assisted_settled_and_its_figures_are_there(
    ward: Ward, opened: Callable[..., Any], page: Any
) -> None:
    window = opened(ward.session, page="studies")
    page.goto(window.url)
    page.click("text=Make a study")
    form = page.locator(".sd-form")
    form.locator("[name=name]").fill("Pilot")
    form.locator("[name=design]").select_option("blind then assisted")
    for name in ("anna", "ben"):
        form.get_by_label(name, exact=True).check()
    form.locator("[name=adjudicator]").select_option(label="carl (adjudicator)")
    form.locator("[name=consensus]").select_option("adjudicated")
    form.locator("[name=certainty]").select_option("1-5")
    form.locator("[name=rule]").select_option("random stratified")
    form.locator("[name=n]").fill("two")
    form.locator("[name=seed]").fill("7")
    page.wait_for_selector("[data-error=n] >> text=“two” is not a whole number")
    form.locator("[name=n]").fill("2")
    form.locator("[name=wrong_advice]").fill("50")
    page.wait_for_selector(
        "[data-at=summary] >> text=2 readers × 2 cases, blind, then at once assisted: anna, ben."
    )
    page.click("[data-at=make]")
    page.wait_for_selector("text=“Pilot” is made, with 2 cases")
    study = ward.session.store.studies.get("Pilot")
    assert (study.protocol.certainty, study.protocol.wrong_advice, study.state) == ("1-5", 0.5, "draft")

    page.click("text=Begin reading")
    shown(page, "blind")
    press(page, "2", "4")
    shown(page, "assisted")
    assert page.locator("[data-at=before]").inner_text() == "Your blind answer: okapitis, certainty 4"
    page.keyboard.press("z")  # what was said blind stands once the prediction was seen
    page.wait_for_selector(".st-room [data-at=toast] >> text=so that it stands")
    press(page, "a", "3")
    shown(page, "blind")
    page.keyboard.press("1")
    page.keyboard.press("Escape")  # the class is chosen again, before its certainty is given
    press(page, "2", "5")
    shown(page, "assisted")
    press(page, "2", "5")
    page.wait_for_selector(".rv-notice >> text=You have read all cases of “Pilot”")
    page.wait_for_selector(".rv-notice >> text=This session: 4 answers, median")
    back(page)
    page.click("text=← All studies")

    page.select_option(".sd [data-at=reader]", "ben")
    page.click("text=Begin reading")
    for answers in (("1", "5"), ("a", "1"), ("2", "5"), ("u",)):
        shown(page, "assisted" if answers[0] in ("a", "u") else "blind")
        press(page, *answers)
    back(page)

    page.select_option(".sd [data-at=reader]", "carl")
    page.wait_for_selector("text=0 of 1 settled")
    page.get_by_role("button", name="Settle", exact=True).click()
    shown(page, "adjudication")
    readings = page.locator(".st-reading").all_inner_texts()
    assert sorted(one.split(" ", 2)[2][:8] for one in readings) == ["okapitis", "zebrosis"]
    assert {one[:8] for one in readings} == {"Reader A", "Reader B"} and "anna" not in "".join(readings)
    page.keyboard.press("2")
    page.keyboard.press("5")
    page.wait_for_selector(".st-room [data-at=toast] >> text=needs a reason")
    page.fill(".st-room [data-at=comment]", "Opacity below the right hilum")
    page.keyboard.press("Escape")
    press(page, "5")  # the class is still chosen
    page.wait_for_selector(".rv-notice >> text=is settled")
    back(page)

    page.click(".sd-card >> text=Open")
    page.wait_for_selector("text=Consensus on 2 of 2 cases.")
    page.wait_for_selector("text=okapitis: 2.")
    page.wait_for_selector("text=The readers did not agree on 1; 1 of these settled.")
    rows = page.locator(".sd-study table tr").all_inner_texts()
    before = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})  # a telephone's
    assert page.evaluate(BESIDE) == []
    page.set_viewport_size(before)
    assert [one.split("\t")[:3] for one in rows[1:]] == [
        [name, arm, "2 of 2"] for name in ("anna", "ben") for arm in ("blind", "assisted")
    ]
    page.click("text=Close the study")
    page.click("text=Close the study: sure?")
    page.wait_for_selector("text=“Pilot” is closed; nothing can be added to it.")
    page.click("text=← All studies")
    page.select_option(".sd [data-at=reader]", "anna")
    page.click(".sd-card >> text=Open")
    page.wait_for_selector("text=Wrong advice that anna was shown")
    address = page.get_attribute(".sd-study a[download]", "href")
    answer = page.context.request.get(window.url + address)
    names = zipfile.ZipFile(io.BytesIO(answer.body())).namelist()
    assert {"answers.csv", "data-dictionary.csv"} <= set(names)
    assert ward.session.store.audit().found == ()


def test_images_without_labels_are_labelled_from_nothing_by_key_and_by_typing(
    ward: Ward, tmp_path: Path, opened: Callable[..., Any], page: Any
) -> None:
    (tmp_path / "unlabelled").mkdir()
    for number in range(2):
        draw_film(tmp_path / "unlabelled" / f"{number}.png", number, side=96)
    save_index(ward.session.workspace, index_folder(tmp_path / "unlabelled", near_duplicates=False))
    window = opened(ward.session, page="data")
    page.goto(window.url)
    page.wait_for_selector("#data-summary >> text=without a label")
    page.click("#data-label")
    form = page.locator(".sd-form")
    form.locator("[name=name]").fill("Labels")
    assert form.locator("[name=design]").input_value() == "annotation"
    findings = ["normal", *(f"finding {letter}" for letter in "bcdefghi"), "pneumothorax", "effusion"]
    form.locator("[name=findings]").fill("\n".join(findings))
    form.get_by_label("anna", exact=True).check()
    page.wait_for_selector("[data-at=summary] >> text=1 reader × 2 cases, labelled from nothing: anna.")
    page.click("[data-at=make]")
    page.evaluate(AT_ONCE)  # a double tap: the key is there as soon as the image is
    page.click("text=Begin reading")
    shown(page, "annotation")
    assert ward.session.store.studies.answers(ward.session.store.studies.get("Labels").study_id) == []
    page.keyboard.press("r")
    box = page.locator(".rv-stage").last.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2 + 40)
    page.mouse.up()
    press(page, "2")
    shown(page, "annotation")
    page.keyboard.press("/")
    page.keyboard.type("thorax")
    press(page, "Enter")
    page.wait_for_selector(".rv-notice >> text=You have read all cases of “Labels”")
    first, second = ward.session.store.studies.answers(ward.session.store.studies.get("Labels").study_id)
    assert (first.label, second.label) == ("finding b", "pneumothorax")
    assert [len(one.regions) for one in (first, second)] == [1, 0]


@pytest.mark.browser
def test_what_was_opened_is_shown_though_the_page_is_left_and_come_to_before_the_answer(
    ward: Ward, page: Any, opened: Callable[..., Any]
) -> None:
    study = ward.study("blind")
    held = Held(page)
    page.goto(opened(ward.session, page="studies").url)
    page.wait_for_selector(".sd-card")
    held.hold("show_study")
    page.get_by_role("button", name="Open", exact=True).click()
    held.wait_for("show_study")
    page.wait_for_selector(".sd [data-at=study] .or-skeleton")  # its place is there at once
    assert page.locator(".sd [data-at=title]").inner_text() == "pilot"
    for tab in ("review", "studies"):
        page.click(f"#page-{tab}-button")
        page.wait_for_timeout(300)
    held.release()
    page.wait_for_selector(".sd-study table")

    page.get_by_role("button", name="Close the study", exact=True).dblclick()
    page.get_by_role("button", name="Close the study: sure?", exact=True).wait_for()
    page.wait_for_timeout(500)
    assert (
        ward.session.store.studies.get(study.study_id).state != "closed"
    )  # a double click is no second answer
    page.get_by_role("button", name="Close the study: sure?", exact=True).click()
    page.locator(".sd-said").wait_for()
    assert ward.session.store.studies.get(study.study_id).state == "closed"


@pytest.mark.browser
def test_a_study_that_cannot_be_opened_leaves_its_list(
    ward: Ward, page: Any, opened: Callable[..., Any]
) -> None:
    ward.study("blind")
    page.goto(opened(ward.session, page="studies").url)
    page.wait_for_selector(".sd-card")
    answer_now(page, "**/component_server/**", lambda asked: asked.abort())
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_text("Overread is not responding.").wait_for()
    assert (
        page.locator(".sd-card").is_visible()
        and page.locator(".sd [data-at=title]").inner_text() == "Reader studies"
    )


@pytest.mark.browser
def test_what_was_written_on_a_case_of_a_study_outlives_a_reload_and_what_was_emptied_stays_empty(
    ward: Ward, opened: Callable[..., Any], page: Any
) -> None:
    study = ward.study("blind")
    page.goto(opened(ward.session, page="studies").url)
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))

    def read() -> None:
        page.get_by_role("button", name="Begin reading").or_(
            page.get_by_role("button", name="Continue reading")
        ).first.click()
        shown(page, "blind")

    def go(number: int) -> None:
        was = page.get_attribute(".st-room", "data-shown")
        page.fill("[data-at=jump-to]", str(number))
        page.press("[data-at=jump-to]", "Enter")
        page.wait_for_function("was => document.querySelector('.st-room').dataset.shown !== was", arg=was)
        shown(page, "blind")

    comment = page.locator(".st-room [data-at=comment]")
    read()
    page.keyboard.press("r")
    box = page.locator(".st-room .rv-stage").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2 + 40)
    page.mouse.up()
    comment.fill("below the hilum")
    page.reload()
    assert asked == ["beforeunload"]  # a slip of the hand is asked about, as on Review
    read()
    assert comment.input_value() == "below the hilum"
    assert page.locator(".st-room [data-at=region-count]").inner_text().startswith("1 region drawn")
    go(2)
    assert comment.input_value() == ""
    go(1)
    comment.fill("")
    go(2)
    go(1)
    assert comment.input_value() == ""  # it had come back
    press(page, "2")
    shown(page, "blind")
    go(1)
    page.reload()
    assert asked == ["beforeunload"]  # nothing is unsaid of a case that was answered
    (stored,) = ward.session.store.studies.answers(study.study_id)
    assert (stored.comment, len(stored.regions)) == ("", 1)


def test_enter_in_a_new_readers_name_adds_the_reader_and_a_held_one_answers_no_question(
    ward: Ward, opened: Callable[..., Any], page: Any
) -> None:
    from playwright.sync_api import expect

    page.goto(opened(ward.session, page="studies").url)
    page.click("text=Make a study")
    form = page.locator(".sd-form")
    form.locator("[name=name]").fill("Pilot")
    form.get_by_label("anna", exact=True).check()
    form.locator("[data-at=new-reader]").fill("dora")
    form.locator("[data-at=new-reader]").press("Enter")
    expect(form.get_by_label("dora", exact=True)).to_be_checked()
    assert ward.session.store.studies.all() == []
    page.click("[data-at=make]")
    open_it = page.locator(".sd-do button").last
    expect(open_it).to_be_visible()
    words = open_it.inner_text()
    open_it.focus()
    for _repeated in range(4):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    expect(open_it).to_have_text(f"{words}: sure?")
    assert ward.session.store.studies.get("Pilot").state == "draft"
