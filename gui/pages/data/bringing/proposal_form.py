"""A proposal as the page draws it, and what a person said of it on the way back: plain values, words included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.data import answers_from_json, answers_to_json
from engine.errors import DataError
from engine.language import _, counted, isolated, ngettext, number
from engine.records import PARTS, Answers, Choice, DataIssue, NameCount, Proposal, Role
from engine.retelling import retold
from gui.web import markup

SHOWN_NAMES = 200
"""Names listed behind one line."""
SHOWN_CLASSES = 60
"""Classes drawn with a choice for each; where there are more, a level or column was hardly meant as the class."""


def role_words() -> Mapping[Role, str]:
    """Return what a level of folders can be, in words."""
    return {
        "class": _("class"),
        "part": _("part"),
        "patient": ngettext("patient", "patients", 1),
        "ignored": _("not used"),
    }


def column_words() -> Mapping[str, str]:
    """Return what a column of a table can hold, in words."""
    return {
        "path": _("Image file"),
        "label": _("Class"),
        "patient_id": _("Patient"),
        "split": _("Part"),
        "mask": _("Mask"),
    }


def drawn(proposal: Proposal) -> dict[str, Any]:
    """Return what the page draws of a proposal."""
    return {
        "facts": _facts(proposal),
        "questions": [
            *(_question(question.issue, question.choices) for question in proposal.questions),
            *(_question(issue) for issue in proposal.left_out if issue.serious),
        ],
        "levels": [
            {
                "number": level.number,
                "title": _("Level {number}").format(number=number(level.number))
                if level.number
                else _("The file name"),
                "roles": [
                    (role, words)
                    for role, words in role_words().items()
                    if level.number or role in ("patient", "ignored")
                ],
                "role": level.role,
                "why": "" if level.answered else retold(level.why),
                "names": [_name(name) for name in level.names],
                "more": level.distinct - len(level.names),
            }
            for level in proposal.levels
        ],
        "parts": [(part, markup.part_title(part)) for part in PARTS],
        "offers": [
            (
                offer.path,
                _("{table}: {n} of {total} rows").format(
                    table=isolated(str(offer.path)), n=number(offer.matched), total=number(offer.rows)
                ),
            )
            for offer in proposal.tables
        ],
        "table": _table(proposal),
        "alone": proposal.table == proposal.path,
        "columns": columns_form(proposal.headers, proposal.columns),
        "classes": [_name(name) for name in proposal.classes[:SHOWN_CLASSES]],
        "moreClasses": max(0, len(proposal.classes) - SHOWN_CLASSES),
        "unlabelled": proposal.unlabelled,
        "leftOut": [_issue(issue) for issue in proposal.left_out if not issue.serious],
    }


def columns_form(headers: Sequence[str], chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what each kind of column is taken from: `headers` to choose among, `chosen` or empty."""
    if not headers:
        return []
    return [
        {"field": field, "title": title, "headers": list(headers), "chosen": chosen.get(field, "")}
        for field, title in column_words().items()
    ]


def _facts(proposal: Proposal) -> list[str]:
    classes = len(proposal.classes)
    facts = [counted(proposal.images, "image"), counted(classes, "class", "classes")]
    if proposal.unlabelled and classes:
        facts.append(_("{count} without a class").format(count=number(proposal.unlabelled)))
    facts += [
        _("{count} in {part}").format(count=number(proposal.parts[part]), part=markup.part_title(part))
        for part in PARTS
        if proposal.parts.get(part)
    ]
    return [*facts, counted(proposal.patients, "patient") if proposal.patients else _("no patient named")]


def _table(proposal: Proposal) -> str:
    """Return the table that is read, as the offers call it; empty where the folders are."""
    if proposal.table is None:
        return ""
    inside = proposal.table.is_relative_to(proposal.root)
    return proposal.table.relative_to(proposal.root).as_posix() if inside else proposal.table.name


def _question(issue: DataIssue, choices: Sequence[Choice] = ()) -> dict[str, Any]:
    return {
        "text": retold(issue.message),
        "serious": issue.serious,
        "choices": [{"words": retold(one.words), "answers": answers_to_json(one.answers)} for one in choices],
    }


def _name(name: NameCount) -> dict[str, Any]:
    return {"name": name.name, "images": name.images, "part": name.part}


def _issue(issue: DataIssue) -> dict[str, Any]:
    names = [path.name for path in issue.paths[:SHOWN_NAMES]] if len(issue.paths) > 1 else []
    return {
        "text": retold(issue.message),
        "names": names,
        "more": len(issue.paths) - len(names) if names else 0,
    }


def answers_of(said: object) -> Answers:
    """Return answers from what the page sends.

    Raises:
        DataError: They are none.
    """
    try:
        return answers_from_json(said)
    except ValueError as error:
        raise DataError(
            _("The page sent an invalid answer"), _("Reload the page and answer again")
        ) from error
