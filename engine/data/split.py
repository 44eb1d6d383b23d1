"""Training, validation and test: by patient, stratified by class, decided by one seed.

The classic error of this field is one patient, or copies of one image, in two parts. Here the unit is never
the image: all images of a patient, and of patients whose images look like one image, move together.
Augmentation and balancing come after this and touch training data alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.data.checks import MIN_PATIENTS
from engine.data.columns.samples import ids_of
from engine.data.patients import patients_named, unit_words
from engine.errors import SplitError
from engine.language import count_of
from engine.records import PARTS, DataIssueKind, Index, Part, Sample, Split

LARGEST_SEED = 2**32 - 1
"""What the generators of a training take, which begins with the seed of its split."""

_WORDS: dict[Part, str] = {"train": "training", "val": "validation", "test": "test"}
MIN_GIVEN_VAL = 10  # cases of each class; an operating point chosen on fewer is noise


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    """What must stay together: a patient's cases, and those of patients with a near-duplicate image."""

    rank: str  # decides the order among groups of a size; depends on seed and content, not on order
    samples: tuple[Sample, ...]
    counts: Counter[str]


def split_index(
    index: Index,
    *,
    ratios: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int = 0,
    use_given: bool | None = None,
) -> Split:
    """Split the labelled samples of an index into training, validation and test.

    The parts that came with the data are kept: what came as test is never trained on. Where validation or test did
    not come, or validation has fewer than 10 cases of a class, they are carved by patient out of training. Cases that
    no part came with are left out, and so are training cases of patients (or near duplicates) that are also in
    another part; `Split.method` says how many.

    Args:
        index: Unlabelled samples are left out.
        ratios: Shares of training, validation and test; above 0, summing to 1.
        seed: Equal data, ratios and seed give an equal split, whatever the order of the samples.
        use_given: True asks for training and test as they came, False sets the parts that came aside, None keeps
            those that came.

    Returns:
        Parts that share no patient, each with every class.

    Raises:
        SplitError: A seed that is none, fewer than two classes, a class too small for every part, ratios that are
            none, no given parts where they are asked for, or a test part that came without a training part.
    """
    if len(ratios) != 3 or min(ratios) <= 0 or abs(sum(ratios) - 1) > 1e-6:
        raise SplitError(
            f"The ratios {ratios} cannot be used",
            "Give three shares above 0 that sum to 1, such as 0.6, 0.2, 0.2",
        )
    groups = _groups(index, seed)
    came = Counter(sample.part for group in groups for sample in group.samples if sample.part is not None)
    if use_given and not {"train", "test"} <= came.keys():
        raise SplitError(
            "The data did not come with both a training and a test part",
            "Let Overread make a new split instead",
        )
    if use_given is not False and came.keys() - {"train"}:
        if not came["train"]:
            parts = "; ".join(
                f"{count_of(came[part], 'case')} as the {_WORDS[part]} part" for part in PARTS if came[part]
            )
            raise SplitError(
                f"The data came with no training part: {parts}",
                "Say which images are for training, or make a new split",
                option="--part-names, or --by-patient",
            )
        return _given(index, groups, ratios, seed)
    _check_sizes(index, groups, 3)
    train, val, test = _assign(groups, index.classes, ratios, seed)
    shares = "/".join(f"{100 * ratio:g}" for ratio in ratios)
    return _split(index, train, val, test, seed, f"{shares} {_unit(groups)}, stratified by class")


def limit_training(split: Split, most: int, *, seed: int = 0) -> Split:
    """Keep at most so many training samples: of each class its share, patient after patient in an order by seed.

    What a smaller limit keeps, a larger one keeps too. Validation and test stay as they are.

    Args:
        split: Of any data.
        most: How many to keep; 0 means all.
        seed: Decides which patients come first.

    Raises:
        SplitError: Fewer than one sample a class would be left.
    """
    if most == 0 or most >= len(split.train):
        return split
    if most < len(split.classes):
        raise SplitError(
            f"{count_of(most, 'training image')} cannot hold {len(split.classes)} classes",
            "Raise train_limit, or set it to 0 for all images",
        )

    def rank(sample: Sample) -> tuple[str, str]:
        patient = hashlib.sha256(f"{seed} {sample.patient_id}".encode()).hexdigest()
        return patient, sample.image_id

    of_class = {name: sorted((s for s in split.train if s.label == name), key=rank) for name in split.classes}
    places = [
        ((place + 0.5) / len(samples), name, sample.image_id)
        for name, samples in of_class.items()
        for place, sample in enumerate(samples)
    ]
    first = {samples[0].image_id for samples in of_class.values() if samples}  # no class is left out
    places.sort(key=lambda entry: (entry[2] not in first, entry))
    kept = {image_id for _, _, image_id in places[:most]}
    return replace(
        split,
        train=tuple(sample for sample in split.train if sample.image_id in kept),
        method=f"{split.method}; {most:,} training cases kept",
    )


