"""Two runs are held against each other on the Report page, and can be told apart there."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.experiments import verify
from engine.language import speaking
from engine.naming import give
from engine.recipes import recipe_to_json
from engine.records import Run
from engine.report import figure_words
from engine.runs import load_run, save_run, split_of
from engine.workspace import Workspace, open_workspace
from gui.pages.report.asked import compare, compared_bundle
from gui.web.session import AppSession, open_session


@pytest.fixture
def two(trained: tuple[Workspace, Run], tmp_path: Path) -> Iterator[tuple[AppSession, Run, Run]]:
    """A window on a trained run, and on another that is surer of everything and named."""
    shutil.copytree(trained[0].root, tmp_path / "workspace")
    session = open_session(open_workspace(tmp_path / "workspace"), reader="Dr Test")
    first = load_run(session.workspace.runs / trained[1].run_id)
    folder = session.workspace.runs / "20260102-000000-more"
    shutil.copytree(first.folder, folder)
    assert first.recipe is not None
    recipe = replace(first.recipe, batch_size=first.recipe.batch_size * 2)
    second = replace(first, run_id=folder.name, folder=folder, recipe=recipe)
    save_run(second)
    (folder / "recipe.json").write_text(recipe_to_json(recipe), encoding="utf-8")
    session.store.add_run(second)
    labels = {one.image_id: one.label for one in split_of(first).test}
    right = [
        replace(
            case,
            predicted=labels[case.image_id],
            probabilities=tuple(float(n == labels[case.image_id]) for n in first.classes),
        )
        for case in session.store.predictions(first.run_id, part="test")
    ]
    session.store.add_cases(second.run_id, right)  # type: ignore[arg-type]
    yield session, first, second
    session.store.close()


def test_runs_with_one_title_are_told_apart(two: tuple[AppSession, Run, Run]) -> None:
    session, first, second = two
    asked = {"run": first.run_id, "others": [second.run_id]}
    html = compare(session, asked)["html"]
    for run in (first, second):
        assert f"<bdi>{run.title}</bdi>, run <bdi>{run.run_id}</bdi>" in html
        assert f"{run.run_id} " in re.findall("<svg.*?</svg>", html, re.DOTALL)[0]
    assert "−." in html and not re.search(r">-[.\d]", html)  # a minus sign, as in the report
    assert "batch_size 16" in html and "or-note" not in html  # nothing was left out, and no box is empty


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "en",
            ", run ",
        ),
        ("fa", "، اجرای "),
    ],
)
def test_a_name_turns_no_words_of_the_comparison_around(
    two: tuple[AppSession, Run, Run], code: str, said: str
) -> None:
    session, first, second = two
    give(first.folder, name="Larger batches <2>")
    give(second.folder, name="مدل ریه 3")
    with speaking(code):
        html = compare(session, {"run": first.run_id, "others": [second.run_id]})["html"]
        assert figure_words("accuracy") in html.partition("<svg")[2].partition("</svg>")[0]
    called = f"<bdi>مدل ریه 3</bdi>{said}<bdi>{second.run_id}</bdi>"
    assert html.count(called) == 3  # its figures, where it differs, and what is beside the first
    assert f"<bdi>Larger batches &lt;2&gt;</bdi>{said}<bdi>{first.run_id}</bdi>" in html
    assert (
        second.run_id not in html.partition("<svg")[2].partition("</svg>")[0]
    )  # nor cut off behind the name


def test_what_was_compared_can_be_taken_away_as_a_bundle_that_agrees(
    two: tuple[AppSession, Run, Run], tmp_path: Path
) -> None:
    session, first, second = two
    told = compared_bundle(session, {"run": first.run_id, "others": [second.run_id]})
    (tmp_path / told["name"]).write_bytes(base64.b64decode(told["data"]))
    found = verify(tmp_path / told["name"])
    assert found.holds and found.about == "a comparison of 2 runs"


@pytest.mark.browser
def test_two_runs_are_compared_in_the_window(
    two: tuple[AppSession, Run, Run], page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    session, first, second = two
    give(second.folder, name="Larger batches")
    page.goto(f"{opened(session, page='report').url}/?tab=report&run={first.run_id}")
    page.locator("#report-parts").get_by_text("Comparison of runs", exact=True).first.click()
    page.get_by_role("checkbox", name="Larger batches").check()
    page.get_by_role("button", name="Compare with this run").click()
    compared = page.locator("#report-compared")
    expect(compared).to_contain_text("minus the first")
    expect(compared.locator("table").first.locator("tbody tr")).to_have_count(2)
    expect(compared.locator("svg")).to_have_count(2)
    expect(compared).to_contain_text("1.000")  # what the second run reached
    with page.expect_download() as started:
        compared.get_by_role("button", name="Download as a checkable bundle").click()
    assert started.value.suggested_filename == f"overread-{first.run_id}-comparison-bundle.zip"
    assert verify(Path(started.value.path())).holds
