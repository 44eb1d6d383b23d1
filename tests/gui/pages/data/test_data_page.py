"""The Data page: what a person brings in is counted, checked, shown and divided, and no name in it is ever markup."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.data.index import list_indexes, load_index
from engine.data.split_choices import Choices, choices_from_percent, load_choices, positive_of, save_choices
from engine.errors import DataError, SplitError
from engine.records import DataIssue, DataIssueKind, Index, Sample
from engine.workspace import Workspace, open_workspace
from gui.pages.data.overview import class_films, counts_table, issues, summary
from gui.pages.data.page import SHOWN, dataset_choices, divide, read_data, show
from gui.web import markup
from gui.web.session import AppSession, open_session

NO_NAMES = ("", "", None, None, None)  # a form that was never unfolded sends None
HOSTILE = "<img src=x onerror=alert(1)>${alert(2)}{{alert(3)}}"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[AppSession]:
    opened = open_session(open_workspace(tmp_path / "workspace"), reader="Dr Test")
    yield opened
    opened.store.close()


def write_films(
    folder: Path, *, patients: int = 10, classes: tuple[str, ...] = ("normal", "opacity")
) -> Path:
    """Write two 24-pixel films a patient into a folder for each class, and a table beside them."""
    generator = np.random.default_rng(0)
    rows = []
    for number in range(patients):
        name = classes[number % len(classes)]
        (folder / name).mkdir(parents=True, exist_ok=True)
        for film in range(2):
            pixels = generator.integers(0, 255, (24, 24), dtype=np.uint8)
            path = folder / name / f"p{number:02d}_{film}.png"
            Image.fromarray(pixels).save(path)
            rows.append((path.relative_to(folder).as_posix(), name, f"patient {number}"))
    with (folder / "films.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "label", "patient"))
        writer.writerows(rows)
    return folder


def no_picture(*_: int) -> markup.Film:
    return markup.Film(source="", caption="")


def read(session: AppSession, path: Path | str, names: tuple[str | None, ...] = NO_NAMES) -> Index:
    return read_data(session, str(path), None, "", names, lambda done, total: None)


def test_a_folder_is_read_kept_and_offered_again(session: AppSession, tmp_path: Path) -> None:
    index = read(session, write_films(tmp_path / "films"))
    assert index.classes == ("normal", "opacity")
    assert [one.dataset_id for one in list_indexes(session.workspace)] == [index.dataset_id]
    ((words, dataset_id),) = dataset_choices(session)
    assert dataset_id == index.dataset_id
    assert "20 images" in words and index.name in words


def test_a_table_brings_its_patients_and_its_own_column_names(session: AppSession, tmp_path: Path) -> None:
    table = write_films(tmp_path / "films") / "films.csv"
    text = table.read_text(encoding="utf-8").replace("path,label,patient", "picture,truth,who")
    table.write_text(text, encoding="utf-8")
    index = read(session, table, ("picture", "truth", "who", "", ""))
    assert len({sample.patient_id for sample in index.samples}) == 10
    assert "10</b><span>patients" in summary(index)


def test_an_uploaded_archive_is_read_and_its_films_stay(session: AppSession, tmp_path: Path) -> None:
    import shutil

    folder = write_films(tmp_path / "films")
    (folder / "films.csv").unlink()
    archive = Path(shutil.make_archive(str(tmp_path / "upload"), "zip", folder))
    index = read_data(session, "", str(archive), "", NO_NAMES, lambda done, total: None)
    archive.unlink()
    assert len(index.samples) == 20
    assert all(sample.path.is_file() for sample in load_index(session.workspace, index.dataset_id).samples)


@pytest.mark.parametrize("typed", ["", "   ", "no/such/relative", "/no/such/folder/anywhere"])
def test_what_is_not_there_is_said_in_a_sentence(session: AppSession, typed: str) -> None:
    with pytest.raises(DataError):
        read(session, typed)


def test_a_guest_cannot_bring_data_in(tmp_path: Path) -> None:
    guest = open_session(open_workspace(tmp_path / "workspace"), read_only=True)
    with pytest.raises(DataError, match="looking only"):
        read(guest, write_films(tmp_path / "films"))
    guest.store.close()


def test_the_table_counts_images_and_patients_of_each_class(session: AppSession, tmp_path: Path) -> None:
    index = read(session, write_films(tmp_path / "films") / "films.csv")
    assert counts_table(index) == [
        ["normal", "0", "0", "0", "10", "10", "5"],
        ["opacity", "0", "0", "0", "10", "10", "5"],
    ]


def test_every_finding_says_what_it_means_and_shows_its_films(session: AppSession, tmp_path: Path) -> None:
    folder = write_films(tmp_path / "films")
    twin = (folder / "normal" / "p00_0.png").read_bytes()
    (folder / "normal" / "twin.png").write_bytes(twin)
    (folder / "opacity" / "cut.png").write_bytes(twin[: len(twin) // 2])
    (folder / "films.csv").unlink()
    shown = show(session, read(session, folder).dataset_id)[3]
    assert "Exact duplicate" in shown and "Unreadable" in shown
    assert "byte for byte" in shown and "could not be opened" in shown
    assert "twin.png" in shown and "/data-image/" in shown


def test_names_are_text_and_never_markup(tmp_path: Path) -> None:
    sample = Sample(path=tmp_path / HOSTILE, image_id="0" * 64, label=HOSTILE, patient_id=HOSTILE)
    found = DataIssue(kind=DataIssueKind.SMALL_CLASS, message=HOSTILE, paths=(sample.path,) * 2)
    index = Index(
        dataset_id="0" * 12,
        name=HOSTILE,
        root=tmp_path,
        samples=(sample,),
        classes=(HOSTILE,),
        issues=(found,),
    )
    pieces = [
        summary(index),
        class_films(index, lambda _: markup.Film(source="data:,", caption=HOSTILE, about=HOSTILE)),
        issues(index, lambda *_: markup.Film(source="data:,", caption=HOSTILE)),
        markup.note(HOSTILE, more=[HOSTILE]),
        markup.progress(0.5, HOSTILE),
        markup.table([HOSTILE], [[HOSTILE, HOSTILE]]),
        markup.films([markup.Film(source=f'"><{HOSTILE}', caption=HOSTILE)]),
    ]
    for piece in pieces:
        assert "<img src=x" not in piece
        assert "&lt;img src=x" in piece


def test_equal_issues_are_one_line_with_their_number_and_all_names_behind_it(tmp_path: Path) -> None:
    found = tuple(
        DataIssue(
            kind=DataIssueKind.UNREADABLE,
            message=f"film_{number}.png is {'empty' if number else 'cut short'}; it was left out",
            paths=(tmp_path / f"film_{number}.png",),
        )
        for number in range(301)
    )
    index = Index(dataset_id="0" * 12, name="n", root=tmp_path, samples=(), classes=(), issues=found)
    shown = issues(index, no_picture)
    assert shown.count("<summary>") == 1
    assert "… is empty; it was left out <b>300 files</b>" in shown
    assert all(f"<li>film_{number}.png</li>" in shown for number in range(1, 301))
    assert "film_0.png is cut short; it was left out" in shown


def test_no_finding_is_good_news(tmp_path: Path) -> None:
    index = Index(dataset_id="0" * 12, name="n", root=tmp_path, samples=(), classes=())
    assert "nothing to object to" in issues(index, no_picture)


def test_without_patients_nothing_is_said_of_them(session: AppSession, tmp_path: Path) -> None:
    folder = write_films(tmp_path / "films", patients=20)
    (folder / "films.csv").unlink()
    rows, remark = divide(session, read(session, folder).dataset_id, "anew", 50, 25, 25, 3, "normal")
    assert "whether a patient does cannot be known" in remark
    assert "patient" not in str(rows)


def test_the_division_keeps_patients_on_one_side_and_is_remembered(
    session: AppSession, tmp_path: Path
) -> None:
    dataset_id = read(session, write_films(tmp_path / "films", patients=20) / "films.csv").dataset_id
    rows, remark = divide(session, dataset_id, "anew", 50, 25, 25, 3, "normal")
    assert [row[0] for row in rows] == ["normal", "opacity", "in all"]
    assert "No patient stands on two sides" in remark
    in_all = [int(cell.split("·")[1].split()[0]) for cell in rows[-1][1:]]
    assert sum(in_all) == 20
    kept = load_choices(session.workspace, dataset_id)
    assert kept == Choices(division="anew", ratios=(0.5, 0.25, 0.25), seed=3, positive="normal")
    assert len(show(session, dataset_id)) == SHOWN
    assert show(session, dataset_id)[4:9] == ("anew", 50, 25, 25, 3)


@pytest.mark.parametrize("shares", [(60, 20, 30), (100, 0, 0), (None, 50, 50), (-20, 60, 60)])
def test_shares_that_do_not_add_up_are_refused(shares: tuple[float | None, float, float]) -> None:
    with pytest.raises(SplitError, match="100% together"):
        choices_from_percent("anew", *shares, 0, None)


def test_shares_are_kept_where_the_data_came_divided_and_need_not_be_there() -> None:
    assert choices_from_percent("given", 72, 8, 20, 0, None).ratios == (0.72, 0.08, 0.2)
    assert choices_from_percent("given", None, 50, 50, 0, None).ratios == (0.6, 0.2, 0.2)


def test_a_damaged_choice_falls_back_to_the_default(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    (workspace.datasets / "abc").mkdir(parents=True)
    save_choices(workspace, "abc", Choices(seed=7))
    assert load_choices(workspace, "abc").seed == 7
    (workspace.datasets / "abc" / "choices.json").write_text('{"division": "an')
    assert load_choices(workspace, "abc") == Choices()


def test_the_finding_is_the_class_that_is_not_normal_unless_chosen(tmp_path: Path) -> None:
    two = Index(dataset_id="0", name="n", root=tmp_path, samples=(), classes=("normal", "opacity"))
    three = Index(dataset_id="0", name="n", root=tmp_path, samples=(), classes=("a", "b", "c"))
    assert positive_of(two, Choices()) == "opacity"
    assert positive_of(two, Choices(positive="normal")) == "normal"
    assert positive_of(three, Choices()) is None


# ------------------------------------------------------------------------------------------- in the browser


@pytest.mark.browser
def test_a_folder_is_brought_in_checked_divided_and_found_again(
    session: AppSession, tmp_path: Path, page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=30_000)  # two cores, shared

    folder = write_films(tmp_path / "films", patients=20)
    cut = (folder / "normal" / "p00_0.png").read_bytes()
    (folder / "normal" / "${document.title=1}.png").write_bytes(cut[: len(cut) // 2])
    page.goto(opened(session, page="data").url)
    page.locator("#data-path textarea, #data-path input").first.fill(str(folder / "nowhere"))
    page.locator("#data-index").click()
    expect(page.get_by_text("nowhere").last).to_be_visible()  # the toast
    page.locator("#data-path textarea, #data-path input").first.fill(str(folder))
    (folder / "films.csv").unlink()
    page.locator("#data-index").click()
    expect(page.locator("#data-summary")).to_contain_text("40")
    expect(page.locator("#data-films img")).to_have_count(16)
    page.wait_for_function("document.querySelector('#data-films img').naturalWidth > 0")
    page.get_by_role("tab", name="What the checks found").click()
    expect(page.locator("#data-findings")).to_contain_text("${document.title=1}.png")
    assert page.title() == "Overread"
    page.get_by_text("By the shares below, whatever the data says").click()
    expect(page.locator("#data-split-note")).to_contain_text("No image stands on two sides")
    page.reload()
    expect(page.locator("#data-summary")).to_contain_text("40")
    expect(page.locator("#data-division input[value=anew]")).to_be_checked()
