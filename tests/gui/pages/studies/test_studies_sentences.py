"""What the form of a study says: of the study that it would be, and of each field that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.language import speaking
from gui.pages.share.wishes import study_choices
from gui.pages.studies.desk import make_study, plan_study
from gui.pages.studies.form import _Fields
from gui.pages.studies.rounds import Rounds
from tests.gui.pages.studies.conftest import Ward
from tests.snapshots import hold_against, one_text

HERE = Path(__file__).parent / "snapshots"


def form(ward: Ward, **said: Any) -> dict[str, Any]:
    (carl,) = ward.ids("carl")
    usual = {
        "name": "Pilot",
        "source": f"run:{ward.session.store.run_ids()[0]}",
        "design": "blind",
        "readers": list(ward.ids("anna", "ben")),
        "adjudicator": carl,
        "shown": ["prediction", "map"],
        "seed": "7",
    }
    return {"form": usual | said}


def told(ward: Ward, **said: Any) -> list[str]:
    answer = plan_study(Rounds(ward.session), form(ward, **said))
    return [*answer["summary"], *(f"at {field}: {sentence}" for field, sentence in answer["errors"].items())]


def test_what_a_study_will_be_is_said_before_it_is_made(ward: Ward) -> None:
    both = {"design": "blind then assisted", "certainty": "1-5", "wrong_advice": "17"}
    situations = {
        "blind": told(ward),
        "blind then assisted, with wrong advice": told(ward, **both),
        "wash-out, one reader": told(
            ward, design="wash-out", wash_out_days="28", readers=list(ward.ids("anna")), adjudicator=""
        ),
        "assisted, the prediction alone": told(
            ward, design="assisted", shown=["prediction"], certainty="0-100"
        ),
        "concurrent, drawn at random": told(
            ward,
            design="concurrent against second reader",
            rule="random stratified",
            n="1",
            indeterminate="positive",
        ),
    }
    hold_against(HERE / "plans.txt", one_text(situations))


def test_what_cannot_be_read_is_said_at_its_field_and_no_study_is_made(ward: Ward) -> None:
    drawn = {"rule": "enriched", "n": "3x", "prevalence": "100", "seed": "-1"}
    wrong: dict[str, dict[str, Any]] = {
        "an empty form": dict.fromkeys(form(ward)["form"], ""),
        "numbers": {
            **drawn,
            "design": "wash-out",
            "wash_out_days": "soon",
            "wrong_advice": "60",
            "margin": "0",
        },
        "more cases than there are": {"rule": "random stratified", "n": "7"},
        "an adjudicator who reads": {"readers": list(ward.ids("carl"))},
        "nobody to settle": {"consensus": "adjudicated", "adjudicator": ""},
        "nothing to show": {"design": "assisted", "shown": []},
        "labelling a run": {"design": "annotation"},
        "words of no meaning": {"source": "run:none", "design": "no such", "rule": {}, "readers": "anna"},
    }
    hold_against(HERE / "errors.txt", one_text({name: told(ward, **said) for name, said in wrong.items()}))
    for said in wrong.values():
        answer = make_study(Rounds(ward.session), form(ward, **said)) if "n" not in said else {"errors": 1}
        assert answer["errors"]
    assert ward.session.store.studies.all() == []


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1,000", 1000),
        ("۱٬۰۰۰٬۰۰۰", 1_000_000),
        ("1 000", 1000),
        ("۷", 7),
        ("3.0", 3),
        ("1.000", None),
        ("1,5", None),
    ],
)
def test_a_whole_number_is_read_with_the_marks_of_its_thousands_or_asked_about(
    typed: str, read: float | None
) -> None:
    fields = _Fields({"seed": typed})
    assert fields.number("seed", 0, 1e9, whole=True) == read and bool(fields.errors) == (read is None)


@pytest.mark.parametrize("typed", ["0,125", "۰٫۱۲۵", "0.125"])
def test_a_share_is_read_with_the_decimal_mark_of_any_country(typed: str) -> None:
    assert _Fields({"share": typed}).number("share", 0, 1) == 0.125


def test_studies_whose_names_begin_alike_are_told_apart_where_one_is_shared(ward: Ward) -> None:
    alike = [f"Chronic obstructive pulmonary disease {what}" for what in ("in adults", "in children")]
    for name in alike:
        ward.study(name=name)
    with speaking("fa"):
        words = [shown for shown, _study in study_choices(ward.session)]
    assert len(set(words)) == 2 and all(any(name in shown for shown in words) for name in alike)
