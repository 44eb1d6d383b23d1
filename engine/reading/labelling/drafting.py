"""From what readers said of an image to its label, by a rule; what does not become one is said and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from engine.errors import ReviewError
from engine.records import LABEL_RULES, LabelRow, LabelRule, LabelSource

DISAGREE = "readers disagree"
UNSURE = "unsure or not diagnostic"
TEST_CASE = "test case: its label is corrected by a blinded reading alone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What one reader said last of one image.

    Attributes:
        image_id: Of the image.
        reader: By name.
        label: The reader's class; None for unsure or not diagnostic.
        answer: The row of the answer in the chain of evidence.
    """

    image_id: str
    reader: str
    label: str | None
    answer: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A version that is not stored yet.

    Attributes:
        parent: The version that it changes.
        source: Where it comes from.
        made_from: The run or study.
        rule: How several readers became one label.
        readers: By name.
        rows: One for each image that was read.
        changed: Those whose label is another one than the parent's.
        kept: Why readings did not become a label → of how many images.
        locked: Test cases, which are never trained on.
    """

    parent: int
    source: LabelSource
    made_from: str
    rule: str
    readers: tuple[str, ...]
    rows: tuple[LabelRow, ...]
    changed: tuple[str, ...]
    kept: Mapping[str, int]
    locked: frozenset[str] = frozenset()


def draft(
    before: Mapping[str, str | None],
    said: Iterable[Said],
    *,
    parent: int,
    source: LabelSource,
    made_from: str,
    rule: LabelRule = "majority",
    settled: Mapping[str, str | None] | None = None,
    locked: Collection[str] = (),
    may_change: Collection[str] = (),
    unlabel: bool = False,
) -> Draft:
    """Work out what readings make of the labels before them.

    Args:
        before: The parent's labels by image id, of every image of the data set.
        said: The last word of each reader on each image; images of other data are passed over.
        parent: The parent's number.
        source: Where the readings come from.
        made_from: The run or study.
        rule: "majority": what more than half of those who named a class say. "unanimous": what all who read it say.
        settled: Labels by image where a study's own rule has settled them; None leaves that to `rule`.
        locked: Test cases; their labels stay, but for those that `may_change`.
        may_change: Test cases whose labels these readings may correct.
        unlabel: Whether an image whose readings do not become a label loses the one that it has.

    Raises:
        ReviewError: There is no such rule.
    """
    if rule not in LABEL_RULES:
        raise ReviewError(f"There is no rule “{rule}”", f"Choose one of: {', '.join(LABEL_RULES)}")
    of_image: dict[str, list[Said]] = {}
    for one in said:
        if one.image_id in before:
            of_image.setdefault(one.image_id, []).append(one)
    protected = set(locked) - set(may_change)
    rows = []
    for image_id, words in sorted(of_image.items()):
        if settled is not None:
            label, reason = settled.get(image_id), ""
            reason = "" if label is not None else _why_not(words)
        else:
            label, reason = _by_rule(words, rule)
        if image_id in protected and (reason or label != before[image_id]):
            label, reason = before[image_id], reason or TEST_CASE
        elif reason:
            label = None if unlabel else before[image_id]
        answers = tuple(sorted(one.answer for one in words))
        rows.append(LabelRow(image_id=image_id, label=label, answers=answers, reason=reason))
    return Draft(
        parent=parent,
        source=source,
        made_from=made_from,
        rule="" if settled is not None else rule,
        readers=tuple(sorted({one.reader for words in of_image.values() for one in words})),
        rows=tuple(rows),
        changed=tuple(row.image_id for row in rows if row.label != before[row.image_id]),
        kept=dict(sorted(Counter(row.reason for row in rows if row.reason).items())),
        locked=frozenset(locked),
    )


def _by_rule(words: list[Said], rule: LabelRule) -> tuple[str | None, str]:
    """Return the label, or none and why."""
    named = Counter(one.label for one in words if one.label is not None)
    needed = len(words) if rule == "unanimous" else named.total() // 2 + 1
    label, count = named.most_common(1)[0] if named else (None, 0)
    return (label, "") if label is not None and count >= needed else (None, _why_not(words))


def _why_not(words: list[Said]) -> str:
    return DISAGREE if len({one.label for one in words}) > 1 else UNSURE
