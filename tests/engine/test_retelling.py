"""Promises of engine/retelling.py: what the engine made or wrote down in English is said again, names as they are."""

from __future__ import annotations

import ast
import contextlib
import importlib
import pickle
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from babel.messages.pofile import read_po

from docs.engine_sentences import sentences
from engine.data import index_folder, split_as_chosen, split_index
from engine.data.patients import patient_overlap, patients_named, unit_words
from engine.data.pixels.sizes import Detail
from engine.data.split_choices import Choices, ratios_of
from engine.errors import DataError, EngineError, SplitError
from engine.jobs.__main__ import explain_failure
from engine.kept_files import read_json
from engine.language import CATALOGUES, N_, _, isolated, languages, number as written, short_number, speaking
from engine.managing.dependents import dependents_of_run
from engine.prediction.for_review import seen_before
from engine.reading import Store
from engine.reading.database import raise_in_words
from engine.records import Part, Prediction
from engine.relocation import Lost
from engine.report.named.of_methods import method_words
from engine.retelling import _COUNTS as COUNTS, BRACES, retell, retold
from engine.runs.folder import UNCERTAINTY, find_run
from engine.storage import check_room
from engine.workspace import Workspace
from tests.engine.data.test_index import film
from tests.engine.data.test_split import with_parts

ROOT = Path(__file__).parents[2]
A_CASE = Prediction(
    image_id="0" * 64,
    path=Path("a.png"),
    label=None,
    patient_id=None,
    part="test",
    probabilities=(0.5, 0.5),
    predicted="a",
    entropy=0.5,
)
READ: tuple[tuple[Part | None, ...], ...] = (
    ("test",),
    ("train", "train", "test", None),
    ("train", "val", "val", "test"),
)
ENGLISH = r"\b(is|are|was|has|it|its|not|the|of|in|by|from|one|or)\b"
OTHERS = [code for code in languages() if code != "en"]


@pytest.mark.parametrize("code", OTHERS)
def test_what_the_checks_found_and_how_data_are_split_is_said_again(tmp_path: Path, code: str) -> None:
    for name in ("opacity", "normal"):
        for number in range(4):
            film(tmp_path / name / f"{number}.png", 10 * number + len(name))
    index = index_folder(tmp_path)
    split = split_as_chosen(index, Choices())
    gone = Lost(count=3, looked=8, total=8, first=Path("/films/a.png"))
    english = [
        *(issue.message for issue in index.issues),
        split.method,
        patient_overlap(split),
        unit_words(patients_named(index.samples)),
        f"{gone}.",
    ]
    assert len(index.issues) > 0
    with speaking(code):
        said = [retell(one) for one in english]
    assert None not in said
    assert str(said[-1]).endswith("\u2068/films/a.png\u2069."), "the full stop is the sentence's"
    assert not [one for one in said if one and re.search(r"\b(is|in|of|by|the|class|patients?)\b", one)]


@pytest.mark.parametrize("code", OTHERS)
def test_a_refusal_is_said_again_with_what_was_refused_in_it(code: str) -> None:
    with pytest.raises(SplitError) as refused:
        ratios_of(60, 20, 30)
    with speaking(code):
        said = retold(refused.value)
        assert "cannot be used" not in said
        named = retold(
            DataError("There is no folder /films/cannot be used", "Check the path for typing errors")
        )
        assert "/films/cannot be used" in named and "typing" not in named


def test_english_is_left_as_it_stands_and_so_is_what_no_catalogue_has() -> None:
    assert retold("Class a has 3 cases; add cases if you can") == "Class a has 3 cases; add cases if you can"
    with speaking("fa"):
        assert retell("A sentence that nobody has written") is None
        assert retold("A sentence that nobody has written") == "A sentence that nobody has written"
        assert retell("از پیش فارسی است") == "از پیش فارسی است"  # said in the language already


