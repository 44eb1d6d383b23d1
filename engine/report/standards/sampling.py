"""How the cases that readers read were drawn, and so for which cases figures against the reviewed labels hold.

A queue in random order gives a random sample as far as it was read; a queue of errors or of uncertain cases gives its
first cases, all of them, for what they are. Where both were read, each case's chance of being read is known, and
figures can be weighted. A case that was passed over, or that a reader went to, was chosen by the reader.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.language import _, counted, ngettext, number
from engine.reading import QUEUES, Queue, random_place
from engine.records import Prediction, Review, Run, margin_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """How the cases with an answer were drawn.

    Attributes:
        kind: "all" were read; "random": those read are a random sample; "weighted": some were read for what they are
            and a random sample of the others; "selected": the reader's choice, or nobody knows.
        note: What must stand beside every number; empty where nothing must.
        sentence: The same as a sentence, with reasons.
        certain: Image ids of the cases that were drawn for what they are; empty unless the kind is "weighted".
    """

    kind: Literal["all", "random", "weighted", "selected"] = "all"
    note: str = ""
    sentence: str = ""
    certain: frozenset[str] = frozenset()


def sampling_of(
    run: Run, predictions: Sequence[Prediction], reviews: Sequence[Review], answers: Mapping[str, str]
) -> Sampling:
    """Say how the reviewed cases of a report were drawn.

    Args:
        run: Whose predictions they are.
        predictions: Of all cases of the report.
        reviews: Of these and perhaps other cases.
        answers: Image id → class, of the cases that readers gave one.
    """
    everything = {each.image_id: each for each in predictions}
    spoken = [each for each in reviews if each.image_id in everything]
    read = {each.image_id for each in spoken}
    undecided = len(read) - len(answers)
    left_out = _("{count} without a class left out").format(count=number(undecided)) if undecided else ""
    without = (
        " "
        + _("Without {cases} that readers gave no class or did not agree on: often the hard ones.").format(
            cases=counted(undecided, "case")
        )
        if undecided
        else ""
    )
    if read == everything.keys():
        return Sampling(note=left_out, sentence=without.strip())
    certain, drawn, titles = _designed(run, everything, spoken)
    reasons = _against(read, certain, drawn, spoken)
    if not reasons and not certain:
        note = _("random {some} of {all}").format(some=number(len(read)), all=number(len(everything)))
        sentence = (
            ngettext(
                "The {cases} read is a random sample of the {all}: within their intervals the figures hold for all of "
                "them.",
                "The {cases} read are a random sample of the {all}: within their intervals the figures hold for all "
                "of them.",
                len(read),
            ).format(cases=counted(len(read), "case"), all=number(len(everything)))
            + without
        )
        return Sampling(kind="random", note=_("; ").join(filter(None, (note, left_out))), sentence=sentence)
    if not reasons and not drawn:
        reasons = [_("they were drawn for what they are ({queues})").format(queues=titles)]
    if reasons:
        sentence = (
            _("These are counts of the {cases} read, not figures for all {all}, because {reasons}.").format(
                cases=counted(len(read), "case"), all=number(len(everything)), reasons=_("; ").join(reasons)
            )
            + without
        )
        return Sampling(
            kind="selected", note=_("; ").join(filter(None, (_("counts only"), left_out))), sentence=sentence
        )
    others = len(everything) - len(certain)
    sentence = (
        ngettext(
            "{cases} was drawn for what they are ({queues}), and {some} of the other {all} at random: each of these "
            "stands for {share} cases (after Begg and Greenes, doi:10.2307/2530820). Counts are of the cases read.",
            "{cases} were drawn for what they are ({queues}), and {some} of the other {all} at random: each of these "
            "stands for {share} cases (after Begg and Greenes, doi:10.2307/2530820). Counts are of the cases read.",
            len(certain),
        ).format(
            cases=counted(len(certain), "case"),
            queues=titles,
            some=number(len(drawn)),
            all=number(others),
            share=number(others / len(drawn), 1),
        )
        + without
    )
    return Sampling(
        kind="weighted",
        note=_("; ").join(filter(None, (_("weighted"), left_out))),
        sentence=sentence,
        certain=frozenset(certain),
    )


def _designed(
    run: Run, everything: Mapping[str, Prediction], reviews: Sequence[Review]
) -> tuple[set[str], set[str], str]:
    """Return the cases due by queues that choose, those of the others due by random ones, and the former's titles."""
    certain: set[str] = set()
    titles: list[str] = []
    deepest = -1
    for name, queue in QUEUES.items():
        here = [each.image_id for each in reviews if each.queue == name and each.drawn == "in order"]
        if not here or queue.verdicts or queue.sought:
            continue
        if queue.random:
            deepest = max(deepest, *(random_place(run.run_id, image_id) for image_id in here))
            continue
        furthest = max(_place(run, queue, everything[image_id]) for image_id in here)
        certain |= {
            each.image_id
            for each in everything.values()
            if _held(run, queue, each) and _place(run, queue, each) <= furthest
        }
        titles.append(_(queue.title) or name)
    drawn = {
        image_id
        for image_id in everything
        if image_id not in certain and random_place(run.run_id, image_id) <= deepest
    }
    return certain, drawn, _(", ").join(titles)


def _held(run: Run, queue: Queue, case: Prediction) -> bool:
    """Return whether a queue that draws cases for what they are holds a case."""
    if queue.wrong and (case.label is None or case.label == case.predicted):
        return False
    return queue.above is None or COLUMNS[queue.above[0]](run, case) > queue.above[1]


def _confidence(run: Run, case: Prediction) -> float:
    return case.probabilities[run.classes.index(case.predicted)]


def _margin(run: Run, case: Prediction) -> float:
    if case.margin is not None:
        return case.margin
    return margin_of(
        case.probabilities,
        run.classes.index(case.predicted),
        positive=run.classes.index(run.positive),
        threshold=run.threshold,
    )


COLUMNS: dict[str, Callable[[Run, Prediction], float]] = {
    "confidence": _confidence,
    "margin": _margin,
    "entropy": lambda run, case: case.entropy,
    "distance": lambda run, case: -math.inf if case.distance is None else case.distance,
    "position": lambda run, case: random_place(run.run_id, case.image_id),
}
"""Column that queues sort by → its value for a case."""


def _place(run: Run, queue: Queue, case: Prediction) -> tuple[float, ...]:
    """Return where in a queue's order a case comes."""
    return tuple(
        -COLUMNS[name](run, case) if queue.descending else COLUMNS[name](run, case) for name in queue.order_by
    )


def _against(
    read: Collection[str], certain: set[str], drawn: set[str], reviews: Sequence[Review]
) -> list[str]:
    """Say why the cases read are neither a random sample nor one that can be weighted; empty where they are."""
    told = {each.image_id for each in reviews if each.queue}
    stray = set(read) - certain - drawn
    unknown, sought = len(stray - told), len(stray & told)
    passed = len((certain | drawn) - set(read))
    return [
        said
        for count, said in (
            (
                unknown,
                ngettext(
                    "how {count} of them was drawn was not kept",
                    "how {count} of them were drawn was not kept",
                    unknown,
                ).format(count=number(unknown)),
            ),
            (sought, _("readers chose {count} of them").format(count=number(sought))),
            (
                passed,
                ngettext(
                    "{cases} whose turn it was was not read",
                    "{cases} whose turn it was were not read",
                    passed,
                ).format(cases=counted(passed, "case")),
            ),
        )
        if count
    ]
