"""A run is named, archived and deleted on its page, as a person does it; a link to what is archived still opens it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.language import speaking
from engine.naming import give, given_of
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
    offered,
)
from gui.pages.review.opening import is_offered
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
def test_a_long_name_keeps_its_beginning_where_a_field_cuts_the_left_end(language: str, shown: str) -> None:
    with speaking(language):
        assert in_a_field("Default, shortened for four hundred films") == shown
        assert in_a_field("Default") == ("Default" if language == "en" else "\u2068Default\u2069")