def test_several_sentences_are_told_one_by_one() -> None:
    with speaking("fa"):
        said = retold(
            "The training process ended after epoch 3 of 20. Resume it from its last checkpoint; "
            "training.log in the run's folder may say why."
        )
    assert re.findall("[a-z.]{2,}", said) == ["training.log"] and said.count(".") == 3


COUNTED = re.compile(
    r"\} of (?:its |the )?\{[^}]*\} (?:[a-z]+ )?[a-z]+s (?:\([^)]*\) )?(?:look|name|are|were|have|lie|show)\b"
)
KEPT_SO = {
    "engine/data/copies/groups.py": "said of many copies alone",
    "engine/statistics/readers/mrmc.py": "written down so in every report of a study not fully crossed",
}


SEVERAL = re.compile(
    r"(?<!of )(?<!than )(?<!the )(?<!The )\{#\} (?:are|were|have|do)\b"
    r"|(?<!of )(?<!than )(?<!the )(?<!The )\{#\} (?:(?!of|with|was|is|and|in|x\b)[a-z]+ ){0,2}"
    r"(?!is\b|was\b|has\b|its\b|as\b|this\b|does\b|differs\b)[a-z]{2,}s\b"
)
"""A number, and what goes with several."""
NEVER_ONE = {
    "{#} × {#} pixels": "of a side",
    "{#} rows name {}, which is kept once": "two or more: a group",
    "One image has {#} labels": "two or more: they differ",
    "{#} samples in columns": "for programmers",
    "its {#} images could not": "of what is read in many pieces",
    "{#} images{} name no patient": "its form is chosen by what stands before it",
    "{#} images, {} ({#}": "one is said otherwise",
    "hold {#} classes": "two at least",
    "{#} training cases kept": "a case of each class, of which there are two at least",
    "{#} runs were compared on": "two or more: a comparison",
    "same {#} test cases": "of a test part",
    "{#} test patients ({#} images)": "of a test part",
    "{#} training images": "images that a law was fitted to, or that shares are taken of",
    "tested on {#} images": "of a test part",
    "holds {#} frames": "frames where one would have been taken",
    "has {#} characters": "of what is too long",
    "to {#} characters": "as many as are allowed",
    "{#} bytes": "of an object, a file or what is left out",
    "Of {#} models": "of a cross-validation",
    "{} for {#} images": "for programmers",
    "{#} rates for": "rates that do not go with the layers",
    "^{#} rows of {}$": "of a table",
    "^{#} images: {}$": "that a model was trained on",
    "{#} parameters": "of a net",
    "{#} folds": "of a cross-validation",
    "{#} modalities": "for programmers",
    "fitted on {#} validation images": "as many as a temperature takes",
    "^{}, {#} test images$": "of a test part",
    "{#} test films": "of the demonstration",
    "{#} wheels": "of the program",
    "{#} test cases, half": "suspects, each with its control",
    "All {#} files": "of a bundle",
    "{#} phases, and": "where each has its epochs",
}
"""Pieces of sentences of a number that is never one; ^ and $ stand for the ends of one."""


