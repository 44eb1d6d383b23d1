"""Promises of engine.data.index (and layout): any folder or table becomes an index, and nothing is dropped unsaid."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data import fingerprint
from engine.data.index import index_data, index_folder, index_table, order_classes
from engine.errors import DataError
from engine.records import Answers, DataIssue, DataIssueKind, Index


def film(path: Path, seed: int, side: int = 64) -> Path:
    """An image that no other seed resembles."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def two_classes(tmp_path: Path) -> Path:
    for number in range(12):
        film(tmp_path / "data" / ("NORMAL", "PNEUMONIA")[number % 2] / f"{number:02}.png", number)
    return tmp_path / "data"


def labels(index: Index) -> dict[str | None, int]:
    return dict(Counter(sample.label for sample in index.samples))


def found(index: Index, kind: DataIssueKind) -> list[DataIssue]:
    return [issue for issue in index.issues if issue.kind is kind]


# ------------------------------------------------------------------------------------------------------ folders


def test_a_folder_for_each_class(two_classes: Path) -> None:
    index = index_folder(two_classes)
    assert labels(index) == {"NORMAL": 6, "PNEUMONIA": 6}
    assert index.classes == ("NORMAL", "PNEUMONIA")
    assert index.name == "data" and index.root == two_classes
    sample = index.samples[0]
    assert sample.path == two_classes / "NORMAL" / "00.png"
    assert sample.image_id == hashlib.sha256(sample.path.read_bytes()).hexdigest()
    assert sample.patient_id == sample.image_id and sample.part is None
    assert (sample.width, sample.height) == (64, 64)


def test_images_deep_inside_a_class_folder_belong_to_it(tmp_path: Path) -> None:
    film(tmp_path / "a" / "ward 3" / "x.png", 1)
    film(tmp_path / "b" / "y.png", 2)
    assert labels(index_folder(tmp_path)) == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "Validation", "TESTING"), ("train", "tune", "test")]
)
def test_split_folders_give_parts_whatever_they_are_called(tmp_path: Path, names: tuple[str, ...]) -> None:
    for number, (name, label) in enumerate((name, label) for name in names for label in "ab"):
        film(tmp_path / name / label / "1.png", number)
    index = index_folder(tmp_path)
    assert labels(index) == {"a": 3, "b": 3}
    assert Counter(sample.part for sample in index.samples) == {"train": 2, "val": 2, "test": 2}


def test_a_class_may_be_called_test(tmp_path: Path) -> None:
    film(tmp_path / "control" / "1.png", 1)
    film(tmp_path / "test" / "1.png", 2)
    index = index_folder(tmp_path)
    assert labels(index) == {"control": 1, "test": 1}
    assert index.samples[1].part is None


def test_what_stands_beside_split_folders_is_left_out_and_said(tmp_path: Path) -> None:
    film(tmp_path / "train" / "a" / "1.png", 1)
    film(tmp_path / "test" / "a" / "1.png", 2)
    stray = film(tmp_path / "figures" / "1.png", 3)
    index = index_folder(tmp_path)
    assert len(index.samples) == 2
    assert (stray,) in [issue.paths for issue in found(index, DataIssueKind.SKIPPED)]


def test_a_flat_folder_is_unlabelled(tmp_path: Path) -> None:
    film(tmp_path / "1.png", 1)
    film(tmp_path / "2.png", 2)
    index = index_folder(tmp_path)
    assert labels(index) == {None: 2} and index.classes == ()
    assert "2 images have no label" in found(index, DataIssueKind.UNLABELLED)[0].message


def test_a_single_folder_around_the_data_is_looked_through(tmp_path: Path) -> None:
    film(tmp_path / "pack-v2" / "a" / "1.png", 1)
    film(tmp_path / "pack-v2" / "b" / "1.png", 2)
    assert labels(index_folder(tmp_path)) == {"a": 1, "b": 1}


