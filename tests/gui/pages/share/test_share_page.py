"""The panel opens a link only after consent, shows it with its end, and closes it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from engine.errors import ShareError
from gui.pages.share.page import (
    CONSENT,
    NO_LINK,
    Desk,
    build,
    choose,
    close_link,
    open_link,
    passage,
    view,
    ways,
)
from gui.pages.share.wishes import Wish, run_choices
from gui.sharing import WAYS
from gui.web.session import AppSession
from tests.gui.conftest import Room

SSH = WAYS["ssh"].title
A_WHILE = re.compile("closes automatically in (60|59|58) min")  # of an hour, however long the page took


def test_nothing_is_shared_without_consent(room: Room) -> None:
    desk = Desk(room.session)
    with pytest.raises(ShareError, match="Nothing was shared"):
        open_link(desk, Wish(run_id=room.run.run_id, way="ssh"))
    with pytest.raises(ShareError, match="no run to share"):
        open_link(desk, Wish(way="ssh", consent=True))
    assert desk.link is None


@pytest.mark.parametrize("way", list(WAYS))
def test_the_operator_is_named_before_consent_and_another_way_asks_for_another_consent(way: str) -> None:
    words, *_, consent = choose(way, " you@bastion ")
    assert WAYS[way].operator("you@bastion") in words and consent["value"] is False
    assert "named above" in CONSENT


def test_only_ways_that_this_computer_has_are_offered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [name for _, name in ways()] == ["gradio"]
    assert "cloudflared is not installed" in passage("gradio", "") and "ssh is not installed" in passage(
        "gradio", ""
    )


def test_runs_with_cases_are_offered(room: Room) -> None:
    ((words, run_id),) = run_choices(room.session)
    assert run_id == room.run.run_id and "drawn films" in words and "12 cases" in words


def test_without_a_link_there_is_nothing_to_copy_or_close(room: Room) -> None:
    for shown in (view(Desk(room.session)), close_link(Desk(room.session))):
        *facts, state, opening, closing, timer = shown
        assert all(fact["value"] == "" and not fact["visible"] for fact in facts)
        assert state == NO_LINK and opening["interactive"] and not closing["interactive"]
        assert not timer.active


@pytest.mark.browser
def test_a_person_opens_a_link_reads_its_end_and_closes_it(
    room: Room,
    opened: Callable[..., Any],
    page: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("tmp")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    page.goto(opened(room.session, page="share").url)
    page.get_by_text("is not removed").wait_for()
    page.get_by_label(SSH).check()
    page.locator("#share-open").click()
    page.get_by_text("Nothing was shared").wait_for()
    page.get_by_text("the server that you name in the command, and no third party").wait_for()
    page.get_by_label(CONSENT).check()
    page.locator("#share-open").click()
    page.get_by_text(A_WHILE).wait_for(timeout=120_000)
    url = page.locator("#share-url textarea, #share-url input").input_value()
    password = page.locator("#share-password textarea, #share-password input").input_value()
    command = page.locator("#share-command textarea, #share-command input").input_value()
    assert url.startswith("http://127.0.0.1:") and len(password) == 19 and command.startswith("ssh -N -R")
    assert len(list(folder.glob("overread-share-*"))) == 1
    page.reload()  # the link is the window's, not the page's
    page.get_by_text(A_WHILE).wait_for()
    page.locator("#share-close").click()
    page.get_by_text(NO_LINK).wait_for(timeout=60_000)
    assert list(folder.glob("overread-share-*")) == []


def test_a_guest_has_no_panel(room: Room) -> None:
    session = AppSession(workspace=room.session.workspace, store=room.session.store, read_only=True)
    with gr.Blocks(analytics_enabled=False) as blocks:
        build(session)
    assert list(blocks.children) == []