def texts_of(path: Path) -> list[str]:
    """Return the f-strings of a module that no condition chooses and nobody translates, with {#} for a count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    fine = {
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.IfExp)
        or (isinstance(node, ast.Call) and ast.unparse(node.func) in ("ngettext", "N_", "_"))
        for part in ast.walk(node)
    }
    return [
        "".join(
            str(one.value) if isinstance(one, ast.Constant) else "{#}" if is_count(one) else "{}"
            for one in node.values
        )
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) and node not in fine
    ]


def is_count(filled: ast.expr) -> bool:
    """Return whether a number is filled in: written with thousands, or the length of something."""
    match filled:
        case ast.FormattedValue(value=ast.Call(func=ast.Name(id="len"))):
            return True
        case ast.FormattedValue(format_spec=ast.JoinedStr(values=[ast.Constant(value=",")])):
            return True
    return False


def test_a_count_of_some_is_followed_by_words_that_go_with_one_too() -> None:
    """“1 of 22 images look like”, “in 1 rows”: a condition chooses the words, or the sentence is of no number."""
    modules = {
        path.relative_to(ROOT).as_posix(): texts_of(path)
        for folder in ("engine", "gui")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    some = [
        name for name, texts in modules.items() if any(COUNTED.search(one.replace("#", "")) for one in texts)
    ]
    assert some == list(KEPT_SO)
    several = [f"^{one}$" for texts in modules.values() for one in texts if SEVERAL.search(one)]
    assert not [one for one in several if not any(piece in one for piece in NEVER_ONE)]
    assert not [piece for piece in NEVER_ONE if not any(piece in one for one in several)]


@pytest.mark.parametrize("code", ["en", "fa", "he"])
def test_an_error_says_options_on_the_command_line_and_fields_on_a_page(code: str) -> None:
    index = with_parts(val=15)
    left = tuple(replace(one, part=None) if one.part == "train" else one for one in index.samples)
    with pytest.raises(SplitError) as refused:
        split_index(replace(index, samples=left))
    unnamed = DataError("The model has no name", "Say whose", option="--name", fields=("Name of the model",))
    kept = pickle.loads(pickle.dumps(unnamed))
    assert str(refused.value).endswith(" (on the command line: --part-names, or --by-patient).")
    assert str(kept) == "The model has no name. Say whose (on the command line: --name)."
    with speaking(code):
        said = retold(refused.value)
        assert written(30) in said and written(24) in said
        field = isolated(_("Name of the model"))
        assert field in retold(kept) and "--" not in retold(kept)
    assert not re.search("--|[()]", said) and bool(re.search("[a-z]", said)) == (code == "en")


def test_no_options_bracket_is_part_of_an_errors_sentences_and_its_fields_are_words_of_a_page() -> None:
    typed: list[str] = []
    fields: set[str] = set()
    for path in (one for folder in ("engine", "gui") for one in sorted((ROOT / folder).rglob("*.py"))):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
            if isinstance(call, ast.Call) and (name.endswith("Error") or name == "JsonFile"):
                texts = [one for said in call.args for one in ast.walk(said) if isinstance(one, ast.Constant)]
                typed += [str(one.value) for one in texts if re.search(r"\([^()]*--[a-z]", str(one.value))]
                for named in (one.value for one in call.keywords if one.arg == "fields"):
                    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                    with contextlib.suppress(NameError):  # another error's, or a kind of file's: found there
                        fields |= set(eval(ast.unparse(named), vars(module)))
    assert not typed and len(fields) > 10
    of_pages = [ROOT / "gui" / "app.py", *(ROOT / "gui" / "pages").rglob("*.py")]
    pages = "".join(path.read_text(encoding="utf-8") for path in of_pages)
    assert not [one for one in fields if f'_("{one}")' not in pages]


@pytest.mark.parametrize("code", OTHERS)
def test_what_is_said_of_images_that_a_run_reads_is_said_again(code: str) -> None:
    detail = Detail(side=240, reads=True)
    english = [
        *(seen_before([replace(A_CASE, part=part) for part in parts]) for parts in READ),
        *(detail.of_several([(20, 20)] * small + [(900, 900)] * 2) for small in (1, 3)),
    ]
    with speaking(code):
        said = [re.sub("\u2068[^\u2069]*\u2069", "", str(retell(str(one)))) for one in english]
    assert len(said) == 5 and not [one for one in said if re.search("[A-Za-z]", one)]


def test_a_sign_before_a_number_is_written_with_the_languages_digits() -> None:
    with speaking("fa"):
        said = retold("Map −1.61, rest +1.11: log-odds −0.50")
    assert not re.search("[0-9]", said) and "\u2068+۱٫۱۱\u2069" in said and "\u200e-۱٫۶۱" in said


def test_a_p_is_written_with_the_languages_digits_and_from_the_left() -> None:
    with speaking("fa"):
        for p, told in (("= .34", "= ۰٫۳۴"), ("< .001", "< ۰٫۰۰۱")):
            said = retold(f"As a set, these images were not found to differ from those of training (p {p})")
            assert f"(\u2066p {told}\u2069)" in said


def test_a_name_of_one_word_is_no_word_of_ours() -> None:
    with speaking("fa"):
        said = retold("Class test has 3 cases; results on so few cases are imprecise: add cases if you can")
    assert "test" in said and "۳" in said


@pytest.mark.parametrize("code", OTHERS)
def test_a_sentence_is_told_by_its_own_template_and_by_no_shorter_one(code: str) -> None:
    """Of all that the catalogue has, filled in: names of one word and numbers, which stay what they are."""
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        messages = [one for one in read_po(file, locale=code) if one.id and isinstance(one.id, str)]
    wrong = []
    for one in messages:
        names = dict.fromkeys(BRACES.findall(one.id))
        if (
            not names
            or "!r}" in one.id
            or "}{" in one.id
            or sum(sign.isalpha() for sign in BRACES.sub("", one.id)) < 12
        ):
            continue
        filled = {
            name: str(place + 3) if COUNTS.fullmatch(name) else f"Name{place}z"
            for place, name in enumerate(names)
        }
        with speaking(code):
            said = retell(BRACES.sub(lambda found, by=filled: by[found[1]], one.id))
            told = {
                name: short_number(int(value)) if value.isdigit() else isolated(value)
                for name, value in filled.items()
            }
        wanted = BRACES.sub(lambda found, by=told: by[found[1]], one.string)
        if said != wanted:
            wrong.append((one.id, said, wanted))
    assert not wrong, (len(wrong), wrong[:30])


def test_a_condition_in_a_sentence_makes_two_and_what_is_added_may_be_missing() -> None:
    source = """