def test_masks_hidden_files_and_litter_are_no_cases(two_classes: Path) -> None:
    film(two_classes / "NORMAL" / "masks" / "m.png", 90)
    film(two_classes / ".thumbnails" / "h.png", 91)
    film(two_classes / "NORMAL" / "._00.png", 92)
    film(two_classes / "__MACOSX" / "x.png", 93)
    (two_classes / "Thumbs.db").write_bytes(b"litter")
    index = index_folder(two_classes)
    assert len(index.samples) == 12
    assert [issue.message for issue in index.issues if "masks" in issue.message]


def test_files_that_are_no_images_are_named_once_and_a_table_is_pointed_out(two_classes: Path) -> None:
    (two_classes / "README.txt").write_text("about")
    (two_classes / "manifest.csv").write_text("path,label\n")
    messages = [issue.message for issue in found(index_folder(two_classes), DataIssueKind.SKIPPED)]
    assert len(messages) == 2
    assert "choose the table" in messages[0] and "README.txt" in messages[1]


def test_a_folder_that_links_back_to_itself_ends(two_classes: Path) -> None:
    (two_classes / "NORMAL" / "up").symlink_to(two_classes)
    (two_classes / "SICK").symlink_to(two_classes / "PNEUMONIA")
    index = index_folder(two_classes)
    assert len(index.samples) == 12
    (said,) = found(index, DataIssueKind.SKIPPED)
    assert said.message == "2 links to folders that are read already were left out (up, SICK)"


def test_a_link_to_what_holds_the_folder_is_not_followed(two_classes: Path) -> None:
    (two_classes / "NORMAL" / "all").symlink_to(two_classes.parent)
    (two_classes / "NORMAL" / "disk").symlink_to(two_classes.anchor)
    shutil.copyfile(next(two_classes.rglob("*.*")), two_classes.parent / "of-another-study.png")
    index = index_folder(two_classes)
    assert len(index.samples) == 12
    (said,) = found(index, DataIssueKind.SKIPPED)
    assert said.message == "2 links to folders that are read already were left out (all, disk)"


def test_a_folder_of_archives_says_what_they_are(tmp_path: Path) -> None:
    for name in ("train.zip", "test.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as packed:
            packed.writestr("a/1.png", b"x")
    with pytest.raises(
        DataError, match=r"test\.zip and 1 more are each a ZIP archive.*Choose the archive itself"
    ):
        index_folder(tmp_path)


def test_archives_beside_images_are_said_and_not_opened(two_classes: Path) -> None:
    (two_classes / "more.rar").write_bytes(b"Rar!\x1a\x07\x00")
    (two_classes / "letter.docx").write_bytes(b"PK\x03\x04")
    messages = [issue.message for issue in found(index_folder(two_classes), DataIssueKind.SKIPPED)]
    assert messages[1].startswith("more.rar was left out: it is a RAR archive; unpack it")
    assert messages[0] == "1 file is not an image and was left out (letter.docx)"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"abc", "neither an image nor a table nor an archive"), (b"%PDF-1.4", "t.bin is a PDF document"),
     (b"<html>", "t.bin is a web page")],
)  # fmt: skip
def test_a_file_that_cannot_be_brought_is_named_as_what_it_is(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "t.bin").write_bytes(content)
    with pytest.raises(DataError, match=said):
        index_data(tmp_path / "t.bin")


