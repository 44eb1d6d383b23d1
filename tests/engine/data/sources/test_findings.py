"""Promises of sources.findings: several findings in a row never become a class; a person chooses one, or is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.proposing.propose import propose
from engine.errors import DataError
from engine.records import Answers, DataIssueKind, Proposal, Question

NIH = "Image Index,Finding Labels\na.png,Effusion|Hernia\nb.png,No Finding\nc.png,Effusion\nd.png,\n"
FLAGS = "image,Effusion,Hernia\na.png,1,1\nb.png,0,0\nc.png,1.0,0\nd.png,,\n"


def proposed(folder: Path, text: str, answers: Answers | None = None) -> Proposal:
    for name in "abcd":
        (folder / f"{name}.png").touch()
    (folder / "t.csv").write_text(text)
    return propose(folder / "t.csv", answers=answers)


def classes(proposal: Proposal) -> dict[str, int]:
    return {each.name: each.images for each in proposal.classes}


def asked(proposal: Proposal) -> Question:
    (question,) = (each for each in proposal.questions if each.issue.kind is DataIssueKind.SEVERAL_FINDINGS)
    return question


@pytest.mark.parametrize("text", [NIH, FLAGS])
def test_a_multi_label_table_is_asked_about_and_each_answer_settles_it(tmp_path: Path, text: str) -> None:
    question = asked(proposal := proposed(tmp_path, text))
    assert question.issue.serious and "multi-label" in question.issue.message
    assert not any("|" in name for name in classes(proposal)) and classes(proposal)["Effusion"] == 1
    effusion = next(choice for choice in question.choices if choice.option == "--finding Effusion")
    chosen = proposed(tmp_path, text, effusion.answers)
    assert classes(chosen) == {"Effusion": 2, "no Effusion": 1} and chosen.unlabelled == 1
    assert not [each for each in chosen.questions if each.issue.kind is DataIssueKind.SEVERAL_FINDINGS]
    assert not asked(proposed(tmp_path, text, question.choices[-1].answers)).issue.serious


def test_a_finding_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no finding 'Oedema'") as raised:
        proposed(tmp_path, NIH, Answers(finding="Oedema"))
    assert "Effusion" in raised.value.remedy


@pytest.mark.parametrize("text", ['image,MEL,NV\na.png,1.0,0.0\nb.png,0,1\nc.png,0,1\nd.png,"1",0\n'])
def test_one_hot_columns_are_classes_without_a_question(tmp_path: Path, text: str) -> None:
    proposal = proposed(tmp_path, text)
    assert classes(proposal) == {"MEL": 2, "NV": 2} and proposal.questions == ()
    assert any("the one of the columns MEL, NV" in issue.message for issue in proposal.left_out)


@pytest.mark.parametrize(
    "cell", ["Pneumonia/Viral/COVID-19", "Lung Opacity, left", "No Lung Opacity / Not Normal"]
)
def test_a_name_that_holds_a_comma_or_a_stroke_is_one_class(tmp_path: Path, cell: str) -> None:
    proposal = proposed(
        tmp_path, f'image,label\na.png,"{cell}"\nb.png,Pneumonia\nc.png,"{cell}"\nd.png,Normal\n'
    )
    assert classes(proposal)[cell] == 2
