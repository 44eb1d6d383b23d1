"""Promises of engine.data.names: a name is understood whatever is written around it, and never two ways."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as st

from engine.data.names import (
    class_key,
    is_fold,
    is_placeholder,
    looks_like_id,
    match_names,
    near_equal,
    part_of,
    parts_of_names,
    says_patient,
)
from engine.records import Part

WORDS: dict[Part, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev", "tune"),
    "test": ("test", "testing", "holdout", "eval"),
}
DECORATIONS = ("", "set", "data", "images", "img", "folder", "split", "2017", "01", "v2", "x", "final")
spelled = st.sampled_from((str.lower, str.upper, str.title))
known = st.sampled_from([(word, part) for part, words in WORDS.items() for word in words])


@given(
    known,
    st.sampled_from(DECORATIONS),
    st.sampled_from(DECORATIONS),
    st.sampled_from(" _-."),
    spelled,
    spelled,
)
def test_a_part_is_known_with_any_decoration_before_and_after_it(
    word, before, after, gap, spell, spell_after
) -> None:
    name, part = word
    pieces = [piece for piece in (spell_after(before), spell(name), spell_after(after)) if piece]
    assert part_of(gap.join(pieces)) == part
    assert part_of(f" {gap.join(pieces)} ") == part


@given(known, st.sampled_from(("set", "data", "images")), spelled)
def test_a_part_is_known_where_its_decoration_is_written_on_to_it(word, after, spell) -> None:
    name, part = word
    assert part_of(spell(name + after)) == part
    assert part_of(name + after.title()) == part


@pytest.mark.parametrize(
    "name",
    [
        "train_plus_other",
        "trainval",
        "train test",
        "contest",
        "latest",
        "validus",
        "protest",
        "TS",
        "control",
        "",
        "7",
    ],
)
def test_what_is_more_or_less_than_one_part_is_none(name: str) -> None:
    assert part_of(name) is None


@given(st.text("abcdefgh", min_size=2, max_size=6), known, known)
def test_what_stands_in_the_names_of_different_parts_is_decoration_there(frame, first, second) -> None:
    (one, part), (other, other_part) = first, second
    names = {f"{frame}_{one}": part, f"{frame}_{other}": other_part}
    if part != other_part:
        assert parts_of_names(names) == names


def test_the_class_of_one_folder_alone_is_no_decoration() -> None:
    assert parts_of_names(["chest_train", "abdomen"]) == {}


@given(st.text(max_size=20))
def test_normalising_a_class_twice_changes_nothing(name: str) -> None:
    assert class_key(class_key(name)) == class_key(name)


@given(st.text(st.characters(categories=("Lu", "Ll", "Nd")), min_size=1, max_size=12))
def test_case_blanks_unicode_form_and_separators_make_no_new_class(name: str) -> None:
    for other in (
        name.casefold(),
        f"  {name} ",
        unicodedata.normalize("NFD", name),
        unicodedata.normalize("NFC", name),
    ):
        assert class_key(other) == class_key(name)


@pytest.mark.parametrize(
    "names",
    [
        ("Normal", "normal", "NORMAL ", "normal_"),
        ("1", "1.0", "01", "1,0", "+1", "1.00"),
        ("0", "0.0", "-0", "00"),
        ("No Finding", "no_finding", "No-Finding", "NoFinding", "no  finding"),
        ("Köln", unicodedata.normalize("NFD", "Köln"), "KÖLN"),
        ("covid 19", "COVID-19", "covid19"),
        ("Straße", "STRASSE"),
    ],
)
def test_these_names_are_one_class(names: tuple[str, ...]) -> None:
    assert len({class_key(name) for name in names}) == 1
    assert near_equal(dict.fromkeys(names, 1)) == (tuple(sorted(names)),)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ER+", "ER-"),
        ("+", "-"),
        ("1", "-1"),
        ("1 2", "12"),
        ("1.5", "15"),
        ("grade 1", "grade 11"),
        ("a", "b"),
    ],
)
def test_these_names_are_two_classes(one: str, other: str) -> None:
    assert class_key(one) != class_key(other)


def test_labels_in_another_spelling_are_matched_and_what_means_several_classes_or_none_is_not() -> None:
    classes = ("NORMAL", "Pneumonia", "x", "X ")
    assert match_names(["normal", "PNEUMONIA", "NORMAL", "x", "X", "tumour"], classes) == {
        "normal": "NORMAL",
        "PNEUMONIA": "Pneumonia",
        "NORMAL": "NORMAL",
        "x": "x",
    }


@pytest.mark.parametrize(
    "name",
    ["", " ", "-", "?", "nan", "NaN", "N/A", "n.a.", "None", "null", "unknown", "ANONYMIZED", "Anonymised", "anonymous",
     "Anonymous^Patient", "DE-IDENTIFIED", "xxx", "000000", "REMOVED", "not available", "*****"],
)  # fmt: skip
def test_a_placeholder_names_no_patient(name: str) -> None:
    assert is_placeholder(name)


@pytest.mark.parametrize(
    "name", ["0", "7", "P001", "S001", "MRN-17", "Nanette", "anon12", "1.2.840.1", "Unk0017", "A"]
)
def test_an_id_is_no_placeholder(name: str) -> None:
    assert not is_placeholder(name)


@pytest.mark.parametrize(
    "name", ["pat1", "patient0012", "Subject_3", "sub-01", "P 17", "0012", "TCGA-AB-1234"]
)
def test_names_of_patients_look_like_ids(name: str) -> None:
    assert looks_like_id(name)


@pytest.mark.parametrize(
    "name", ["2019", "2019-03-12", "study1", "ses-01", "view2", "grade3", "images_001", "normal"]
)
def test_years_visits_and_views_do_not(name: str) -> None:
    assert not looks_like_id(name) and not says_patient(name)


@pytest.mark.parametrize("name", ["fold1", "Fold_02", "fold 3", "cv-4", "k-fold 5"])
def test_folds_are_known(name: str) -> None:
    assert is_fold(name) and part_of(name) is None