def test_unreadable_files_are_listed_and_never_stop_the_rest(two_classes: Path) -> None:
    whole = (two_classes / "NORMAL" / "00.png").read_bytes()
    (two_classes / "NORMAL" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (two_classes / "NORMAL" / "empty.png").write_bytes(b"")
    (two_classes / "NORMAL" / "words.jpg").write_text("no image")
    index = index_folder(two_classes)
    assert len(index.samples) == 12
    assert {issue.paths[0].name for issue in found(index, DataIssueKind.UNREADABLE)} == {
        "cut.png",
        "empty.png",
        "words.jpg",
    }


def test_a_folder_that_goes_away_while_it_is_read_is_no_smaller_folder(
    two_classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, turns = fingerprint.scan, itertools.count()

    def pulled_out(path: Path, *, look: bool = True) -> fingerprint.Scanned:
        if next(turns) == 5:
            two_classes.rename(two_classes.with_name("elsewhere"))
        return read(path, look=look)

    monkeypatch.setattr(fingerprint, "scan", pulled_out)
    with pytest.raises(
        DataError, match=r"data went away while it was read: \d of its 12 images.*connect its drive"
    ):
        index_folder(two_classes)


def test_the_order_is_stable_and_equal_data_has_an_equal_id(two_classes: Path, tmp_path: Path) -> None:
    index = index_folder(two_classes)
    copy = shutil.copytree(two_classes, tmp_path / "elsewhere")
    moved = index_folder(copy)
    assert [sample.image_id for sample in index.samples] == [sample.image_id for sample in moved.samples]
    assert moved.dataset_id == index.dataset_id and len(index.dataset_id) == 12
    (copy / "NORMAL" / "00.png").rename(copy / "PNEUMONIA" / "00.png")
    assert index_folder(copy).dataset_id != index.dataset_id


def test_progress_reaches_the_end(two_classes: Path) -> None:
    seen: list[tuple[int, int]] = []
    index_folder(two_classes, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (12, 12)


def test_an_archive_is_unpacked_and_indexed(two_classes: Path, tmp_path: Path) -> None:
    packed = shutil.make_archive(str(tmp_path / "films"), "zip", tmp_path, "data")
    index = index_folder(Path(packed), unpack_into=tmp_path / "unpacked")
    assert labels(index) == {"NORMAL": 6, "PNEUMONIA": 6} and index.name == "films"
    assert index.dataset_id == index_folder(two_classes).dataset_id
    assert all(sample.path.is_relative_to(tmp_path / "unpacked") for sample in index.samples)


# ---------------------------------------------------------------------------------------------- folders gone wrong


def test_an_empty_folder_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no images"):
        index_data(tmp_path)


def test_a_path_that_does_not_exist_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no folder"):
        index_data(tmp_path / "nowhere")
    with pytest.raises(DataError, match="“https://…” is an address"):
        index_data(Path("https://example.org/films"))


def test_a_single_image_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is one image"):
        index_data(film(tmp_path / "a.png", 1))


def test_some_other_file_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_text("x")
    with pytest.raises(DataError, match="is neither an image nor a table nor an archive"):
        index_data(tmp_path / "a.docx")


def test_a_folder_of_broken_images_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"The only image in .* cannot be read"):
        index_data(tmp_path)


@pytest.fixture
def nobody() -> Iterator[None]:
    """Be a user without rights, where the tests are run by root."""
    if sys.platform == "win32":
        pytest.skip("rights are not taken away by chmod on Windows")
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


@pytest.fixture
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that `nobody` can reach."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_folder_that_may_not_be_read_gets_a_sentence(open_to_all: Path, nobody: None) -> None:
    locked = open_to_all / "locked"
    if os.geteuid() == 65534:
        os.seteuid(0)
        film(locked / "a" / "1.png", 1)
        locked.chmod(0)
        os.seteuid(65534)
    else:
        film(locked / "a" / "1.png", 1)
        locked.chmod(0)
    with pytest.raises(DataError, match="cannot be read"):
        index_data(locked)
    if os.geteuid() == 65534:
        os.seteuid(0)
    locked.chmod(0o755)


def test_a_class_folder_that_may_not_be_read_is_a_serious_finding(open_to_all: Path, nobody: None) -> None:
    mine = os.geteuid()
    if mine == 65534:
        os.seteuid(0)
    film(open_to_all / "a" / "1.png", 1)
    film(open_to_all / "b" / "1.png", 2)
    (open_to_all / "b").chmod(0)
    os.seteuid(mine)
    index = index_data(open_to_all)
    os.seteuid(0 if mine == 65534 else mine)
    (open_to_all / "b").chmod(0o755)
    assert labels(index) == {"a": 1}
    assert found(index, DataIssueKind.UNREADABLE)[0].serious


# -------------------------------------------------------------------------------------------------------- checks


def test_copies_are_kept_once(two_classes: Path) -> None:
    shutil.copy(two_classes / "NORMAL" / "00.png", two_classes / "NORMAL" / "zz.png")
    index = index_folder(two_classes)
    assert len(index.samples) == 12
    (issue,) = found(index, DataIssueKind.EXACT_DUPLICATE)
    assert [path.name for path in issue.paths] == ["00.png", "zz.png"]


def test_one_image_under_two_labels_is_set_aside_and_serious(two_classes: Path) -> None:
    shutil.copy(two_classes / "NORMAL" / "00.png", two_classes / "PNEUMONIA" / "zz.png")
    index = index_folder(two_classes)
    assert len(index.samples) == 11
    assert index.issues[0].kind is DataIssueKind.LABEL_CONFLICT and index.issues[0].serious


def test_one_class_alone_is_indexed_and_said(tmp_path: Path) -> None:
    film(tmp_path / "only" / "1.png", 1)
    index = index_folder(tmp_path)
    assert index.classes == ("only",)
    assert any("only one class" in issue.message for issue in found(index, DataIssueKind.SMALL_CLASS))


def test_the_negative_class_comes_first_and_numbers_count() -> None:
    assert order_classes({"PNEUMONIA", "Normal"}) == ("Normal", "PNEUMONIA")
    assert order_classes({"covid", "non-covid"}) == ("non-covid", "covid")
    assert order_classes({"ذات‌الریه", "طبیعی"}) == ("طبیعی", "ذات‌الریه")
    assert order_classes({"דלקת", "תקין"}) == ("תקין", "דלקת")
    assert order_classes({"nodule", "atelectasis"}) == ("atelectasis", "nodule")
    assert order_classes({"10", "9", "0"}) == ("0", "9", "10")


# -------------------------------------------------------------------------------------------------------- tables


def write_table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    table = folder / "table.csv"
    table.write_bytes(text.encode(encoding))
    return table


def test_a_table_gives_label_patient_part_mask_and_notes(tmp_path: Path) -> None:
    film(tmp_path / "films" / "1.png", 1)
    film(tmp_path / "2.png", 2)
    film(tmp_path / "m.png", 3)
    table = write_table(
        tmp_path,
        "path,label,patient_id,split,mask,age\n"
        f"films/1.png,sick,007,train,m.png,61\n{tmp_path / '2.png'},well,008,Test,,\n",
    )
    index = index_data(table)
    sick, well = index.samples
    assert (sick.label, sick.patient_id, sick.part, sick.mask_path) == (
        "sick",
        "007",
        "train",
        tmp_path / "m.png",
    )
    assert dict(sick.meta) == {"age": "61"}
    assert (well.path, well.part, well.mask_path, dict(well.meta)) == (tmp_path / "2.png", "test", None, {})


def test_relative_paths_start_from_the_root_that_is_given(tmp_path: Path) -> None:
    film(tmp_path / "store" / "1.png", 1)
    (tmp_path / "tables").mkdir()
    table = write_table(tmp_path / "tables", "path,label\n1.png,a\n")
    assert index_table(table, root=tmp_path / "store").samples[0].path == tmp_path / "store" / "1.png"


def test_paths_written_on_windows_are_found(tmp_path: Path) -> None:
    film(tmp_path / "films" / "1.png", 1)
    assert len(index_table(write_table(tmp_path, "path,label\nfilms\\1.png,a\n")).samples) == 1


def test_missing_files_and_repeated_rows_are_found(tmp_path: Path) -> None:
    film(tmp_path / "1.png", 1)
    table = write_table(tmp_path, "path,label,mask\n1.png,a,nomask.png\n1.png,a,\ngone.png,b,\n")
    index = index_table(table)
    assert len(index.samples) == 1 and index.samples[0].mask_path is None
    assert [path.name for issue in found(index, DataIssueKind.MISSING_FILE) for path in issue.paths] == [
        "gone.png",
        "nomask.png",
    ]
    assert len(found(index, DataIssueKind.DUPLICATE_ROW)) == 1


def test_one_file_in_two_rows_with_two_labels_is_a_conflict(tmp_path: Path) -> None:
    film(tmp_path / "1.png", 1)
    film(tmp_path / "2.png", 2)
    index = index_table(write_table(tmp_path, "path,label\n1.png,a\n1.png,b\n2.png,a\n"))
    assert [sample.path.name for sample in index.samples] == ["2.png"]
    assert found(index, DataIssueKind.LABEL_CONFLICT)


def test_a_table_whose_files_are_all_missing_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"The only file that table\.csv names was not found"):
        index_table(write_table(tmp_path, "path,label\ngone.png,a\n"))


def test_a_split_column_of_something_else_is_asked_about_and_kept_as_a_note(tmp_path: Path) -> None:
    film(tmp_path / "1.png", 1)
    index = index_table(write_table(tmp_path, "path,label,split\n1.png,a,fold7\n"))
    assert index.samples[0].part is None and index.samples[0].meta["split"] == "fold7"
    (issue,) = found(index, DataIssueKind.PART_UNCLEAR)
    assert issue.serious and "fold7" in issue.message and "--part-names test=fold7" in issue.options


def test_rows_without_a_label_are_unlabelled(tmp_path: Path) -> None:
    film(tmp_path / "1.png", 1)
    assert index_table(write_table(tmp_path, "path,label\n1.png,\n")).samples[0].label is None


def test_a_patient_in_two_parts_is_serious(tmp_path: Path) -> None:
    for number in range(3):
        film(tmp_path / f"{number}.png", number)
    table = write_table(
        tmp_path, "path,label,patient,split\n0.png,a,p,train\n1.png,a,p,test\n2.png,b,q,train\n"
    )
    (issue,) = found(index_table(table), DataIssueKind.PATIENT_OVERLAP)
    assert issue.serious and {path.name for path in issue.paths} == {"0.png", "1.png"}


def test_patient_ids_are_hashed_with_a_key_and_patients_stay_together(tmp_path: Path) -> None:
    for number in range(3):
        film(tmp_path / f"{number}.png", number)
    table = write_table(tmp_path, "path,label,patient\n0.png,a,MRN-17\n1.png,a,MRN-17\n2.png,b,\n")
    first, second, unknown = index_table(table, hash_patient_ids_with=b"key").samples
    assert first.patient_id == second.patient_id != "MRN-17"
    assert len(first.patient_id) == 64
    assert index_table(table, hash_patient_ids_with=b"other").samples[0].patient_id != first.patient_id
    assert unknown.patient_id == unknown.image_id


def test_a_zip_whose_name_says_nothing_of_it_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "films.zip").write_bytes(b"no zip at all")
    with pytest.raises(DataError, match="cannot be unpacked"):
        index_data(tmp_path / "films.zip", unpack_into=tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(DataError, match="holds no images"):
        index_data(tmp_path / "empty.zip", unpack_into=tmp_path / "out")


# ------------------------------------------------------------------------------------------- as it was proposed


def test_images_are_read_as_it_was_said(tmp_path: Path) -> None:
    for number, name in enumerate(("a/p1", "a/p2", "b/p3", "B/p4")):
        film(tmp_path / name / "1.png", number)
    index = index_data(tmp_path, answers=Answers(levels={2: "ignored"}, same={"B": "b"}))
    assert labels(index) == {"a": 2, "b": 2}
    assert all(sample.patient_id == sample.image_id for sample in index.samples)
    assert {sample.patient_id for sample in index_data(tmp_path).samples} == {"p1", "p2", "p3", "p4"}


def test_what_is_unsure_is_an_issue_with_what_to_type(tmp_path: Path) -> None:
    for number, name in enumerate(("Normal", "normal", "ill")):
        film(tmp_path / name / "1.png", number)
    (issue,) = found(index_data(tmp_path), DataIssueKind.CLASS_UNCLEAR)
    assert issue.serious and issue.options[0] == "--same normal=Normal"


def test_a_folder_with_a_table_of_its_images_is_the_same_data_as_the_table(tmp_path: Path) -> None:
    for number in range(4):
        film(tmp_path / "films" / f"{number}.png", number)
    write_table(tmp_path, "path,label\n" + "".join(f"films/{n}.png,{'ab'[n % 2]}\n" for n in range(4)))
    assert index_data(tmp_path).dataset_id == index_data(tmp_path / "table.csv").dataset_id


def test_one_odd_value_in_the_split_column_leaves_the_known_parts_as_they_are(tmp_path: Path) -> None:
    for number in range(5):
        film(tmp_path / f"{number}.png", number)
    table = write_table(
        tmp_path, "path,label,split\n0.png,a,train\n1.png,b,Testing \n2.png,a,\n3.png,b,nan\n4.png,b,both\n"
    )
    index = index_data(table)
    assert [sample.part for sample in index.samples] == ["train", "test", None, None, None]
    said = {issue.serious: issue.message for issue in found(index, DataIssueKind.PART_UNCLEAR)}
    assert "“both” (1 image)" in said[True] and "2 images" in said[False]


def test_equal_issues_are_one_with_a_count_and_all_their_files(two_classes: Path) -> None:
    for number in range(30):
        (two_classes / "NORMAL" / f"empty{number}.png").write_bytes(b"")
    (issue,) = found(index_data(two_classes), DataIssueKind.UNREADABLE)
    assert "29 times more" in issue.message and len(issue.paths) == 30


def test_cells_that_hold_no_label_give_none(tmp_path: Path) -> None:
    for number in range(4):
        film(tmp_path / f"{number}.png", number)
    table = write_table(tmp_path, "path,label\n0.png,nan\n1.png,N/A\n2.png,-\n3.png,+\n")
    assert [sample.label for sample in index_data(table).samples] == [None, None, "-", "+"]


def test_parts_that_folders_name_are_kept_where_a_table_names_none(tmp_path: Path) -> None:
    for number in range(4):
        film(tmp_path / ("train", "test")[number % 2] / f"{number}.png", number)
    rows = "".join(f"{('train', 'test')[n % 2]}/{n}.png,{'ab'[n // 2]}\n" for n in range(4))
    table = write_table(tmp_path, f"path,label\n{rows}")
    for source in (tmp_path, table):
        index = index_data(source)
        assert [sample.part for sample in index.samples] == ["train", "test"] * 2
        (issue,) = found(index, DataIssueKind.PART_UNCLEAR)
        assert not issue.serious and "2 images in training, 2 images in test" in issue.message
        without = index_data(source, answers=Answers(columns={"split": ""}))
        assert {sample.part for sample in without.samples} == {None}


def test_a_file_named_as_the_mask_of_another_is_its_mask_and_no_case(tmp_path: Path) -> None:
    for seed, name in ((10, "benign"), (20, "normal")):
        for number in range(1, 4):
            film(tmp_path / name / f"{name} ({number}).png", seed + number)
            film(tmp_path / name / f"{name} ({number})_mask.png", 100 + seed + number)
    film(tmp_path / "benign" / "benign (3)_mask_1.png", 800)
    film(tmp_path / "normal" / "without_mask.png", 700)  # of no image
    index = index_data(tmp_path)
    assert labels(index) == {"normal": 4, "benign": 3}
    masks = {sample.path.stem: sample.mask_path for sample in index.samples}
    assert masks["benign (1)"] == tmp_path / "benign" / "benign (1)_mask.png"
    assert masks["benign (3)"] is None and masks["without_mask"] is None  # of two masks none is chosen
    (said,) = found(index, DataIssueKind.SKIPPED)
    assert said.message.startswith(
        "7 images are named as the mask of another beside it (benign (1)_mask.png)"
    )