def found(count, path):
    message = f"{count:,} file{'' if count == 1 else 's'} in {path.name}"
    if count > 3:
        message += "; look at them"
    raise DataError(message, "Read them again")
"""
    assert {sentence for _line, sentence in sentences(source)} == {
        "{count} file in {name}",
        "{count} files in {name}",
        "{count} file in {name}; look at them",
        "{count} files in {name}; look at them",
        "Read them again",
    }


@pytest.mark.parametrize("code", OTHERS)
def test_nothing_is_said_again_as_nothing(code: str) -> None:
    with speaking(code):
        assert (retell(""), retold("")) == ("", "")


@pytest.mark.parametrize("code", OTHERS)
def test_what_a_page_says_of_damaged_files_databases_runs_and_tables_is_in_its_language(
    code: str, workspace: Workspace, tmp_path: Path
) -> None:
    """Errors as they are raised: no English stands outside what is isolated, nor inside but names."""

    def refusal(of: Callable[[], object]) -> EngineError:
        with pytest.raises(EngineError) as refused:
            of()
        return refused.value

    full = sqlite3.OperationalError("full")
    full.sqlite_errorname = "SQLITE_FULL"

    def damaged(text: str) -> EngineError:
        (tmp_path / "shown.json").write_text(text, encoding="utf-8")
        return refusal(lambda: read_json(tmp_path / "shown.json", UNCERTAINTY))

    errors = [
        damaged("[]"),
        damaged("{}"),
        damaged('{"schema_version": 99}'),
        refusal(lambda: find_run(workspace, "latest")),
        refusal(lambda: find_run(workspace, "2026")),
        refusal(lambda: dependents_of_run(workspace, cast("Store", None), "2026")),
        refusal(lambda: raise_in_words(full, "overread.db")),
        refusal(lambda: check_room("The decoded images need", 10**18, tmp_path, N_("Delete it"))),
    ]
    with speaking(code):
        said = [
            re.sub("\u2068/[^\u2069]*\u2069", "", str(retell(error))) for error in errors
        ]  # without paths
    assert not [one for one in said if re.search(ENGLISH, one)], said
    assert not [one for one in said if "--" in one or "command line" in one]


def test_an_error_that_was_kept_as_text_names_no_option_on_a_page() -> None:
    kept = str(DataError("The disk is full", "Free some space", option="--workspace, or --out (both)"))
    assert retold(f"{kept} It was stopped.") == "The disk is full. Free some space. It was stopped."


ASKED = (
    "8 files look like one image; a new split keeps them in one part",
    "2 files of different patients with different labels (a, b) look like one image; one of them is turned by 7°; they "
    "are in different parts of the split that came with the data: take one out or make a new split",
    "In the image 0.png, nearly all is black: 99 of 100 pixels; look at it before you use it",
    "Use the table t.csv",
    "“x” is training",
    "“x” (2 images), “y” (1 image) and 3 more name no part of the split: these images are in none of training, "
    "validation and test until you say which",
    "t.csv names images here, by 12 of the rows; it was read, and the folders were not",
    "No column of t.csv is named as a label: x was taken as one (x contains “y” (in 8 rows), “z” (in 1 row))",
    "Several levels of folders may be the class: level 1 (“x” and “y”); level 2 (“z” and “a”). Level 1 was taken",
    "The mask 0.png cannot be read; its image is used without a mask: 0.png is damaged or was cut short",
    "These answers do not fit the data: no class is named “x”; there are “y” and “z”",
    "File names may say whose images they are: “0.png” of “x”. That makes 1 patient in 1 image; they were not taken as "
    "patients, so each image counts as one",
)


@pytest.mark.parametrize("code", OTHERS)
def test_what_is_asked_of_data_is_said_again_with_its_lists_of_names(code: str) -> None:
    with speaking(code):
        for said in map(retold, ASKED):
            assert not re.search(r"[a-z]{3,}", re.sub(r"0\.png|t\.csv", "", said)), said
            assert "None" not in said and not [one for one in "xyz" if f"{one} " in said]


@pytest.mark.parametrize("code", OTHERS)
def test_what_stands_in_braces_is_no_part_of_a_list(code: str) -> None:
    """A list of what was done, or of how a figure was found, is told piece by piece, numbers in the page's digits."""
    of_changes = "rotation ±7°, zoom ±8%, shift ±4%, brightness ±15%; training images only"
    fitted = (
        "made to contain the correct class in 95% of the cases of each class, for patients like the validation "
        "patients they were fitted on (normal 23, opacity 12); no guarantee for images from elsewhere "
        "(doi:10.1080/01621459.2017.1395341)"
    )
    with speaking(code):
        told = retold(of_changes)
        assert not re.search(r"[A-Za-z]", told) and retold("shift ±4%") in told and isolated("±") not in told
        assert f"{isolated('normal')} {written(23)}" in retold(fitted)
        assert isolated("Wilson") in method_words("Wilson, by patient")


@pytest.mark.parametrize("code", ["en", "fa", "he"])
@pytest.mark.parametrize("option", ["overread relocate", "--seeds; --folds (both)", ""])
def test_a_failed_jobs_error_names_the_fields_of_the_page_as_the_error_does(code: str, option: str) -> None:
    """A job keeps its error as text: what is said of it later is what would have been said at once."""
    remedy = N_("Put the images back, or say where they are now")
    of_job = DataError(
        "There is no finished run in this workspace",
        remedy,
        option=option,
        fields=("Data", "Where are they now?"),
    )
    kept = explain_failure(of_job)
    with speaking(code):
        said = retold(of_job)
        assert retold(kept) == said and isolated(_("Where are they now?")) in said and "command" not in said
        assert retold(f"{kept} It was stopped; what is trained is kept") == (
            f"{said} {retold('It was stopped; what is trained is kept')}"
        )
    assert "on the pages: “Data”, “Where are they now?”)." in kept and option in kept
