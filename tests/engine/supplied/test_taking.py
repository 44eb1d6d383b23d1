"""Promises of an import: numbers mean what they can only mean, and nothing that does not fit goes unsaid."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given, settings, strategies as st
from pyarrow import parquet

from engine.errors import DataError
from engine.language import languages, speaking
from engine.records import Index, Sample
from engine.retelling import retold
from engine.supplied import Claims, Taken, read_predictions

CLAIMS = Claims(model="Vendor X", version="2.1", threshold=0.4)


def sample(number: int, label: str | None = None, folder: str = "films", patient: str = "") -> Sample:
    image_id = f"{number:x}".rjust(64, "a")
    return Sample(
        path=Path(f"/data/{folder}/f{number}.png"),
        image_id=image_id,
        label=label,
        patient_id=patient or image_id,
    )


def data_set(*samples: Sample, classes: tuple[str, ...] = ("normal", "opacity")) -> Index:
    return Index(dataset_id="0" * 12, name="films", root=Path("/data"), samples=samples, classes=classes)


FILMS = data_set(sample(1, "normal"), sample(2, "opacity"), sample(3, "normal"))


def table(folder: Path, *lines: str, name: str = "scores.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def taken(folder: Path, *lines: str, index: Index = FILMS, claims: Claims = CLAIMS) -> Taken:
    """Import a table; whatever is said of it, whether it was taken or refused, is said in other languages too."""
    try:
        found = read_predictions(index, table(folder, *lines), claims)
    except DataError as error:
        is_said_again(error)
        raise
    for one in found.said:
        is_said_again(one.whole)
        is_said_again(one.nameless)
    return found


def is_said_again(english: str | DataError) -> None:
    for code in languages()[1:]:
        with speaking(code):
            told = re.sub("\u2068[^\u2068\u2069]*\u2069", "", retold(english))
        assert not re.search("[A-Za-z]{3,}", told.replace("sha256", "").replace("softmax", "")), (
            english,
            told,
        )


def refused(folder: Path, *lines: str, index: Index = FILMS, claims: Claims = CLAIMS) -> str:
    with pytest.raises(DataError) as error:
        taken(folder, *lines, index=index, claims=claims)
    return str(error.value)


def of_opacity(found: Taken) -> list[float]:
    place = found.classes.index("opacity")
    return [round(one.probabilities[place], 6) for one in found.predictions]


def said(found: Taken) -> str:
    return ". ".join(one.whole for one in found.said)


# --------------------------------------------------------------------------------------------- what numbers mean


def test_probabilities_of_two_classes_are_taken_by_the_names_of_their_columns(tmp_path: Path) -> None:
    found = taken(tmp_path, "path,p(Normal),p(OPACITY)", "f1.png,.9,.1", "f2.png,.2,.8", "f3.png,.61,.39")
    assert of_opacity(found) == [0.1, 0.8, 0.39]
    assert [one.predicted for one in found.predictions] == ["normal", "opacity", "normal"]
    assert [one.label for one in found.predictions] == ["normal", "opacity", "normal"]
    assert {one.part for one in found.predictions} == {"test"}
    assert found.threshold == 0.4


@pytest.mark.parametrize(
    "header",
    ["score", "AI_score", "Probability", "opacity", "opacity_prob", "probability of opacity", "Score (%)"],
)
def test_one_score_of_two_classes_is_that_of_the_finding_and_this_is_said(
    tmp_path: Path, header: str
) -> None:
    found = taken(tmp_path, f"file,{header}", "f1.png,.1", "f2.png,.8", "f3.png,.2")
    assert of_opacity(found) == [0.1, 0.8, 0.2]
    assert header == "opacity" or f"“{header}”" in said(found)


def test_the_score_of_the_other_class_says_that_of_the_finding(tmp_path: Path) -> None:
    assert of_opacity(taken(tmp_path, "file,p(normal)", "f1,.9", "f2,.25", "f3,.8")) == [0.1, 0.75, 0.2]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (("10", "80", "20"), "percentages"),
        (("10%", "80 %", "20.0%"), "percentages"),
        (('"10,0"', '"80,0"', '"20,0"'), "decimal point"),
        (("۱۰٪", "۸۰٪", "۲۰٫۰٪"), "percentages"),
        (("−2.1972246", "1.3862944", "−1.3862944"), "logits"),
        (("-2.1972246", "1.3862944", "-1.3862944"), "logits"),
    ],
)
def test_percentages_logits_and_decimal_commas_are_recognised_and_said(
    tmp_path: Path, cells: tuple[str, ...], says: str
) -> None:
    lines = (f"f{number}.png,{cell}" for number, cell in enumerate(cells, start=1))
    found = taken(tmp_path, "file,score", *lines)
    assert of_opacity(found) == [0.1, 0.8, 0.2]
    assert says in said(found)


@pytest.mark.parametrize(
    "cells", [("1.5", "3", ".2"), ("-3", "-1", "-.5"), ("50%", ".5", ".2"), ("1000", "3", "-1e3000")]
)
def test_numbers_that_may_be_of_several_kinds_are_asked_about(tmp_path: Path, cells: tuple[str, ...]) -> None:
    lines = [f"f{number},{cell}" for number, cell in enumerate(cells, start=1)]
    assert "--scores" in refused(tmp_path, "file,score", *lines, claims=Claims(model="X", incomplete=True))


def test_what_the_numbers_are_can_be_said(tmp_path: Path) -> None:
    lines = ("file,score", "f1,1.5", "f2,3", "f3,.2")
    percent = taken(tmp_path, *lines, claims=Claims(model="X", scores="percent"))
    assert of_opacity(percent) == [0.015, 0.03, 0.002]
    logit = taken(tmp_path, *lines, claims=Claims(model="X", scores="logit"))
    assert of_opacity(logit)[1] == pytest.approx(1 / (1 + math.exp(-3)), abs=1e-6)


THREE = data_set(sample(1, "a"), sample(2, "b"), sample(3, "c"), classes=("a", "b", "c"))


def test_logits_of_several_classes_go_through_softmax(tmp_path: Path) -> None:
    claims = Claims(model="X")
    found = taken(tmp_path, "file,a,b,c", "f1,0,0,0", "f2,-1,2,-1", "f3,1,1,-40", index=THREE, claims=claims)
    assert found.predictions[0].probabilities == pytest.approx((1 / 3,) * 3)
    e = math.exp
    assert found.predictions[1].probabilities[1] == pytest.approx(e(2) / (e(2) + 2 * e(-1)))
    assert [one.predicted for one in found.predictions[:2]] == ["a", "b"]


# ------------------------------------------------------------------------------------- what does not fit is said


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (
            ("f1.png,.1", "f2.png,.8", "f3.png,.2", "zz.png,.3"),
            r"1 row (line 5: zz.png) names no image of the data set",
        ),
        (("f1.png,.1", "f2.png,.8"), r"1 image of the data set has no prediction (f3.png)"),
        (
            ("f1.png,.1", "f2.png,nan", "f3.png,"),
            "2 rows (line 3: f2.png, line 4: f3.png) have no number for a score",
        ),
        (("f1.png,.1", "f2.png,inf", "f3.png,.2"), "1 row (line 3: f2.png) has no number for a score"),
    ],
)
def test_rows_and_images_that_do_not_fit_are_counted_named_and_left_out_only_where_a_person_said_so(
    tmp_path: Path, lines: tuple[str, ...], says: str
) -> None:
    assert says in (told := refused(tmp_path, "file,score", *lines))
    assert "--incomplete" in told
    found = taken(tmp_path, "file,score", *lines, claims=Claims(model="X", incomplete=True))
    assert f"Left out: {says}" in said(found)
    nameless = " ".join(one.nameless for one in found.said)
    assert "f3.png" not in nameless and "zz.png" not in nameless  # what a report prints of it


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (
            ("f1,.1,.9", "f2,.5,.5", "f3,.2,.9"),
            "1 row (line 4: f3) has probabilities that are not 1 in all (the",
        ),
        (
            ("f1,.1,.9", "f1,.2,.8", "f2,.5,.5", "f3,.2,.8"),
            "1 row (line 3: f1) says something else of an image",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_whatever_a_person_said(
    tmp_path: Path, lines: tuple[str, ...], says: str
) -> None:
    claims = Claims(model="X", incomplete=True)
    many = data_set(*FILMS.samples, *(sample(number, "normal") for number in range(10, 30)))
    more = [f"f{number},.5,.5" for number in range(10, 30)]
    told = refused(tmp_path, "file,normal,opacity", *lines, *more, index=many, claims=claims)
    assert says in told
    assert "--incomplete" not in told


def test_every_kind_of_trouble_is_told_at_once(tmp_path: Path) -> None:
    told = refused(tmp_path, "file,score", "f1,.1", "f1,.7", "zz,.1", "f2,")
    for each in ("names no image", "has no number", "says something else", "have no prediction"):
        assert each in told


def test_a_row_that_says_the_same_again_counts_once_and_is_said(tmp_path: Path) -> None:
    found = taken(tmp_path, "file,score", "f1,.1", "f1,.1000", "f2,.8", "f3,.2")
    assert len(found.predictions) == 3
    assert "1 row said again" in said(found)


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.1, 40.0, math.nan])
def test_a_threshold_that_is_no_probability_is_refused(tmp_path: Path, threshold: float) -> None:
    claims = Claims(model="X", threshold=threshold)
    assert "is no probability" in refused(tmp_path, "file,score", "f1,.1", "f2,.8", "f3,.2", claims=claims)


def test_a_missing_threshold_is_said(tmp_path: Path) -> None:
    assert "No operating point was stated" in said(
        taken(tmp_path, "file,score", "f1,.1", "f2,.8", "f3,.2", claims=Claims(model="X"))
    )


def test_calls_of_the_file_that_differ_from_the_operating_point_are_counted(tmp_path: Path) -> None:
    found = taken(tmp_path, "file,score,predicted", "f1,.1,normal", "f2,.8,Opacity", "f3,.39,opacity")
    assert "says another class than the operating point in 1 of 3 rows" in said(found)


# ------------------------------------------------------------------------------------------------------- classes


def test_a_class_without_a_column_is_refused_and_every_column_named(tmp_path: Path) -> None:
    told = refused(tmp_path, "file,a,b,age", "f1,.1,.9,30", index=THREE, claims=Claims(model="X"))
    assert "no column for “c”" in told and "age" in told and "--same" in told


def test_a_column_of_a_class_that_holds_no_numbers_is_named(tmp_path: Path) -> None:
    told = refused(tmp_path, "file,p(opacity)", "f1,high", "f2,low", "f3,low")
    assert "“p(opacity)”" in told and "not numbers" in told and "--column" in told


def test_a_column_of_a_class_that_is_passed_over_is_said(tmp_path: Path) -> None:
    rows = [f"f{number}.png,inf,0.{number}" for number in (1, 2, 3)]
    told = said(taken(tmp_path, "image,normal,opacity", *rows))
    assert "Columns named like a class that hold no numbers, and are not read: normal" in told


def test_a_class_more_is_refused_and_can_be_added_to_another(tmp_path: Path) -> None:
    lines = ("file,p(normal),p(opacity),p(covid)", "f1,.5,.3,.2", "f2,.1,.1,.8", "f3,1,0,0")
    assert "p(covid)" in refused(tmp_path, *lines)
    claims = Claims(model="X", same={"covid": "opacity"})
    assert of_opacity(taken(tmp_path, *lines, claims=claims)) == [0.5, 0.9, 0.0]


def test_a_class_of_another_name_is_said_with_same(tmp_path: Path) -> None:
    lines = ("file,p(healthy),p(consolidation)", "f1,.9,.1", "f2,.2,.8", "f3,.7,.3")
    assert "healthy" in refused(tmp_path, *lines)
    claims = Claims(model="X", same={"healthy": "normal", "consolidation": "opacity"})
    assert of_opacity(taken(tmp_path, *lines, claims=claims)) == [0.1, 0.8, 0.3]


@pytest.mark.parametrize("same", [{"healthy": "norml"}, {"helthy": "normal"}])
def test_a_name_that_is_not_there_is_refused(tmp_path: Path, same: dict[str, str]) -> None:
    told = refused(tmp_path, "file,p(healthy),p(opacity)", "f1,.9,.1", claims=Claims(model="X", same=same))
    assert "“norml”" in told or "“helthy”" in told


def test_the_label_beside_the_score_is_not_taken_for_it(tmp_path: Path) -> None:
    found = taken(tmp_path, "file,opacity,p(opacity)", "f1,0,.1", "f2,1,.8", "f3,0,.2")
    assert of_opacity(found) == [0.1, 0.8, 0.2]


def test_two_scores_of_a_class_are_asked_about_and_answered_by_column(tmp_path: Path) -> None:
    lines = ("file,opacity_score,p(opacity)", "f1,.3,.1", "f2,.4,.8", "f3,.5,.2")
    assert "Several columns" in refused(tmp_path, *lines)
    claims = Claims(model="X", columns={"opacity": "p(opacity)"})
    assert of_opacity(taken(tmp_path, *lines, claims=claims)) == [0.1, 0.8, 0.2]


def test_images_without_labels_take_their_classes_from_the_columns(tmp_path: Path) -> None:
    bare = data_set(sample(1), sample(2), classes=())
    found = taken(
        tmp_path, "file,p(tb),p(normal)", "f1,.9,.1", "f2,.2,.8", index=bare, claims=Claims(model="X")
    )
    assert found.classes == ("normal", "tb")
    assert [one.predicted for one in found.predictions] == ["tb", "normal"]
    assert [one.label for one in found.predictions] == [None, None]


# -------------------------------------------------------------------------------------------------------- images


@pytest.mark.parametrize(
    "names",
    [
        [one.image_id for one in FILMS.samples],
        [f"sha256:{one.image_id.upper()}" for one in FILMS.samples],
        [str(one.path) for one in FILMS.samples],
        [f"films\\f{number}.png" for number in (1, 2, 3)],
        [f"F{number}.PNG" for number in (1, 2, 3)],
        [f"f{number}" for number in (1, 2, 3)],
        [f"f{number}.dcm" for number in (1, 2, 3)],
    ],
)
def test_an_image_is_named_by_hash_path_or_name(tmp_path: Path, names: list[str]) -> None:
    lines = (f"{name},{p}" for name, p in zip(names, (".1", ".8", ".2"), strict=True))
    assert of_opacity(taken(tmp_path, "which,score", *lines)) == [0.1, 0.8, 0.2]


def test_one_name_in_two_folders_is_told_apart_by_the_folder_and_refused_without_it(tmp_path: Path) -> None:
    one, other = sample(1, "normal", "a"), sample(1, "opacity", "b")
    other = Sample(path=other.path, image_id="b" * 64, label="opacity", patient_id="p")
    index = data_set(one, other)
    assert of_opacity(taken(tmp_path, "file,score", "a/f1.png,.1", "b/f1.png,.8", index=index)) == [0.1, 0.8]
    told = refused(tmp_path, "file,score", "a/f1.png,.1", "f1.png,.8", index=index)
    assert "1 row (line 3: f1.png) names what several images are called" in told


def test_a_patient_names_an_image_where_that_is_the_only_one(tmp_path: Path) -> None:
    index = data_set(sample(1, "normal", patient="007"), sample(2, "opacity", patient="008"))
    assert of_opacity(taken(tmp_path, "subject,score", "007,.1", "008,.8", index=index)) == [0.1, 0.8]


def test_a_table_of_other_images_is_refused_with_its_columns(tmp_path: Path) -> None:
    told = refused(tmp_path, "file,score", "other1.png,.1", "other2.png,.3")
    assert "No column of scores.csv names an image" in told and "file, score" in told


# --------------------------------------------------------------------------------------------- files as they come


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_delimiter_and_encoding_gives_the_same(tmp_path: Path, encoding: str, delimiter: str) -> None:
    lines = [
        delimiter.join(cells)
        for cells in (("Bild", "score"), ("f1.png", ".1"), ("f2.png", ".8"), ("f3.png", ".2"))
    ]
    path = table(tmp_path, *lines, encoding=encoding)
    assert of_opacity(read_predictions(FILMS, path, CLAIMS)) == [0.1, 0.8, 0.2]


def test_parquet_that_another_program_wrote_gives_the_same_run_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    columns = {
        "image": ["f1.png", "f2.png", "f3.png"],
        "p(opacity)": pyarrow.array([0.1, 0.8, 0.2], type=pyarrow.float64()),
    }
    parquet.write_table(pyarrow.table(columns), path)
    from_parquet = read_predictions(FILMS, path, CLAIMS)
    from_csv = taken(tmp_path, "image,p(opacity)", "f3.png,.2", "f1.png,.1", "f2.png,.8")
    assert from_parquet.content == from_csv.content
    assert from_parquet.sha256 != from_csv.sha256


# ------------------------------------------------------------------------------------------------- odd tables


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["f1.png", "f2.png", "f3", "zz.png", "", "films/f2.png"]),
            st.one_of(
                st.floats(-1e9, 1e9).map(repr),
                st.sampled_from(["", "nan", "x", "1e999", "-", "0,5", "50%", ".5"]),
            ),
            st.one_of(st.floats(0, 1).map(repr), st.sampled_from(["", "N/A", "1", "0"])),
        ),
        max_size=8,
    ),
    header=st.sampled_from(["file,normal,opacity", "file,p(opacity),age", "file,score,x", "a,b,c"]),
    incomplete=st.booleans(),
)
def test_an_odd_table_gives_true_predictions_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], header: str, incomplete: bool
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    lines = [",".join(f'"{cell}"' for cell in row) for row in rows]
    try:
        found = taken(folder, header, *lines, claims=Claims(model="X", incomplete=incomplete))
    except DataError as error:
        assert error.problem and error.remedy
        return
    named = {one.image_id for one in found.predictions}
    assert len(named) == len(found.predictions)
    assert incomplete or named == {one.image_id for one in FILMS.samples}
    for one in found.predictions:
        assert sum(one.probabilities) == pytest.approx(1)
        assert all(0 <= p <= 1 for p in one.probabilities)
        assert one.predicted == ("opacity" if one.probabilities[1] >= 0.5 else "normal")