def k_folds(index: Index, *, k: int = 5, seed: int = 0) -> Iterator[Split]:
    """Split the labelled samples into k folds by patient; each is the test part once, the next one
    validation.

    Args:
        index: Unlabelled samples are left out.
        k: At least 3.
        seed: See `split_index`.

    Yields:
        k splits; every case is in the test part of exactly one.

    Raises:
        SplitError: A seed that is none, k is too small, or a class has fewer than k patients.
    """
    if k < 3:
        raise SplitError(
            f"A cross-validation takes 3 folds at least, for training, validation and test; asked for: {k}",
            "Choose 3 folds or more; 5 and 10 are usual",
        )
    groups = _groups(index, seed)
    _check_sizes(index, groups, k)
    folds = _assign(groups, index.classes, (1 / k,) * k, seed)
    for number in range(k):
        following = (number + 1) % k
        train = [group for fold in range(k) if fold not in (number, following) for group in folds[fold]]
        method = f"fold {number + 1} of {k} {_unit(groups)}, stratified by class"
        yield _split(index, train, folds[following], folds[number], seed, method)


def all_folds(index: Index, folds: Sequence[Split]) -> Split:
    """Return what a cross-validation tests: every labelled case, in the test part; for its report and its queues.

    Args:
        index: The data.
        folds: Of `k_folds`.
    """
    cases = tuple(sample for sample in index.samples if sample.label is not None)
    k = len(folds)
    method = (
        f"{k} folds {unit_words(patients_named(cases))}, stratified by class: each image is tested once, by the model "
        f"that was trained on {k - 2} of the other folds and tuned on the remaining one"
    )
    if any(sample.part is not None for sample in cases):
        method += "; the parts that came with the data were set aside"
    return Split(train=(), val=(), test=cases, classes=index.classes, seed=folds[0].seed, method=method)


def kept_together(index: Index) -> list[tuple[Sample, ...]]:
    """Return what no split divides: the labelled images of a patient, with those of near-duplicate images."""
    return [group.samples for group in _groups(index, 0)]


# --------------------------------------------------------------------------------------- what must stay
# together


def _groups(index: Index, seed: int) -> list[_Group]:
    if not 0 <= seed <= LARGEST_SEED:
        raise SplitError(
            f"{seed} is not a seed of a split", f"Choose a whole number from 0 to {LARGEST_SEED:,}"
        )
    from scipy.cluster.hierarchy import DisjointSet  # here, because it takes a quarter of a second

    labelled = [sample for sample in index.samples if sample.label is not None]
    first_of: dict[str, int] = {}
    row_of = {sample.path: row for row, sample in enumerate(labelled)}
    linked = DisjointSet(range(len(labelled)))
    for row, sample in enumerate(labelled):
        linked.merge(row, first_of.setdefault(sample.patient_id, row))
    for issue in index.issues:
        if issue.kind is DataIssueKind.NEAR_DUPLICATE:
            rows = [row_of[path] for path in issue.paths if path in row_of]
            for row in rows[1:]:
                linked.merge(rows[0], row)
    return [_group([labelled[row] for row in sorted(rows)], seed) for rows in linked.subsets()]


def _group(samples: Sequence[Sample], seed: int) -> _Group:
    name = f"{seed}\t{min(sample.image_id for sample in samples)}"
    return _Group(
        rank=hashlib.sha256(name.encode()).hexdigest(),
        samples=tuple(samples),
        counts=Counter(sample.label for sample in samples if sample.label is not None),
    )


def _unit(groups: Sequence[_Group]) -> str:
    return unit_words(patients_named(sample for group in groups for sample in group.samples))


def _check_sizes(index: Index, groups: Sequence[_Group], parts: int) -> None:
    if len(index.classes) < 2:
        another = "another class, in a folder of their own" if index.classes else "each class in a folder"
        raise SplitError(
            "There is only one class" if index.classes else "No image has a label",
            f"Add images of {another}, or with their label in the table",
        )
    held = Counter(label for group in groups for label in group.counts)
    for name in index.classes:
        if held[name] < parts:
            named = patients_named(s for group in groups for s in group.samples if s.label == name).named
            n = held[name]
            raise SplitError(
                f"Class {name} has cases of {count_of(n, 'patient')} and needs {parts}, one for each part"
                if named
                else f"Class {name} has {count_of(n, 'case')} and needs {parts}, one for each part",
                "Add cases of it, leave it out, or choose fewer folds"
                if parts > MIN_PATIENTS
                else "Add cases of it or leave it out",
            )


# ---------------------------------------------------------------------------------------------- who goes
# where


