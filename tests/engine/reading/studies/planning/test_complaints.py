"""A protocol is refused where it contradicts itself, field by field, and up to its bounds it is not."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from engine.errors import ReviewError
from engine.reading.studies.planning.complaints import check_protocol, complaints
from engine.reading.studies.planning.protocol import MOST_DAYS, MOST_TEXT, Drawn, Endpoint, Protocol
from engine.reading.validation import LONGEST_NAME
from engine.records import PARTS

SOUND = Protocol(
    name="films", design="blind then assisted", run_id="r", classes=("well", "ill"), positive="ill", readers=("Ada",)
)  # fmt: skip
BLIND: dict[str, Any] = {"design": "blind"}
ENRICHED = Drawn(rule="enriched", n=4, prevalence=0.5)
AUC = Endpoint(figure="AUC")
SHARE = Endpoint(figure="sensitivity")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, ""),
        ({"name": "x" * LONGEST_NAME}, ""), ({"name": "x" * (LONGEST_NAME + 1)}, "name"), ({"name": " "}, "name"),
        *(({field: "a\0b"}, "name positive" if field == "positive" else "name")
          for field in ("name", "endpoint", "positive")),
        ({"classes": ("well", "ill", "\ud83d")}, "name"),
        ({"endpoint": "x" * MOST_TEXT}, ""), ({"endpoint": "x" * (MOST_TEXT + 1)}, "endpoint"),
        ({"classes": ("ill",)}, "classes"), ({"classes": ("ill", "Ill ")}, "classes"),
        ({"classes": ("well", "ill", " ")}, "classes"), ({"classes": ("well", "ill", "gout")}, ""),
        ({"classes": ("x" * LONGEST_NAME, "ill")}, ""), ({"classes": ("x" * (LONGEST_NAME + 1), "ill")}, "classes"),
        ({"positive": ""}, ""), ({"positive": "gout"}, "positive"),
        ({"run_id": None, "dataset_id": "d"}, "design"), ({**BLIND, "run_id": None, "dataset_id": "d"}, ""),
        ({**BLIND, "run_id": None}, "run_id"), ({"design": "annotation"}, "design"),
        ({"design": "annotation", "run_id": None, "dataset_id": "d"}, ""),
        ({"readers": ()}, "readers"), ({"readers": ("Ada", "Ada")}, "readers"),
        ({"adjudicator": "Ada"}, "adjudicator"), ({"adjudicator": "Cleo"}, ""),
        ({"consensus": "adjudicated"}, "consensus"), ({"consensus": "adjudicated", "adjudicator": "Cleo"}, ""),
        ({"shown": ()}, "shown"), ({"shown": ("prediction", "oracle")}, "shown"), ({**BLIND, "shown": ()}, ""),
        ({"wrong_advice": 0.5}, ""), ({"wrong_advice": 0.501}, "wrong_advice"),
        ({"wrong_advice": -0.001}, "wrong_advice"), ({**BLIND, "wrong_advice": 0.1}, "wrong_advice"),
        ({"wrong_advice": 0.1, "classes": ("well", "ill", "gout")}, "shown"),
        ({"wrong_advice": 0.1, "classes": ("well", "ill", "gout"), "shown": ("prediction",)}, ""),
        ({"design": "wash-out", "wash_out_days": 0.5}, ""), ({"design": "wash-out"}, "wash_out_days"),
        ({"design": "wash-out", "wash_out_days": MOST_DAYS}, ""),
        *(({"design": "wash-out", "wash_out_days": days}, "wash_out_days")
          for days in (MOST_DAYS + 1, -1.0, math.nan, math.inf)),
        ({"wash_out_days": 1.0}, "wash_out_days"),
        ({"margin": 1e-9}, ""), *(({"margin": each}, "margin") for each in (0.0, -0.1, math.nan, math.inf)),
        ({"indeterminate": "positive"}, ""), ({"indeterminate": "positive", "positive": ""}, "indeterminate"),
        ({"indeterminate": "negative"}, ""),
        ({"indeterminate": "negative", "classes": ("well", "ill", "gout")}, "indeterminate"),
        ({"indeterminate": "positive", "classes": ("well", "ill", "gout")}, ""),
        ({"drawn": ENRICHED}, ""), ({"drawn": ENRICHED, "positive": ""}, "positive"),
        *(({"drawn": replace(ENRICHED, prevalence=each)}, "prevalence") for each in (None, 0.0, 1.0)),
        *(({"drawn": replace(ENRICHED, prevalence=each)}, "") for each in (0.001, 0.999)),
        ({"drawn": replace(ENRICHED, n=0)}, "n"), ({"drawn": replace(ENRICHED, n=1)}, ""),
        ({"drawn": Drawn(rule="random stratified")}, "n"), ({"drawn": Drawn(rule="random stratified", n=1)}, ""),
        ({"drawn": Drawn(rule="filter", parts=PARTS)}, ""), ({"drawn": Drawn(parts=("exam",))}, "parts"),
        ({"seed": 2**63 - 1}, ""), ({"seed": 2**63}, "seed"), ({"seed": -(2**63)}, ""),
        ({"seed": -(2**63) - 1}, "seed"),
        ({"primary": AUC}, "primary"), ({"primary": AUC, "certainty": "1-5"}, ""), ({"primary": SHARE}, ""),
        ({"primary": SHARE, "positive": ""}, "primary"),
        ({"primary": replace(SHARE, compares="assisted minus blind")}, ""),
        ({"primary": replace(SHARE, compares="blind")}, "primary"),
        ({**BLIND, "primary": SHARE}, "primary"), ({**BLIND, "primary": replace(SHARE, aim="estimate")}, ""),
        ({"design": "annotation", "run_id": None, "dataset_id": "d", "primary": replace(SHARE, aim="estimate")},
         "primary"),
        ({"primary": replace(SHARE, aim="not inferior")}, "margin"),
        ({"primary": replace(SHARE, aim="not inferior"), "margin": 0.05}, ""),
    ],
)  # fmt: skip
def test_a_protocol_is_sound_up_to_its_bounds_and_each_field_beyond_them_is_said(
    changes: dict[str, Any], fields: str
) -> None:
    protocol = replace(SOUND, **changes)
    assert set(complaints(protocol)) == set(fields.split())
    if not fields:
        check_protocol(protocol)
    else:
        with pytest.raises(ReviewError):
            check_protocol(protocol)
