"""A department reads a study, in Chromium: everybody signs in and does what their role may, under their own name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.reading import Reader
from gui.mounting import members_of
from tests.chromium import PATIENCE
from tests.gui.door.test_members import PASSWORD
from tests.gui.pages.studies.conftest import CLASSES, Ward
from tests.gui.pages.studies.test_studies_page import back, press, shown


@pytest.fixture
def desk(ward: Ward, browser: Any, opened: Callable[..., Any]) -> Iterator[Callable[[str], Any]]:
    """Sign in on a device of one's own, and go to the studies; dora is the administrator."""
    store = ward.session.store
    store.add_reader(Reader(reader_id="", name="dora", role="administrator"))
    for name in ("anna", "ben", "carl", "dora"):
        store.accounts.set_password(name, PASSWORD)
    window = opened(ward.session, entrance=members_of(ward.session, None), page="studies")
    contexts = []

    def sign_in(name: str) -> Any:
        contexts.append(browser.new_context(viewport={"width": 1366, "height": 768}))
        contexts[-1].set_default_timeout(PATIENCE)
        page = contexts[-1].new_page()
        page.goto(window.url)
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector("#signed-in")
        assert page.locator("#signed-in").inner_text().startswith(f"{name} (")
        return studies(page)

    def studies(page: Any) -> Any:
        page.get_by_role("tab", name="Studies").click()
        page.wait_for_selector("#studies-desk .sd[data-face]", state="visible")
        return page

    sign_in.studies = studies  # type: ignore[attr-defined]
    yield sign_in
    for context in contexts:
        context.close()


def read(page: Any, *answers: tuple[str, str]) -> None:
    for arm, key in answers:
        shown(page, arm)
        press(page, key)


@pytest.mark.browser
@pytest.mark.parametrize("ward", ["postgresql"], indirect=True)  # where a department keeps what it reads
def test_people_who_sign_in_make_read_and_settle_a_study_each_under_their_own_name(
    ward: Ward, desk: Callable[[str], Any]
) -> None:
    store = ward.session.store
    dora = desk("dora")
    dora.click("text=Make a study")
    form = dora.locator(".sd-form")
    form.locator("[name=name]").fill("Pilot")
    form.locator("[name=design]").select_option("blind then assisted")
    for name in ("anna", "ben"):
        form.get_by_label(name, exact=True).check()
    form.locator("[name=adjudicator]").select_option(label="carl (adjudicator)")
    form.locator("[name=consensus]").select_option("adjudicated")
    form.locator("[name=rule]").select_option("random stratified")
    form.locator("[name=n]").fill("2")
    dora.wait_for_selector("[data-at=summary] >> text=2 readers × 2 cases")
    dora.click("[data-at=make]")
    dora.wait_for_selector("text=“Pilot” is made, with 2 cases")
    study_id = store.studies.get("Pilot").study_id

    anna = desk("anna")
    assert not anna.get_by_text("Make a study").is_visible()  # a reader reads, and makes none
    anna.click("text=Begin reading")
    read(anna, ("blind", "2"))
    shown(anna, "assisted")
    second = anna.context.new_page()  # another tab of the same browser, signed in already
    second.goto(anna.url)
    desk.studies(second)  # type: ignore[attr-defined]
    second.click("text=Continue reading")
    read(second, ("assisted", "1"))
    anna.bring_to_front()
    anna.keyboard.press("2")
    anna.wait_for_selector(".st-room [data-at=toast] >> text=so this answer was not stored")
    assert [(one.arm, one.label) for one in store.studies.answers(study_id)] == [
        ("blind", CLASSES[1]),
        ("assisted", CLASSES[0]),
    ]
    second.close()
    anna.get_by_role("button", name="Sign out", exact=True).click()
    anna.get_by_label("Password").wait_for()
    assert anna.context.cookies() == []

    anna = desk("anna")  # on another computer, where she stopped
    anna.click("text=Continue reading")
    read(anna, ("blind", "2"), ("assisted", "2"))
    anna.wait_for_selector(".rv-notice >> text=You have read all cases of “Pilot”")

    ben = desk("ben")
    ben.click("text=Begin reading")
    read(ben, ("blind", "1"))
    shown(ben, "assisted")
    elsewhere = ben.context.new_page()
    elsewhere.goto(ben.url)
    elsewhere.get_by_role("button", name="Sign out everywhere").click()
    elsewhere.get_by_label("Password").wait_for()
    ben.bring_to_front()
    ben.keyboard.press("1")
    ben.wait_for_selector("text=You are no longer signed in")
    assert len(store.studies.answers(study_id)) == 5
    ben = desk("ben")
    ben.click("text=Continue reading")
    read(ben, ("assisted", "1"), ("blind", "2"), ("assisted", "2"))

    carl = desk("carl")
    carl.get_by_role("button", name="Settle", exact=True).click()
    while len(store.studies.disagreements(study_id)) > sum(
        one.settled is not None for one in store.studies.disagreements(study_id)
    ):
        shown(carl, "adjudication")
        assert not {"anna", "ben"} & set(" ".join(carl.locator(".st-reading").all_inner_texts()).split())
        carl.fill(".st-room [data-at=comment]", "Opacity below the right hilum")
        carl.keyboard.press("Escape")
        press(carl, "2")
    carl.wait_for_selector(".rv-notice >> text=is settled")
    back(carl)

    desk.studies(dora)  # type: ignore[attr-defined]
    dora.reload()
    desk.studies(dora)  # type: ignore[attr-defined]
    dora.click(".sd-card >> text=Open")
    dora.wait_for_selector("text=Consensus on 2 of 2 cases.")
    anna_id, ben_id, carl_id = ward.ids("anna", "ben", "carl")
    given = [(one.reader, one.arm) for one in store.studies.answers(study_id)]
    assert {reader for reader, arm in given if arm == "adjudication"} == {carl_id}
    assert sorted(one for one in given if one[1] != "adjudication") == sorted(
        (reader, arm) for reader in (anna_id, ben_id) for arm in ("blind", "assisted") for _ in range(2)
    )
    seen = store.studies.exposures(study_id)
    for one in store.studies.answers(study_id):
        assert seen[one.seq or 0].prediction == (one.arm == "assisted") or one.arm == "adjudication"
        assert not seen[one.seq or 0].contaminated or one.arm == "adjudication"
    assert store.audit().found == ()
