"""A run is named, archived and deleted on its page, as a person does it; a link to what is archived still opens it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from engine.errors import EngineError, ReviewError
from engine.language import _, speaking
from engine.naming import Given, give, given_of
from engine.reading import Protocol
from engine.workspace import Workspace
from gui.pages.keeping import (
    DATA,
    RUN as A_RUN,
    ask_first,
    delete,
    follow,
    in_a_field,
    keep_given,
    look,
    named,
    named_in_a_field,
    offered,
    put_away,
    told_apart,
)
from gui.pages.review.answering import decide, show_case
from gui.pages.review.opening import is_offered, open_reading
from gui.pages.review.reading_session import Desk
from gui.web.session import AppSession
from tests.engine.test_relocation import RUN, Kept


@pytest.fixture
def kept(workspace: Workspace, tmp_path: Path) -> Kept:
    return Kept(workspace, tmp_path / "before")


@pytest.fixture
def session(kept: Kept) -> Iterator[AppSession]:
    yield AppSession(workspace=kept.workspace, store=kept.store, reader="Ada")
    kept.store.close()


def test_what_is_archived_is_offered_only_where_it_is_named_and_what_is_deleted_nowhere(
    session: AppSession, kept: Kept
) -> None:
    folder, summary = kept.run.folder, kept.store.run(RUN.run_id)
    keep_given(session, A_RUN, RUN.run_id, "Before May", "")
    assert named(folder, "x") == "Before May" and offered(folder) and is_offered(session, summary, ())
    give(folder, archived=True)
    assert (
        named(folder, "x") == "Before May (archived)" and not offered(folder) and offered(folder, RUN.run_id)
    )
    assert not is_offered(session, summary, ()) and is_offered(session, summary, (RUN.run_id,))
    give(folder, archived=False)
    delete(session, A_RUN, RUN.run_id)
    assert not is_offered(session, summary, (RUN.run_id,))


def test_an_answer_leaves_a_field_alone_that_shows_it_already(session: AppSession, kept: Kept) -> None:
    keep_given(session, A_RUN, RUN.run_id, "Before May", "")
    name, note, *_ = look(session, A_RUN, RUN.run_id, "Before May", "typed for another run")
    assert "value" not in name and note.value == ""  # what is typed meanwhile stays


def test_what_was_kept_in_another_tab_is_not_taken_back_by_one_that_shows_what_was_before(
    session: AppSession, kept: Kept
) -> None:
    folder, seen = kept.run.folder, given_of(kept.run.folder)
    keep_given(session, A_RUN, RUN.run_id, "Before May", "", seen)
    keep_given(session, A_RUN, RUN.run_id, "", "the old scanner", seen)
    assert given_of(folder) == Given(name="Before May", note="the old scanner")
    put_away(session, A_RUN, RUN.run_id, seen)
    put_away(session, A_RUN, RUN.run_id, seen)  # both tabs said “Archive”
    shown = look(session, A_RUN, RUN.run_id)[-1]
    assert shown.archived
    put_away(session, A_RUN, RUN.run_id, shown)
    keep_given(session, A_RUN, RUN.run_id, "", shown.note, shown)  # emptied by hand
    assert given_of(folder) == Given(note="the old scanner")


def test_what_was_deleted_in_another_tab_is_given_no_name_any_more(session: AppSession, kept: Kept) -> None:
    seen = given_of(kept.run.folder)
    delete(session, A_RUN, RUN.run_id)
    for act in (
        lambda: keep_given(session, A_RUN, RUN.run_id, "Before May", "", seen),
        lambda: put_away(session, A_RUN, RUN.run_id, seen),
        lambda: ask_first(session, A_RUN, RUN.run_id),
        lambda: delete(session, A_RUN, RUN.run_id),
    ):
        with pytest.raises(EngineError, match="There is no"):
            act()
    assert given_of(kept.run.folder).name == "" and not given_of(kept.run.folder).archived


def test_nobody_reads_on_in_a_run_that_was_deleted_in_another_tab(session: AppSession, kept: Kept) -> None:
    desk = Desk(session)
    answer = open_reading(desk, {"run": RUN.run_id, "queue": "all", "part": "all", "reader": "Ada"})
    asked = {"reading": answer["reading"], "shown": answer["case"]["id"], "verdict": "agree", "to": "next"}
    assert "case" in show_case(desk, asked)
    before = kept.store.reviews(RUN.run_id)
    delete(session, A_RUN, RUN.run_id)
    for act in (decide, show_case):
        with pytest.raises(ReviewError, match="deleted in the meantime, and nothing was stored"):
            act(desk, asked)
    assert kept.store.reviews(RUN.run_id) == before


def test_that_something_is_deleted_is_still_said_when_another_is_chosen_in_its_place(
    session: AppSession, kept: Kept
) -> None:
    answer = delete(session, DATA, kept.index.dataset_id)
    assert "is deleted" in answer[4] and answer[-1] is None
    assert follow(session, A_RUN, RUN.run_id, "", "", answer[-1])[3] == gr.skip()
    assert follow(session, A_RUN, RUN.run_id, "", "", given_of(kept.run.folder))[3] == ""


def test_what_a_person_types_stays_though_the_field_was_asked_for_before_it_was_drawn(
    session: AppSession, kept: Kept
) -> None:
    name, note, *_ = follow(session, A_RUN, RUN.run_id, None, None)  # what Gradio sends of a closed accordion
    assert "value" not in name and "value" not in note
    keep_given(session, A_RUN, RUN.run_id, "Before May", "")
    assert follow(session, A_RUN, RUN.run_id, None, None)[0].value == "Before May"


def test_what_forbids_a_deletion_is_said_in_place_of_the_question(session: AppSession, kept: Kept) -> None:
    said, sure = ask_first(session, DATA, kept.index.dataset_id)
    assert "was trained on it" in said and sure.visible is True
    kept.store.studies.create(Protocol(name="Two <b>readers</b>", run_id=RUN.run_id, readers=("Ada",)))
    said, sure = ask_first(session, A_RUN, RUN.run_id)
    assert (
        "The study “Two &lt;b&gt;readers&lt;/b&gt;” reads its predictions" in said and sure.visible is False
    )


@pytest.mark.browser
def test_a_data_set_is_named_archived_and_deleted_on_the_data_page(
    session: AppSession, kept: Kept, page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    page.goto(opened(session, page="data").url)
    chosen = page.locator("#data-dataset input")
    expect(chosen).not_to_have_value("")
    page.get_by_role("button", name="Name, note, archive").click()
    name = page.locator("#dataset-name").locator("input, textarea")
    name.fill("Chest, May")
    page.locator("#dataset-keep").click()
    expect(chosen).to_have_value(re.compile("^Chest, May · 16 images"))
    page.locator("#dataset-archive").click()
    expect(chosen).to_have_value(re.compile(r"^Chest, May \(archived\)"))
    page.locator("#dataset-archive").dispatch_event(
        "click", {"detail": 2}
    )  # of a double click, once the first is done
    page.wait_for_timeout(500)
    page.reload()  # the address names it
    expect(chosen).to_have_value(re.compile(r"^Chest, May \(archived\)"))
    page.get_by_role("button", name="Name, note, archive").click()
    expect(name).to_have_value("Chest, May")
    page.locator("#dataset-delete").click()
    expect(page.locator("#dataset-kept")).to_contain_text("was trained on it")
    page.locator("#dataset-really").click()
    expect(page.locator("#dataset-kept")).to_contain_text("is deleted")
    expect(page.locator("#data-summary")).to_contain_text("No images have been imported")
    assert not (kept.workspace.datasets / kept.index.dataset_id).exists()
    assert given_of(kept.run.folder).deleted == "" and kept.store.reviews(RUN.run_id)


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "Default, shortened for four hundred films"),
        ("fa", "\u2068Default, shortened for four hundred…\u2069"),
    ],
)
def test_a_long_name_is_cut_before_where_a_field_would_cut_its_beginning(language: str, shown: str) -> None:
    with speaking(language):
        assert in_a_field("Default, shortened for four hundred films") == shown
        of_theirs = "داده‌های بیمارستان آموزشی امام خمینی (Tehran)"
        assert len(of_theirs) > 36
        whole = of_theirs if language == "fa" else f"{of_theirs[:35]}…"
        assert in_a_field(of_theirs) == f"\u2068{whole}\u2069"  # isolated: what follows stays on its side
        assert in_a_field("Default") == ("Default" if language == "en" else "\u2068Default\u2069")


def test_a_long_name_is_cut_and_not_that_it_is_archived(tmp_path: Path) -> None:
    give(tmp_path, name="Default, shortened for four hundred films", archived=True)
    with speaking("fa"):
        shown = named_in_a_field(tmp_path, "tiny")
        said = _("{name} (archived)").format(name="\u2068Default, shortened for four hundred…\u2069")
    assert shown == said != named_in_a_field(tmp_path, "tiny")


def test_names_that_begin_alike_are_not_cut_to_the_same() -> None:
    alike = [f"Chronic obstructive pulmonary disease with {what}" for what in ("emphysema", "bronchitis")]
    with speaking("fa"):
        assert told_apart(alike) == [(f"\u2068{name}\u2069", name) for name in alike]
        ((shown, name), _other) = told_apart([alike[0], "normal"])
    assert name == alike[0] and shown.endswith("…\u2069")
