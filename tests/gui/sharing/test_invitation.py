"""A reader who is invited reads one study by a link, as themselves, and meets nothing else of the workspace."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.errors import ShareError
from engine.reading import Drawn
from gui.sharing.choosing import chosen_cases
from gui.sharing.deidentified_copy import choose
from gui.sharing.link import Access, Share, invite
from tests.chromium import PATIENCE
from tests.gui.conftest import Room
from tests.gui.pages.studies.conftest import CLASSES, Ward, ward
from tests.gui.pages.studies.test_blind_to_the_byte import Line, told_by

__all__ = ["ward"]
ON_SCREEN = ".st-room[data-arm=blind][data-shown]:not([data-busy])"


@dataclass
class Invitation:
    """A link for ben to a study, with every byte that came out of it."""

    ward: Ward
    study_id: str
    link: Share
    line: Line

    def answers(self) -> list[Any]:
        return self.ward.session.store.studies.answers(self.study_id, latest=False)


@pytest.fixture
def invitation(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Invitation]:
    """To a blind study, or to one of another design that a test names."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    study = ward.study(getattr(request, "param", "blind"))
    ward.study("blind", name="ANOTHER STUDY", drawn=Drawn(rule="all"))
    line = Line(0)
    link = invite(
        ward.session.workspace,
        ward.session.store,
        "pilot",
        "ben",
        access=Access(via="ssh", address=f"http://127.0.0.1:{line.port}"),
    )
    line.leads_to(int(re.findall(r"127\.0\.0\.1:(\d+)", link.command)[0]))
    yield Invitation(ward, study.study_id, link, line)
    link.close()
    line.close()


@pytest.fixture
def device(browser: Any, invitation: Invitation) -> Iterator[Callable[[], Any]]:
    """Logs in on a device of its own and begins to read."""
    contexts = []

    def log_in() -> Any:
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(invitation.link.url)
        page.get_by_label("User").fill(invitation.link.user)
        page.get_by_label("Password").fill(invitation.link.password)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("button", name="Begin reading", exact=True).click()
        page.wait_for_selector(ON_SCREEN)
        page.wait_for_timeout(700)  # the guard, and what is fetched ahead
        return page

    yield log_in
    for context in contexts:
        context.close()


def press(page: Any, key: str) -> None:
    shown = page.locator(".st-room").get_attribute("data-shown")
    page.keyboard.press(key)
    page.wait_for_selector(f'.st-room:not([data-shown="{shown}"]):not([data-busy], [data-guard])')


@pytest.mark.browser
def test_an_invited_reader_reads_blind_as_themselves_on_one_device_at_a_time_until_the_link_ends(
    invitation: Invitation, device: Callable[[], Any]
) -> None:
    first = device()
    press(first, "1")
    assert [(one.label, one.arm, one.contaminated) for one in invitation.answers()] == [
        (CLASSES[0], "blind", False)
    ]
    (ben,) = invitation.ward.ids("ben")
    assert invitation.answers()[0].reader == ben
    told = invitation.ward.session.store.studies.exposures(invitation.study_id)
    assert [(one.prediction, one.map, one.label, one.others) for one in told.values()] == [(False,) * 4]
    assert first.get_by_role("tab").all_inner_texts() == ["Reading"]

    blind = bytes(invitation.line.received)
    secrets = told_by(invitation.ward) | {
        "a hash of a file": invitation.ward.predictions[0].image_id.encode()
    }
    secrets |= {"another study": b"ANOTHER STUDY", "another reader": b"anna", "a prediction": b'"predicted"'}
    assert [name for name, secret in secrets.items() if secret in blind] == []
    assert blind.count(CLASSES[0].encode()) > blind.count(CLASSES[1].encode()) > 0  # “Stored: …” is ben's own

    second = device()
    assert second.locator("[data-at=count]").inner_text() == "2 of 6"
    first.keyboard.press("2")
    first.get_by_text("This link was opened on another device since").wait_for()
    assert len(invitation.answers()) == 1
    press(second, "2")
    assert [one.label for one in invitation.answers()] == list(CLASSES)

    invitation.link.close()
    second.keyboard.press("1")
    second.get_by_text("The link has ended, or the connection is broken.").wait_for()
    with pytest.raises(httpx.TransportError):
        httpx.get(invitation.link.url)
    assert len(invitation.answers()) == 2 and not invitation.ward.session.store.audit().found
    invitation.link.close()