def _assign(
    groups: Sequence[_Group], classes: Sequence[str], ratios: Sequence[float], seed: int
) -> list[list[_Group]]:
    """Give each group to the part that lacks most of its classes, the largest groups first.

    The seed decides the order among groups of like size (within a factor of two). A part that is left
    without a class then gets a group of it from a part that has others.

    Returns:
        The groups of each part.

    Raises:
        SplitError: Patients with several classes make it impossible to have each class in every part.
    """
    totals: Counter[str] = Counter()
    for group in groups:
        totals.update(group.counts)
    held = [dict.fromkeys(totals, 0) for _ in ratios]
    parts: list[list[_Group]] = [[] for _ in ratios]

    def cost_of_adding(group: _Group, part: int) -> float:
        """Change of the sum over classes of (share held - share wanted)² / share wanted.

        Divided, so that parts fill at an even pace: else the largest patients would always come to training.
        """
        return sum(
            share * (2 * (held[part][name] / totals[name] - ratios[part]) + share) / ratios[part]
            for name, share in ((name, number / totals[name]) for name, number in group.counts.items())
        )

    def move(group: _Group, part: int, sign: int) -> None:
        for name, number in group.counts.items():
            held[part][name] += sign * number
        if sign > 0:
            parts[part].append(group)
        else:
            parts[part].remove(group)

    for group in sorted(groups, key=lambda group: (-group.counts.total().bit_length(), group.rank)):
        move(group, min(range(len(ratios)), key=lambda part: cost_of_adding(group, part)), +1)

    for part in range(len(ratios)):
        for name in sorted(totals):
            if held[part][name]:
                continue
            spare = [
                (group.counts.total(), group.rank, giver, group)
                for giver in range(len(ratios))
                for group in parts[giver]
                if group.counts[name]
                and all(held[giver][other] > group.counts[other] for other in group.counts)
            ]
            if not spare:
                raise SplitError(
                    f"Class {name} cannot be in every part, because its patients also have other classes",
                    "Add cases of it or leave it out",
                )
            _, _, giver, group = min(spare, key=lambda entry: entry[:2])
            move(group, giver, -1)
            move(group, part, +1)
    return parts


def _given(index: Index, groups: Sequence[_Group], ratios: tuple[float, float, float], seed: int) -> Split:
    """Keep the parts that came with the data, but never a patient in two parts: test goes before val before train."""
    kept: dict[Part, list[_Group]] = {part: [] for part in PARTS}
    without = crossing = 0
    for group in groups:
        parts: set[Part] = {sample.part for sample in group.samples if sample.part is not None}
        without += sum(sample.part is None for sample in group.samples)
        if parts:
            part = max(parts, key=PARTS.index)
            samples = [sample for sample in group.samples if sample.part == part]
            crossing += sum(sample.part not in (part, None) for sample in group.samples)
            kept[part].append(_group(samples, seed))
    method = "the parts that came with the data"
    carved = _carve(index, kept, ratios, seed)
    if carved:
        method += f", {carved} from training"
    if crossing:
        one = "case left out whose patient or near duplicate is"
        several = "cases left out whose patients or near duplicates are"
        method += f", {count_of(crossing, one, several)} in another part"
    if without:
        left_out = count_of(without, "case left out because it", "cases left out because they")
        method += f", {left_out} came with no part"
    return _split(index, kept["train"], kept["val"], kept["test"], seed, method)


def _carve(
    index: Index, kept: dict[Part, list[_Group]], ratios: tuple[float, float, float], seed: int
) -> str:
    """Take validation and test out of training where they did not come, and say so; what came as test stays."""
    val = Counter(label for group in kept["val"] for label in group.counts.elements())
    wanted: list[Part] = []
    if any(val[name] < MIN_GIVEN_VAL for name in index.classes):
        wanted.append("val")
    if not kept["test"]:
        wanted.append("test")
    if not wanted:
        return ""
    pool = kept["train"] + (kept["val"] if "val" in wanted else [])
    parts: list[Part] = ["train", *wanted]
    shares = [ratios[PARTS.index(part)] for part in parts]
    shares = [share / sum(shares) for share in shares]
    _check_sizes(index, pool, len(parts))
    for part, groups in zip(parts, _assign(pool, index.classes, shares, seed), strict=True):
        kept[part] = groups
    said = [f"{_WORDS[part]} ({100 * share:g}%)" for part, share in zip(wanted, shares[1:], strict=True)]
    return f"{' and '.join(said)} taken {_unit(pool)}"


def _split(
    index: Index,
    train: Sequence[_Group],
    val: Sequence[_Group],
    test: Sequence[_Group],
    seed: int,
    method: str,
) -> Split:
    parts: list[tuple[Sample, ...]] = []
    order = {image_id: row for row, image_id in enumerate(ids_of(index.samples))}
    for name, groups in zip(PARTS, (train, val, test), strict=True):
        samples = [sample for group in groups for sample in group.samples]
        parts.append(tuple(sorted(samples, key=lambda sample: order[sample.image_id])))
        missing = set(index.classes) - {sample.label for sample in parts[-1]}
        if missing or len(index.classes) < 2:
            raise SplitError(
                f"The {name} part has no case of {', '.join(sorted(missing))}"
                if missing
                else "There is only one class",
                "Let Overread make a new split instead, or add cases",
            )
    return Split(train=parts[0], val=parts[1], test=parts[2], classes=index.classes, seed=seed, method=method)
