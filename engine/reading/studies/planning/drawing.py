"""Which cases a study has, in what order each reader gets them, and which show wrong advice: all of it by its seed.

Every draw sorts by a hash of seed, purpose and id: it depends neither on the order in which the cases come nor on the
version of a library, and adding a case moves no other.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.errors import ReviewError
from engine.language import _, isolated, number
from engine.reading.ledger.chain import digest
from engine.reading.studies.planning.designs import Arm, DesignName
from engine.reading.studies.planning.protocol import Drawn

LATER = 1 << 40
"""Where the positions begin of what is read after the wash-out."""
SEQUENTIAL: tuple[DesignName, ...] = ("blind then assisted", "concurrent against second reader")
"""Designs in which a case takes two positions, of which the first may stay empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """An image that a study may have.

    Attributes:
        image_id: Its id.
        label: The one that came with the data.
        part: Of the split.
        predicted: By the run; None without one.
    """

    image_id: str
    label: str | None = None
    part: str | None = None
    predicted: str | None = None


def shuffled(image_ids: Iterable[str], seed: int, purpose: str) -> list[str]:
    """Return ids in the random order of a seed and purpose."""
    return sorted(image_ids, key=lambda image_id: (_place(image_id, seed, purpose), image_id))


def _place(image_id: str, seed: int, purpose: str) -> bytes:
    return hashlib.blake2b(f"{seed}/{purpose}/{image_id}".encode(), digest_size=16).digest()


def draw(
    candidates: Sequence[Candidate],
    drawn: Drawn,
    *,
    positive: str,
    seed: int,
    listed: Iterable[str] | None = None,
) -> tuple[list[str], Drawn]:
    """Draw the cases of a study.

    Args:
        candidates: All there are.
        drawn: How.
        positive: The class that counts as positive.
        seed: Of the study.
        listed: Only these, where they were chosen by id.

    Returns:
        The ids, sorted, and how they were drawn with what came of it.

    Raises:
        ReviewError: There are not as many as are asked for, or none.
    """
    wanted = None if listed is None else set(listed)
    fitting = [each for each in candidates if _fits(each, drawn, wanted)]
    unknown = set() if wanted is None else wanted - {each.image_id for each in fitting}
    if unknown:
        raise ReviewError(
            _("{unknown} of the cases that were listed are not there, such as {example}").format(
                unknown=number(len(unknown)), example=min(unknown)[:12]
            ),
            _("List ids of images that the run or data set has, and that fit what else was chosen"),
        )
    match drawn.rule:
        case "random stratified":
            chosen = stratified(fitting, drawn.n, seed, "cases")
        case "enriched":
            chosen = _enriched(fitting, drawn, positive, seed)
        case _:
            chosen = fitting
    if not chosen:
        raise ReviewError(_("No case fits what was chosen"), _("Choose other parts, classes or ids"))
    ids = sorted(each.image_id for each in chosen)
    known = all(each.label is not None for each in chosen) and bool(positive)
    told = replace(
        drawn,
        n=len(ids),
        listed=wanted is not None,
        positives=sum(each.label == positive for each in chosen) if known else None,
        images=digest(ids),
    )
    return ids, told


def _fits(one: Candidate, drawn: Drawn, wanted: set[str] | None) -> bool:
    return (
        (not drawn.parts or one.part in drawn.parts)
        and (not drawn.labels or one.label in drawn.labels)
        and (not drawn.predicted or one.predicted in drawn.predicted)
        and (wanted is None or one.image_id in wanted)
    )


def stratified(candidates: Sequence[Candidate], n: int, seed: int, purpose: str) -> list[Candidate]:
    """Draw n at random, each label by its share (what is left over by rounding goes to the largest remainders)."""
    _enough(len(candidates), n, _("cases"))
    strata: dict[str | None, list[Candidate]] = {}
    for each in candidates:
        strata.setdefault(each.label, []).append(each)
    exact = {label: n * len(those) / len(candidates) for label, those in strata.items()}
    counts = {label: math.floor(share) for label, share in exact.items()}
    by_remainder = sorted(exact, key=lambda label: (counts[label] - exact[label], str(label)))
    for label in by_remainder[: n - sum(counts.values())]:
        counts[label] += 1
    return [each for label, those in strata.items() for each in _some(those, counts[label], seed, purpose)]


def _enriched(candidates: Sequence[Candidate], drawn: Drawn, positive: str, seed: int) -> list[Candidate]:
    positives = [each for each in candidates if each.label == positive]
    others = [each for each in candidates if each.label not in (positive, None)]
    wanted = round(drawn.n * (drawn.prevalence or 0))
    _enough(len(positives), wanted, _("cases labelled {label}").format(label=isolated(positive)))
    _enough(len(others), drawn.n - wanted, _("cases with another label"))
    return [*_some(positives, wanted, seed, "cases"), *stratified(others, drawn.n - wanted, seed, "cases")]