@pytest.mark.browser
@pytest.mark.parametrize("invitation", ["blind then assisted"], indirect=True)
def test_an_invited_reader_is_shown_the_prediction_once_the_blind_answer_is_with_the_owner(
    invitation: Invitation, device: Callable[[], Any]
) -> None:
    studies, page = invitation.ward.session.store.studies, device()
    secrets = told_by(invitation.ward)
    assert [name for name, secret in secrets.items() if secret in invitation.line.received] == []
    press(page, "1")
    assert page.get_attribute(".st-room", "data-arm") == "assisted"
    assert page.locator("[data-at=before]").inner_text() == f"Your blind answer: {CLASSES[0]}"
    said = [secret for name, secret in secrets.items() if name.startswith("share ")]
    assert len([secret for secret in said if secret in invitation.line.received]) == 1  # of this case alone
    press(page, "2")
    page.wait_for_selector(ON_SCREEN)

    given = invitation.answers()
    (ben,) = invitation.ward.ids("ben")
    assert [
        (one.reader, one.arm, one.verdict, one.label, one.predicted, one.contaminated) for one in given
    ] == [
        (ben, "blind", "read", CLASSES[0], None, False),
        (ben, "assisted", "agree", CLASSES[1], CLASSES[1], False),
    ]
    told = studies.exposures(invitation.study_id)
    seen = [told[one.seq or 0] for one in given]
    assert [(one.prediction, one.map, one.label, one.others) for one in seen] == [
        (False,) * 4,
        (True, True, False, False),
    ]
    assert [(one.arm, one.read) for one in studies.progress(invitation.study_id) if one.reader == ben] == [
        ("blind", 1),
        ("assisted", 1),
    ]
    assert not invitation.ward.session.store.audit().found


def test_only_a_reader_of_a_study_that_is_open_can_be_invited(ward: Ward) -> None:
    study = ward.study("blind")
    ask = (ward.session.workspace, ward.session.store)
    with pytest.raises(ShareError, match=r"dora is not a reader of “pilot”.*anna, ben, carl"):
        invite(*ask, "pilot", "dora")
    ward.session.store.studies.close(study.study_id)
    with pytest.raises(ShareError, match="closed"):
        invite(*ask, "pilot", "ben")


def test_what_guests_look_at_is_drawn_by_a_seed_or_comes_from_a_queue_or_from_names(room: Room) -> None:
    store, run_id = room.session.store, room.run.run_id
    draws = [{one.image_id for one in choose(store, run_id, None, 5, seed)} for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2] and len(draws[0]) == 5
    errors = [one.image_id for one in room.predictions if one.predicted != one.label]
    queued = chosen_cases(store, run_id, queue="errors", cases=50)
    assert queued is not None and sorted(queued) == sorted(errors)
    assert chosen_cases(store, run_id, queue="errors", cases=1) == queued[:1]
    two = room.predictions[3], room.predictions[7]
    named = f"film_03.png\n {two[1].image_id[:9]}"
    assert chosen_cases(store, run_id, named=named, cases=50) == [one.image_id for one in two]
    assert chosen_cases(store, run_id, cases=50) is None
    for wrong, said in (("film_", "several cases"), ("film_99.png", "no case")):
        with pytest.raises(ShareError, match=said):
            chosen_cases(store, run_id, named=wrong, cases=50)
    with pytest.raises(ShareError, match="no queue"):
        chosen_cases(store, run_id, queue="nonsense", cases=50)
