"""The Data page: what a person brings in is counted, checked, shown and divided, and no name in it is ever markup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.data.index import index_data, list_indexes, save_index
from engine.data.split_choices import Choices, load_choices, positive_of, save_choices
from engine.errors import DataError, SplitError
from engine.language import speaking
from engine.records import DataIssue, DataIssueKind, Index, Sample
from engine.workspace import Workspace
from gui.pages.data.issue_words import kind_titles, meanings
from gui.pages.data.overview import class_pictures, counts_table, issues, summary
from gui.pages.data.page import SHOWN, apply_split, check_shares, dataset_choices, first_look, show
from gui.pages.data.split_form import choices_from_percent
from gui.web import markup
from gui.web.session import AppSession
from tests.engine.data.copies.test_near import film
from tests.gui.pages.data.conftest import write_films

HOSTILE = "<img src=x onerror=alert(1)>${alert(2)}{{alert(3)}}"


def no_picture(*_: int) -> markup.Picture:
    return markup.Picture(source="", caption="")


def read(session: AppSession, path: Path) -> Index:
    index = index_data(path)
    save_index(session.workspace, index)
    return index


def test_a_table_with_nothing_in_it_has_its_headings_in_the_language_that_is_spoken(
    session: AppSession,
) -> None:
    with speaking("fa"):
        for table in (show(session, None)[1], apply_split(session, None, "", 60, 20, 20, 0, None)[0]):
            assert "آموزش" in table.headers and "training" not in table.headers


def test_a_folder_is_read_kept_and_offered_again(session: AppSession, tmp_path: Path) -> None:
    index = read(session, write_films(tmp_path / "films"))
    assert index.classes == ("normal", "opacity")
    assert [one.dataset_id for one in list_indexes(session.workspace)] == [index.dataset_id]
    ((words, dataset_id),) = dataset_choices(session)
    assert dataset_id == index.dataset_id
    assert "20 images" in words and index.name in words


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


def test_files_with_issues_are_counted_once_and_unlabelled_images_are_none(tmp_path: Path) -> None:
    for number in range(6):
        path = tmp_path / ("a", "b", ".")[number % 3] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.effect_noise((64, 64), 60 + number).save(path)
    (tmp_path / "a" / "broken.png").write_bytes(b"x")
    Image.new("L", (64, 64)).save(tmp_path / "b" / "black.png")
    assert "<b>2</b><span>files with issues</span>" in summary(index_data(tmp_path))


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
        class_pictures(index, lambda _: markup.Picture(source="data:,", caption=HOSTILE, about=HOSTILE)),
        issues(index, lambda *_: markup.Picture(source="data:,", caption=HOSTILE)),
        markup.note(HOSTILE, more=[HOSTILE]),
        markup.progress(0.5, HOSTILE),
        markup.table([HOSTILE], [[HOSTILE, HOSTILE]]),
        markup.pictures([markup.Picture(source=f'"><{HOSTILE}', caption=HOSTILE)]),
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
    assert "No problems found" in issues(index, no_picture)


def test_without_patients_nothing_is_said_of_them(session: AppSession, tmp_path: Path) -> None:
    folder = write_films(tmp_path / "films", patients=20)
    (folder / "films.csv").unlink()
    dataset_id = read(session, folder).dataset_id
    rows, remark, _ = apply_split(session, dataset_id, "new", 50, 25, 25, 3, "normal")
    assert "each image was taken as a patient of its own" in remark
    assert "patient" not in str(rows)


def test_the_split_keeps_patients_in_one_part_and_is_remembered(session: AppSession, tmp_path: Path) -> None:
    dataset_id = read(session, write_films(tmp_path / "films", patients=20) / "films.csv").dataset_id
    rows, remark, problem = apply_split(session, dataset_id, "new", 50, 25, 25, 3, "normal")
    assert [row[0] for row in rows] == ["normal", "opacity", "in all"]
    assert "No patient is in two parts" in remark
    in_all = [int(cell.split("·")[1].split()[0]) for cell in rows[-1][1:]]
    assert sum(in_all) == 20
    assert problem == ""
    kept = load_choices(session.workspace, dataset_id)
    assert kept == Choices(mode="new", ratios=(0.5, 0.25, 0.25), seed=3, positive="normal")
    assert len(show(session, dataset_id)) == SHOWN
    assert show(session, dataset_id)[4:9] == ("new", 50, 25, 25, 3)


@pytest.mark.parametrize("shares", [(60, 20, 30), (100, 0, 0), (None, 50, 50), (-20, 60, 60)])
def test_shares_that_do_not_add_up_are_refused(shares: tuple[float | None, float, float]) -> None:
    with pytest.raises(SplitError, match="adding up to 100%"):
        choices_from_percent("new", *shares, 0, None)


def test_a_refused_split_says_why_in_its_place_and_the_one_before_does_not_stand_under_it(
    session: AppSession, tmp_path: Path
) -> None:
    dataset_id = read(session, write_films(tmp_path / "films", patients=20)).dataset_id
    assert apply_split(session, dataset_id, "new", 60, 20, 30, 0, None)[:2] == ([], "")
    assert "adding up to 100%" in apply_split(session, dataset_id, "new", 60, 20, 30, 0, None)[2]
    rows, remark, problem = apply_split(session, dataset_id, "given", 60, 20, 20, 0, None)
    assert (rows, remark) == ([], "") and "or-serious" in problem


def test_a_damaged_data_set_says_so_where_its_pictures_would_stand(
    session: AppSession, tmp_path: Path
) -> None:
    dataset_id = read(session, write_films(tmp_path / "films")).dataset_id
    (session.workspace.datasets / dataset_id / "samples.csv").write_text("image_id,")
    shown = show(session, dataset_id)
    assert "cut short or was changed" in shown[0]
    assert shown[1:4] == ([], "", "") and len(shown) == SHOWN
    assert len(show(session, None)) == SHOWN


def test_shares_are_kept_where_the_data_came_with_parts_and_need_not_be_there() -> None:
    assert choices_from_percent("given", 72, 8, 20, 0, None).ratios == (0.72, 0.08, 0.2)
    assert choices_from_percent("given", None, 50, 50, 0, None).ratios == (0.6, 0.2, 0.2)


def test_a_damaged_choice_is_said_and_a_new_one_mends_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    (workspace.datasets / "abc").mkdir(parents=True)
    save_choices(workspace, "abc", Choices(seed=7))
    assert load_choices(workspace, "abc").seed == 7
    (workspace.datasets / "abc" / "choices.json").write_text('{"division": "an')
    with pytest.raises(DataError, match=r"choices\.json is damaged .*overread split abc"):
        load_choices(workspace, "abc")
    save_choices(workspace, "abc", Choices(seed=8))
    assert load_choices(workspace, "abc").seed == 8


def test_a_damaged_choice_is_said_beside_the_split_and_the_data_are_shown_all_the_same(
    session: AppSession, tmp_path: Path
) -> None:
    dataset_id = read(session, write_films(tmp_path / "films")).dataset_id
    (session.workspace.datasets / dataset_id / "choices.json").write_text("[" * 5000)
    shown = show(session, dataset_id)
    assert len(shown) == SHOWN and "images" in shown[0]
    assert "choices.json is damaged" in shown[12] and shown[10], shown[12]


def test_a_damaged_data_set_is_named_beside_the_others(session: AppSession, tmp_path: Path) -> None:
    good = read(session, write_films(tmp_path / "films")).dataset_id
    bad = session.workspace.datasets / "0123456789ab"
    bad.mkdir()
    (bad / "index.json").write_bytes(b"\xff")
    dropdown, overview, *_ = first_look(session, None)
    assert [value for _, value in dropdown.choices] == [good]
    assert f"{bad / 'index.json'} is damaged" in overview and "images" in overview


def test_the_finding_is_the_class_that_is_not_normal_unless_chosen(tmp_path: Path) -> None:
    two = ("normal", "opacity")
    assert positive_of(two) == positive_of(two, "none of these") == "opacity"
    assert positive_of(two, "normal") == "normal"


def test_copies_stand_side_by_side_with_what_is_known_of_each(session: AppSession, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    for number in range(12):
        drawn = film(number)
        (folder / ("ill" if number % 2 else "well")).mkdir(parents=True, exist_ok=True)
        drawn.save(folder / ("ill" if number % 2 else "well") / f"film{number}.png")
    film(4).rotate(7, Image.Resampling.BICUBIC).save(folder / "ill" / "again.png")
    shown = show(session, read(session, folder).dataset_id)[3]
    said = "2 files with different labels (ill, well) look like one image; one of them is turned by 7°"
    assert said in shown
    beside = shown[shown.index(said) :]
    captions = ("again.png<br>ill<br>patient not named<br>no part yet", "film4.png<br>well<br>")
    assert all(caption in beside for caption in captions)
    assert beside[: beside.index(captions[1])].count("data-about=") == 2  # each opens large


def test_every_kind_of_issue_has_a_meaning() -> None:
    assert set(meanings()) == set(kind_titles()) == set(DataIssueKind)


def test_shares_that_cannot_be_used_are_said_beside_them_at_once() -> None:
    said = check_shares(60, 20, 30)
    assert 'data-said-at="data-shares"' in said and "adding up to 100%" in said
    assert check_shares(60, 20, 20) == "" and check_shares(60, None, 40)


@pytest.mark.browser
def test_every_part_of_the_split_is_in_sight_beside_long_names_of_classes(
    session: AppSession, tmp_path: Path, page: Any, opened: Callable[..., Any]
) -> None:
    long = "Chronic obstructive pulmonary disease with bullous emphysema of both upper lobes" * 2
    folder = write_films(tmp_path / "films", patients=6, classes=(long, f"No_{long.replace(' ', '_')}"))
    save_index(session.workspace, index_data(folder / "films.csv"))
    page.goto(opened(session, page="data").url)
    page.get_by_text("Make a new split by the shares below").click()
    for where, heading in (("#data-split", "test"), ("#data-counts", "patients")):
        if where == "#data-counts":
            page.get_by_role("tab", name="Counts").click()
        for width in (1280, 820):
            page.set_viewport_size({"width": width, "height": 720})
            page.wait_for_function(
                """([where, heading]) => {
                    const all = [...document.querySelectorAll(`${where} *`)].filter((one) => one.offsetHeight);
                    const scrolls = (one) => getComputedStyle(one).overflowX === 'auto';
                    return all.some((one) => one.matches('th') && one.textContent.includes(heading))
                        && all.every((one) => !scrolls(one) || one.scrollWidth <= one.clientWidth + 1);
                }""",
                arg=[where, heading],
            )
