"""What departed from the protocol of a study, in words: the report, the Studies page and the commands say it alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from engine.errors import EngineError
from engine.language import N_, _, isolated, listed, ngettext, number, unitless
from engine.reading import Deviation, Drawn, Endpoint, Protocol, SetBack, protocol_from
from engine.report.study.told.evidence import StudyEvidence
from engine.retelling import retold_closely

FIELDS = {
    "name": N_("name"),
    "design": N_("design"),
    "run_id": N_("run id"),
    "dataset_id": N_("dataset id"),
    "classes": N_("classes"),
    "positive": N_("positive class"),
    "readers": N_("readers"),
    "adjudicator": N_("adjudicator"),
    "drawn": N_("cases"),
    "shown": N_("what is shown"),
    "same_patient": N_("other images of the same patient"),
    "certainty": N_("certainty"),
    "consensus": N_("consensus"),
    "indeterminate": N_("unsure or not diagnostic"),
    "wash_out_days": N_("days of wash-out"),
    "endpoint": N_("endpoint in words"),
    "primary": N_("primary endpoint"),
    "margin": N_("margin"),
    "wrong_advice": N_("wrong advice"),
    "seed": N_("seed"),
}
"""Field of a protocol → what a deviation calls it."""
CHOICES = {
    "majority": N_("what more than half of the readers say"),
    "unanimous": N_("what all readers say"),
    "adjudicated": N_("what all readers say, else the adjudicator"),
    "excluded": N_("left out of the figures"),
    "negative": N_("counts as negative"),
    "prediction": N_("prediction"),
    "map": N_("heatmap"),
}
"""What a rule of a protocol is called."""
HOUR = 3600


def deviations_of(evidence: StudyEvidence) -> tuple[str, ...]:
    """Say each deviation of a study with its moment, and last where the clock was set back."""
    study, names = evidence.study, {one.reader_id: one.name for one in evidence.people}
    said = (
        f"{isolated(f'{one.at:%Y-%m-%d %H:%M}')}: {changed_words(one, study.protocol, names)}"
        for one in study.deviations
    )
    return (*said, *clock_words(evidence.set_back))


def changed_words(one: Deviation, protocol: Protocol, names: Mapping[str, str]) -> str:
    """Say what was changed of a protocol after it was fixed, and why.

    Args:
        one: The change.
        protocol: Of the study.
        names: Of its people, by id.
    """
    changes = _("; ").join(
        _("{name} from “{before}” to “{after}”").format(
            name=_(FIELDS.get(name, name)),
            before=isolated(_told(name, before, protocol, names)),
            after=isolated(_told(name, after, protocol, names)),
        )
        for name, (before, after) in one.changed.items()
    )
    if not changes:
        return isolated(one.reason)
    return _("{changes}. Reason: {reason}").format(changes=changes, reason=isolated(one.reason))


def clock_words(found: tuple[SetBack, ...]) -> Iterator[str]:
    """Say how often, and by how much, the clock of the computer was set back while a study was read."""
    if not found:
        return
    most = max(each.seconds for each in found) / HOUR
    yield ngettext(
        "The computer's clock was set back {count} time while the study was read, by {hours} hours (at row {row} of "
        "the chain of evidence): dates, and the days of a wash-out, are as it told them; the order of the answers, and "
        "which of them stands, do not rest on it.",
        "The computer's clock was set back {count} times while the study was read, by up to {hours} hours (first at "
        "row {row} of the chain of evidence): dates, and the days of a wash-out, are as it told them; the order of the "
        "answers, and which of them stands, do not rest on it.",
        len(found),
    ).format(count=number(len(found)), hours=number(most, 1), row=number(found[0].row))


def _told(name: str, value: Any, protocol: Protocol, names: Mapping[str, str]) -> str:
    """Say a value of a field of a protocol, as it is or as a bundle has it."""
    if value in (None, "") or value in ((), []):
        return _("none")
    try:
        fields = {
            "name": protocol.name,
            name: asdict(value) if isinstance(value, Drawn | Endpoint) else value,
        }
        known = getattr(protocol_from(fields), name)
    except (EngineError, AttributeError, TypeError):  # of another release
        return str(value)
    if isinstance(known, Drawn):
        return f"{number(known.n)}: {known.words}" if known.n else known.words
    if isinstance(known, Endpoint):
        return replace(protocol, primary=known).primary_words
    if isinstance(known, bool):
        return _("yes") if known else _("no")
    if isinstance(known, float):
        return unitless(known)
    if isinstance(known, int):
        return str(known)
    several = known if isinstance(known, tuple) else (known,)
    if name in ("readers", "adjudicator"):
        return listed(names.get(each, each) for each in several)
    if name == "positive":
        return str(known)
    if name == "indeterminate" and known == "positive":
        return _("counts as positive")
    return _(", ").join(
        _(CHOICES[each]) if each in CHOICES else retold_closely(each) if name == "design" else each
        for each in several
    )