def _some(candidates: Sequence[Candidate], n: int, seed: int, purpose: str) -> list[Candidate]:
    by_id = {each.image_id: each for each in candidates}
    return [by_id[image_id] for image_id in shuffled(by_id, seed, purpose)[:n]]


def _enough(there: int, wanted: int, what: str) -> None:
    if there < wanted:
        raise ReviewError(
            _("{wanted} {what} are asked for, but there are {there}").format(
                wanted=number(wanted), what=what, there=number(there)
            ),
            _("Ask for fewer, or choose more widely"),
        )


def order(
    design: DesignName, image_ids: Sequence[str], *, reader_id: str, place: int, seed: int, after: int = 0
) -> list[tuple[str, Arm, int]]:
    """Return what a reader reads: image, arm and position, each reader in an order of their own.

    Args:
        design: Of the protocol.
        image_ids: The cases.
        reader_id: Whose order it is.
        place: The reader's place among the readers, from 0: who reads which half in which way takes turns by it.
        seed: Of the study.
        after: How many cases the reader has been given already.
    """
    own = shuffled(image_ids, seed, f"order of {reader_id}")
    if design == "wash-out":
        again = shuffled(image_ids, seed, f"second order of {reader_id}")
        first: list[tuple[str, Arm, int]] = [(image, "blind", after + n) for n, image in enumerate(own)]
        return [*first, *((image, "assisted", LATER + after + n) for n, image in enumerate(again))]
    if design == "blind then assisted":
        second = set(own)
    elif design == "concurrent against second reader":
        second = set(shuffled(image_ids, seed, "halves")[place % 2 :: 2])
    else:
        arm: Arm = "blind" if design == "blind" else "annotation" if design == "annotation" else "assisted"
        return [(image, arm, after + n) for n, image in enumerate(own)]
    told: list[tuple[str, Arm, int]] = []
    for place, image in enumerate(own, after):
        told += [(image, "blind", 2 * place)] if image in second else []
        told.append((image, "assisted", 2 * place + 1))
    return told


def misled(candidates: Sequence[Candidate], share: float, seed: int) -> set[str]:
    """Draw the cases whose advice is to be wrong: of those where the model is right, each label by its share.

    Where the model is wrong already, showing the other class would put it right. Cases without a label, of which
    nobody knows, are drawn from only where no case has one.

    Raises:
        ReviewError: The machine is right on fewer cases than are asked for.
    """
    wanted = round(share * len(candidates))
    labelled = any(each.label is not None for each in candidates)
    right = [each for each in candidates if not labelled or each.label == each.predicted]
    if len(right) < wanted:
        raise ReviewError(
            _("Wrong advice is asked for on {wanted} cases, but the model is right on {right} only").format(
                wanted=number(wanted), right=number(len(right))
            ),
            _("Ask for a smaller share, or draw other cases"),
        )
    return {each.image_id for each in stratified(right, wanted, seed, "wrong advice")} if wanted else set()


def mirrored(
    probabilities: Sequence[float], classes: Sequence[str], predicted: str, margin: float
) -> tuple[str, tuple[float, ...]]:
    """Return the other class and probabilities that go with it, as far beyond the edge as they were on this side.

    Of two classes the log-odds are mirrored at the operating point; of more, the predicted class and the next one
    change places.

    Args:
        probabilities: (C,) as predicted.
        classes: C names.
        predicted: The class that the model predicted.
        margin: Its distance from being the other, in log-odds (`engine.records.margin_of`).
    """
    own = list(classes).index(predicted)
    if len(classes) == 2:
        odds = math.log(max(probabilities[own], 1e-300)) - math.log(max(probabilities[1 - own], 1e-300))
        beyond = min(700.0, max(-700.0, odds - 2 * margin))
        share = 1 / (1 + math.exp(-beyond))
        pair = (share, 1 - share) if own == 0 else (1 - share, share)
        return classes[1 - own], pair
    next_one = max((at for at in range(len(classes)) if at != own), key=lambda at: probabilities[at])
    swapped = list(probabilities)
    swapped[own], swapped[next_one] = swapped[next_one], swapped[own]
    return classes[next_one], tuple(swapped)


def case_number(design: DesignName, position: int) -> int:
    """Return which of a reader's cases stands at a position, from 0."""
    if design in SEQUENTIAL:
        return position // 2
    return position % LATER


def position_of(design: DesignName, arm: Arm, number: int) -> int:
    """Return the position of a reader's case in an arm, by its number from 0."""
    if design in SEQUENTIAL:
        return 2 * number + (arm == "assisted")
    return number + (LATER if design == "wash-out" and arm == "assisted" else 0)


def positions_taken(design: DesignName, positions: Mapping[Arm, int]) -> int:
    """Return how many cases a reader has been given, by the last position in each arm."""
    return max((case_number(design, last) + 1 for last in positions.values()), default=0)
