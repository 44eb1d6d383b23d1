"""Promises of files.Files: a table finds its files however it calls them; nothing passes for what it may not be."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest
from hypothesis import given, settings, strategies

from engine.data.names import is_housekeeping
from engine.data.sources.files import Files, fold, names_in
from engine.data.sources.tails import Tails


def folder(root: Path, *files: str) -> Files:
    for number, name in enumerate(files):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(str(number).encode())
    return Files(root)


def found(files: Files, written: str, *beside: str, mask: bool = False) -> list[str]:
    paths = files.find(written, beside=beside, mask=mask).paths
    return [path.relative_to(files.root).as_posix() for path in paths]


@pytest.mark.parametrize(
    "written",
    [
        "b/Köln 1.png",
        "./b/Köln 1.png",
        ".\\b\\Köln 1.png",
        "b\\Köln 1.png",
        "/home/anna/films/b/Köln 1.png",
        "D:\\Daten\\films\\b\\Köln 1.png",
        "\\\\server\\films\\b\\Köln 1.png",
        "file:///D:/films/b/K%C3%B6ln%201.png",
        "https://example.org/films/b/K%C3%B6ln%201.png",
        "../somewhere/b/Köln 1.png",
        '"b/Köln 1.png"',
        "b//Köln 1.png",
        "Köln 1.png",
        "Köln 1",
        "B/KÖLN 1.PNG",
        "b/Köln 1",
        unicodedata.normalize("NFD", "b/Köln 1.png"),
        unicodedata.normalize("NFD", "köln 1"),
        "b/Köln 1.jpg",
        " b/Köln 1.png ",
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_file_is_found_however_it_was_written(tmp_path: Path, written: str, form: str) -> None:
    name = unicodedata.normalize(form, "b/Köln 1.png")
    assert found(folder(tmp_path, name, "a/other.png"), written) == [name]


names = strategies.text(
    string.ascii_letters + string.digits + "äöüßéøλ工 _-.", min_size=1, max_size=12
).filter(lambda name: name.strip(" .") == name and not is_housekeeping(name))
drives = strategies.sampled_from(
    ["", "/", "/mnt/daten/", "C:\\", "D:/", "\\\\pacs\\", "./", "file:///", "X:\\data\\set\\"]
)


@settings(max_examples=60, deadline=None)
@given(
    strategies.lists(names, min_size=1, max_size=3),
    names,
    drives,
    strategies.booleans(),
    strategies.booleans(),
    strategies.sampled_from([str, str.upper, str.lower, str.title]),
    strategies.sampled_from(["NFC", "NFD"]),
)
def test_any_spelling_of_any_tail_leads_back_to_the_file(
    folders, name, drive, windows, encoded, case, form
) -> None:  # type: ignore[no-untyped-def]
    path = PurePosixPath(*folders, f"{name}.png")
    written = unicodedata.normalize(form, case(str(path)))
    written = quote(written) if encoded else written
    written = drive + (written.replace("/", "\\") if windows else written)
    if fold(case(str(path))) != fold(str(path)):  # ß has no capital of its own
        return
    with TemporaryDirectory() as root:
        files = folder(Path(root), str(path), "else/where.png")
        assert found(files, written) == [str(path)]


@given(strategies.text(max_size=60))
def test_no_cell_is_too_odd_to_be_looked_for(written: str) -> None:
    assert Files(Path(__file__).parent).find(written).paths == ()
    assert isinstance(names_in(written), tuple)


def test_the_longest_tail_decides(tmp_path: Path) -> None:
    files = folder(tmp_path, "p1/s1/view.png", "p1/s2/view.png", "p2/s1/view.png")
    assert found(files, "/data/p2/s1/view.png") == ["p2/s1/view.png"]
    assert found(files, "s2/view.png") == ["p1/s2/view.png"]
    assert len(found(files, "s1/view.png")) == 2


def test_the_root_s_own_name_may_stand_in_the_table(tmp_path: Path) -> None:
    files = folder(tmp_path / "cohort", "train/1.png", "test/1.png")
    assert found(files, "cohort/test/1.png") == ["test/1.png"]


def test_other_cells_of_the_row_tell_files_of_one_name_apart(tmp_path: Path) -> None:
    files = folder(tmp_path, "cat/1.png", "dog/1.png", "mouse/p7/1.png")
    assert found(files, "1.png", "Dog") == ["dog/1.png"]
    assert found(files, "1", "rodent", "P7") == ["mouse/p7/1.png"]
    assert len(found(files, "1.png", "bird")) == 3


def test_a_file_spelt_alike_goes_before_one_that_differs_in_case(tmp_path: Path) -> None:
    files = folder(tmp_path, "a/x.png", "b/X.png")
    if len(list(tmp_path.iterdir())) == 2:
        assert found(files, "X.png") == ["b/X.png"]
        assert found(files, "x.PNG") == ["a/x.png", "b/X.png"]


def test_copies_of_one_file_are_one_file(tmp_path: Path) -> None:
    for place in ("part_1", "PART_2/part_1"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "1.png").write_bytes(b"same")
    result = Files(tmp_path).find("1")
    assert (len(result.paths), result.copies) == (1, True)


@pytest.mark.parametrize("written", ["train/1.png", "train_images/1.png", "/x/train/1.png"])
def test_a_training_film_is_not_taken_for_a_test_film_of_its_name(tmp_path: Path, written: str) -> None:
    assert found(folder(tmp_path, "test_images/1.png"), written) == []


def test_a_folder_that_is_there_is_believed(tmp_path: Path) -> None:
    files = folder(tmp_path, "cat/2.png", "dog/1.png")
    assert found(files, "cat/1.png") == []
    assert found(files, "horse/1.png") == ["dog/1.png"]


def test_another_suffix_is_taken_where_there_is_no_better_file(tmp_path: Path) -> None:
    files = folder(tmp_path, "1.png", "2.png", "2.jpg", "3.txt", "1.2.840.7.dcm", "5.dcm.gz")
    assert found(files, "1.JPG") == ["1.png"] and files.find("1.jpg").other_suffix
    assert found(files, "2.jpg") == ["2.jpg"] and not files.find("2.jpg").other_suffix
    assert found(files, "3") == [] and found(files, "3.png") == []
    assert found(files, "1.2.840.7") == ["1.2.840.7.dcm"] and found(files, "1.2.840") == []
    assert found(files, "5") == found(files, "5.dcm") == ["5.dcm.gz"]
    assert found(files, "1.0") == ["1.png"]


def test_a_mask_and_its_film_may_share_a_name(tmp_path: Path) -> None:
    files = folder(tmp_path, "films/1.png", "masks/1.png", "masks/2.png")
    assert found(files, "1.png") == ["films/1.png"]
    assert found(files, "1.png", mask=True) == ["masks/1.png"]
    assert found(files, "2.png") == []
    assert found(files, "masks/2.png") == ["masks/2.png"]


def test_a_folder_stands_for_the_images_in_it(tmp_path: Path) -> None:
    files = folder(
        tmp_path, "p1/study1/a.png", "p1/study1/more/b.png", "p1/study1/note.txt", "p2/study1/c.png"
    )
    assert [path.name for path in files.inside("/data/p1/study1/")] == ["a.png", "b.png"]
    assert files.inside("study1") == () and files.inside("") == ()


def test_hidden_files_and_a_link_that_leads_back_are_passed(tmp_path: Path) -> None:
    files = folder(tmp_path, "a/1.png", ".hidden/1.png", "@eaDir/1.png")
    (tmp_path / "a" / "back").symlink_to(tmp_path, target_is_directory=True)
    assert found(files, "1.png") == ["a/1.png"]


def test_as_few_files_are_looked_at_however_many_share_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []

    def counting(look: Callable[..., object]) -> Callable[..., object]:
        def looks(self: object, number: int, *others: object) -> object:
            looked_at.append(number)
            return look(self, number, *others)

        return looks

    monkeypatch.setattr(Files, "_file", counting(Files._file))
    monkeypatch.setattr(Tails, "_lies_in", counting(Tails._lies_in))

    def looks(patients: int) -> int:
        root = tmp_path / str(patients)
        names = [f"patient{n}/study{m}/view1_frontal.png" for n in range(patients) for m in (1, 2)]
        files = folder(root, *names)
        looked_at.clear()
        for number in range(50):
            (path,) = files.find(f"CheXpert-v1.0/valid/patient{number}/study2/view1_frontal.png").paths
            assert path.parts[-3:-1] == (f"patient{number}", "study2")
            (path,) = files.find("view1_frontal.png", beside=("1", "study1", f"patient{number}")).paths
            assert path.parts[-3:-1] == (f"patient{number}", "study1")
        return len(looked_at)

    assert looks(50) == looks(800) < 1000
