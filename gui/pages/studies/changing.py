"""What is changed of a study: readers, cases, what departed from its protocol; and doubted labels read again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from engine import labels  # suspects load torch, when they are asked for
from engine.data import load_index
from engine.errors import ReviewError
from engine.language import _, isolated, ngettext, number, typed_number
from engine.reading import Study
from engine.records import Sample
from engine.runs import load_run
from gui.pages.review import may_write, reader_of, text
from gui.pages.studies.rounds import Rounds
from gui.sharing import chosen_cases
from gui.web import AppSession

Answer = dict[str, Any]
MOST_SUSPECTS = 10_000


def changing(rounds: Rounds) -> Any:
    """Return the studies, to be changed.

    Raises:
        ReviewError: The window is read-only.
    """
    if not may_write(rounds.session):
        raise ReviewError(_("A study cannot be changed in a window that is read-only"), _("Ask the owner"))
    return rounds.session.store.studies


def lock_study(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Fix the protocol before the first reading does."""
    study = changing(rounds).lock(text(asked, "study"))
    return {
        "said": _("The protocol is fixed; its hash is {hash}. A later change is a deviation.").format(
            hash=isolated(study.protocol_hash)
        )
    }


def close_study(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """End a study for good."""
    study = changing(rounds).close(text(asked, "study"))
    told = [_("“{study}” is closed; nothing can be added to it.").format(study=isolated(study.name))]
    if study.protocol.wrong_advice:
        told.append(_("Each reader can now see which advice was wrong on purpose."))
    return {"said": " ".join(told)}


def change_study(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Add readers or cases to a study, or write down what departed from its protocol; with a reason once it is fixed.

    Raises:
        ReviewError: It is not said what changes or why, or that may not change.
    """
    session, studies = rounds.session, changing(rounds)
    study: Study = studies.get(text(asked, "study"))
    cases, reason = text(asked, "cases").strip(), text(asked, "reason").strip()
    sent = asked.get("readers")
    readers = tuple(one for one in sent if isinstance(one, str)) if isinstance(sent, list) else ()
    author = reader_of(session, text(asked, "reader")).reader_id
    told = []
    if cases:
        samples = _samples(session, study)
        ids = _named(samples, cases) if samples else _of_run(session, study, cases)
        studies.add_cases(study.study_id, ids, reason, samples=samples, author=author)
        told.append(
            ngettext(
                "{count} case added; each reader gets them after the others.",
                "{count} cases added; each reader gets them after the others.",
                len(ids),
            ).format(count=number(len(ids)))
        )
    if readers:
        protocol = studies.get(study.study_id).protocol
        added = replace(protocol, readers=(*protocol.readers, *readers))
        studies.change(study.study_id, added, reason, author=author)
        told.append(
            ngettext(
                "{count} reader added, with all cases to read.",
                "{count} readers added, with all cases to read.",
                len(readers),
            ).format(count=number(len(readers)))
        )
    if not told:
        studies.note(study.study_id, reason, author=author)
        told.append(_("The deviation is written down."))
    return {"said": " ".join(told)}


def _of_run(session: AppSession, study: Study, written: str) -> list[str]:
    return chosen_cases(session.store, study.protocol.run_id or "", named=written, cases=1) or []


def _samples(session: AppSession, study: Study) -> tuple[Sample, ...]:
    """Return the images of a study's data set; none where it reads a run's."""
    protocol = study.protocol
    if protocol.run_id or not protocol.dataset_id:
        return ()
    return tuple(load_index(session.workspace, protocol.dataset_id).samples)


def _named(samples: tuple[Sample, ...], written: str) -> list[str]:
    """Return the ids of the images that a person wrote down, by file name, id or the start of one.

    Raises:
        ReviewError: One is none of them, or several.
    """
    found: list[str] = []
    for wanted in filter(None, (one.strip() for one in re.split(r"[\n,;]", written))):
        fitting = {one.image_id for one in samples if wanted in (one.image_id, one.path.name)}
        fitting = fitting or {one.image_id for one in samples if one.image_id.startswith(wanted)}
        if len(fitting) != 1:
            raise ReviewError(
                (
                    _("“{wanted}” is several images of the data set")
                    if fitting
                    else _("“{wanted}” is no image of the data set")
                ).format(wanted=isolated(wanted)),
                _("Write a file name, an id or the start of one, each on a line"),
            )
        found += fitting
    return found


def reread_labels(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Make a blind study of a run's test cases whose label is doubted, beside as many others drawn at random.

    Raises:
        ReviewError: No label is doubted, a field cannot be read, or nobody is to read.
    """
    session = rounds.session
    changing(rounds)
    run = load_run(session.workspace.runs / session.store.run(text(asked, "run")).run_id)
    sent = asked.get("readers")
    readers = tuple(one for one in sent if isinstance(one, str)) if isinstance(sent, list) else ()
    if not readers:
        raise ReviewError(_("It is not said who reads"), _("Choose one reader or more"))
    study = labels.begin_rereading(
        session.workspace,
        session.store,
        run,
        readers=readers,
        n=_whole(asked, "n", 1, MOST_SUSPECTS),
        name=text(asked, "name").strip(),
        seed=_whole(asked, "seed", 0, 10**15),
    )
    return {
        "study": study.study_id,
        "said": _(
            "“{study}” is made: {count} test cases, half of them with a doubted label and "
            "half drawn at random. No reader is told which is which."
        ).format(study=isolated(study.name), count=number(study.protocol.drawn.n)),
    }


def _whole(asked: Mapping[str, Any], name: str, least: int, most: int) -> int:
    typed = text(asked, name).strip()
    value = typed_number(typed, whole=True)
    if not least <= value <= most:
        raise ReviewError(
            _("“{typed}” is not a whole number from {least} to {most}").format(
                typed=isolated(typed[:20]), least=number(least), most=number(most)
            ),
            _("Enter such a number"),
        )
    return int(value)


CHANGES: tuple[Callable[[Rounds, Mapping[str, Any]], Answer], ...] = (
    lock_study,
    close_study,
    change_study,
    reread_labels,
)
