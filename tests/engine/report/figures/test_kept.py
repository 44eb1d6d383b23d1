"""A figure is drawn once of the same numbers and words, and anew of any other."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest
from markupsafe import Markup

from engine.language import speaking
from engine.report.figures import kept as keeping
from engine.report.figures.kept import kept
from engine.report.figures.of_report import figures_of, figures_of_run
from tests.engine.report.test_build import a_run, build, review, some_cases
from tests.tiny import EPOCH


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_KEPT", type(keeping._KEPT)())


def test_what_an_answer_leaves_as_it_was_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.records import Verdict
    from engine.report.figures import drawing

    drawn: list[str] = []

    def counted(*settings: object, **more: object) -> object:
        drawn.append("one")
        return really(*settings, **more)  # type: ignore[arg-type]

    really = drawing.Figure
    monkeypatch.setattr(drawing, "Figure", counted)
    run, cases = a_run(), some_cases(a_run())
    answers = [review(case, Verdict.AGREE) for case in cases[:20]]

    def pages(read: int) -> list[dict[str, Markup]]:
        report = build(run, list(cases), reviews=answers[:read], history=(EPOCH, replace(EPOCH, number=2)))
        of_run = {name: svg for name, (svg, _) in figures_of_run(report).items()}
        return [*(figures_of(report, one) for one in report.against if one.cases), of_run]

    nobody = pages(0)
    first = len(drawn)
    assert first == sum(map(len, nobody)) > 5
    given, reviewed, of_run = pages(20)
    assert [given, of_run] == nobody and len(drawn) == first + len(reviewed)
    again = len(drawn)
    assert pages(20) == [given, reviewed, of_run] and len(drawn) == again
    assert pages(19)[1] != reviewed and len(drawn) > again


def test_a_figure_is_of_its_numbers_its_function_and_its_language(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def one(*numbers: object, **named: object) -> Markup:
        asked.append((numbers, named))
        return Markup(f"{len(asked)}")

    def other(*numbers: object, **named: object) -> Markup:
        return one(*numbers, **named)

    of = MappingProxyType({"a": (1.0, float("nan"))})
    assert kept(one, of, at=1) == kept(one, MappingProxyType(dict(of)), at=1) == "1"
    told = [kept(one, of, at=2), kept(one, of, to=1), kept(one, of), kept(other, of, at=1)]
    with speaking("fa"):
        told += [kept(one, of, at=1), kept(one, of, at=1)]
    assert told == ["2", "3", "4", "5", "6", "6"]
    monkeypatch.setattr(keeping, "MOST", 2)
    kept(one, 1), kept(one, 2), kept(one, 1), kept(one, 3)  # what was asked for last is kept
    before = len(asked)
    assert [kept(one, 1), kept(one, 3)] == ["7", "9"] and len(asked) == before
    kept(one, 2)
    assert len(asked) == before + 1 and len(keeping._KEPT) == 2
