"""Every kind of page that people are given, with the document beside it: what is promised of one is promised of all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.experiments.comparison import Contestant, compare_runs
from engine.experiments.comparison_page import comparison_file, render_page
from engine.experiments.learning_curve import fit_learning_curve
from engine.experiments.learning_curve_page import curve_document, curve_page
from engine.experiments.printed.learning_curve import curve_sheet
from engine.external.cases import ExternalCases
from engine.external.comparison import compare_with_internal
from engine.reading import Endpoint, open_store
from engine.records import ExternalTest, Supplied
from engine.report.exports.external_page import external_file, external_page
from engine.report.study.exports import study_document
from engine.report.study.page import study_page
from engine.report.study.records import StudyReport
from engine.workspace import open_workspace
from tests.engine.experiments.test_comparison import OTHER, THREE, TINY_RECIPE, TWO, contestant, run_of
from tests.engine.experiments.test_learning_curve import trained
from tests.engine.report.study.test_study_report import reported, unsure_on
from tests.engine.report.test_build import a_run
from tests.engine.report.test_snapshots import external_test


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is written, and what the JSON beside it says.

    Attributes:
        html: As written.
        document: As read back.
        names: That people gave, which no id explains.
        cases: Under which the document has what a number rests on; empty where it has none.
        counted: Ids begin so whose `n` counts these.
    """

    html: str
    document: Mapping[str, Any]
    names: tuple[str, ...] = ()
    cases: str = ""
    counted: str = "T"


def abroad(test: ExternalTest) -> Page:
    document = json.loads(json.dumps(external_file(test), allow_nan=False))
    return Page(external_page(test), document, (*test.classes,), "cases" if test.cases else "")


def tested(folder: Path, *, classes: tuple[str, ...] = TWO, cases: int = 80, **how: Any) -> ExternalTest:
    """A test of a run on images from elsewhere, among them some whose patients have several."""
    run = replace(run_of(TINY_RECIPE, classes, 0), folder=folder)
    home, away = (contestant(noise=noise, classes=classes, films=2).predictions for noise in (1, 2))
    return compare_with_internal(
        run,
        home,
        [replace(one, patient_id=f"q{one.patient_id}", part=None, **how) for one in away[:cases]],
        ExternalCases(samples=(), same={"Healthy 2": classes[0]}, left_out={"no label": 3}, remarks=()),
        dataset_id="0123456789ab",
        dataset_name="other hospital",
    )


def _study(report: StudyReport) -> Page:
    names = (*(one.name for one in report.people), *(one.reader for one in report.people))
    return Page(
        study_page(report),
        json.loads(json.dumps(study_document(report), allow_nan=False)),
        names,
        "answers",
        "T3.1",
    )


def study(folder: Path, **how: Any) -> Page:
    workspace = open_workspace(folder / "workspace")
    with open_store(workspace.database) as store:
        return _study(reported(workspace, store, **how))


def comparison(*contestants: Contestant, **more: Any) -> Page:
    told = replace(compare_runs(contestants), **more)
    document = json.loads(json.dumps(comparison_file(told), allow_nan=False))
    return Page(render_page(told), document, tuple(row.label for row in told.rows), "tested")


def supplied(one: Contestant) -> Contestant:
    origin = Supplied(model="Theirs", version="2", file="a.csv", sha256="0", content="0", maps=0, remarks=())
    return replace(one, run=replace(one.run, recipe=None, supplied=origin), history=())


def seeds(count: int) -> list[Contestant]:
    return [contestant(replace(OTHER, seed=seed), noise=seed, number=seed + 1) for seed in range(count)]


def curve(**how: Any) -> Page:
    found = fit_learning_curve(trained(**how), draws=50)
    document = {**curve_document(found), **curve_sheet(found).document()}
    return Page(curve_page(found), json.loads(json.dumps(document, allow_nan=False)), (), "tested")


PAGES: dict[str, Callable[[Path], Page]] = {
    "a study": study,
    "a study read in three ways": lambda folder: study(
        folder, readers=1, cases=30, design="concurrent against second reader"
    ),
    "a study without labels": lambda folder: study(folder, cases=20, labelled=False),
    "readers who were unsure": lambda folder: study(
        folder, cases=30, certainty=None, scripts=(unsure_on({3, 5}), unsure_on({4}))
    ),
    "a study of non-inferiority": lambda folder: study(
        folder, cases=30, primary=Endpoint(figure="specificity", aim="not inferior"), margin=0.2
    ),
    "two runs": lambda _: comparison(contestant(skill=2), contestant(OTHER, number=1)),
    "runs of several seeds and classes": lambda _: comparison(
        contestant(skill=2, classes=THREE, films=2),
        contestant(OTHER, noise=1, classes=THREE, films=2, number=1),
        contestant(replace(OTHER, seed=1), noise=2, classes=THREE, films=2, number=2),
    ),
    "more runs than a figure has room for": lambda _: comparison(contestant(), *seeds(12)),
    "supplied predictions": lambda _: comparison(
        contestant(skill=2),
        supplied(contestant(OTHER, number=1)),
        one_split=False,
        left_out={"labelled otherwise in another run's data": 3},
        reference="All are held against labels v2 of 12 images.",
    ),
    "an external test": lambda folder: abroad(tested(folder)),
    "an external test of three classes": lambda folder: abroad(tested(folder, classes=THREE)),
    "an external test on few images": lambda folder: abroad(tested(folder, cases=6)),
    "an external test without the finding": lambda folder: abroad(tested(folder, label=TWO[0])),
    "an external test that was kept without its cases": lambda _: abroad(external_test(a_run())),
    "a learning curve": lambda _: curve(areas={40: 0.7, 80: 0.78, 160: 0.84, 320: 0.88}),
    "a learning curve of too few sizes": lambda _: curve(areas={40: 0.7, 80: 0.78}),
}
"""Kind of page → makes one."""
