"""Labels from a study: its consensus becomes a version, and test cases are read again blind beside a random control.

Who reads the test cases that a model doubts, and corrects those alone, moves the test towards the model. So as many
others, drawn at random, are read with them, in an order of each reader's own, and nobody who reads is told which is
which: how often labels change among the control says how many wrong ones the rest of the test part still has.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from engine.data import load_index
from engine.errors import ReviewError
from engine.labels.making import came_with, labels_of, versions_of
from engine.labels.searching import keep_search
from engine.language import count_of, in_print
from engine.reading import DESIGNS, Draft, Drawn, Protocol, Said, Store, Study, draft
from engine.records import Estimate, LabelSource, Run
from engine.workspace import Workspace

KINDS = ("suspect", "control")


def draft_from_study(
    workspace: Workspace, store: Store, study: Study, *, parent: int | None = None, unlabel: bool = False
) -> Draft:
    """Work out what a study's consensus changes in the labels of its data set.

    Test cases of its run change only where they were read blind, and were drawn by nothing that the model said: all,
    at random, by their label, or as suspects beside a control.

    Args:
        workspace: Holds the data set.
        store: With the study.
        study: Closed or not: what all its readers have read counts.
        parent: The version that is changed; None means the newest.
        unlabel: Whether an image without consensus loses the label that it has.

    Raises:
        DataError: The data set is gone.
    """
    protocol, study_id = study.protocol, study.study_id
    dataset_id = dataset_of(store, study)
    index = load_index(workspace, dataset_id)
    number = versions_of(store, index)[-1].number if parent is None else parent
    settled = store.studies.consensus(study_id)
    blinded = DESIGNS[protocol.design].consensus != "assisted"
    source: LabelSource = "blinded consensus" if blinded else "assisted"
    if blinded and protocol.consensus == "adjudicated":
        source = "adjudicated"
    tested = set() if protocol.run_id is None else _test_cases(store, protocol.run_id)
    return draft(
        labels_of(store, index, number),
        [one for one in _said(store, study) if one.image_id in settled],
        parent=number,
        source=source,
        made_from=study_id,
        settled=settled,
        locked=tested,
        may_change=tested if blinded and _drawn_without_the_model(store, study) else (),
        unlabel=unlabel,
    )


def dataset_of(store: Store, study: Study) -> str:
    """Return the data set whose images a study reads.

    Raises:
        StoreError: Its run is not there.
    """
    protocol = study.protocol
    return protocol.dataset_id or store.run(protocol.run_id or "").dataset_id


def _test_cases(store: Store, run_id: str) -> set[str]:
    return {case.image_id for case in store.predictions(run_id, part="test")}


def _drawn_without_the_model(store: Store, study: Study) -> bool:
    drawn = study.protocol.drawn
    if drawn.predicted:
        return False
    return not drawn.listed or set(store.labels.drawn_as(study.study_id)) == set(
        store.studies.images(study.study_id)
    )


def _said(store: Store, study: Study) -> list[Said]:
    """Return the answers behind a consensus: of its arm and of the adjudicator, none of them contaminated."""
    arms = {DESIGNS[study.protocol.design].consensus, "adjudication"}
    names = {person.reader_id: person.name for person in store.people()}
    return [
        Said(
            image_id=answer.image_id,
            reader=names.get(answer.reader, answer.reader),
            label=answer.label,
            answer=answer.seq or 0,
        )
        for answer in store.studies.answers(study.study_id)
        if answer.arm in arms and answer.stands and not answer.contaminated
    ]


# ---------------------------------------------------------------------------------------- suspects and control


def begin_rereading(
    workspace: Workspace,
    store: Store,
    run: Run,
    *,
    readers: tuple[str, ...],
    n: int = 20,
    name: str = "",
    seed: int = 0,
    device: str = "auto",
) -> Study:
    """Make a blind study of the test cases whose label is most doubtful, and of as many others drawn at random.

    Args:
        workspace: Holds the data set and the cache.
        store: Gets the study.
        run: Whose test part it is.
        readers: By name or id.
        n: Suspects at most; fewer where fewer labels are doubted.
        name: Of the study; one is made where it is empty. It must not say what the cases are: readers see it.
        seed: Of the control, and of each reader's order.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ReviewError: No label is doubted, or there are too few other cases for a control.
    """
    from engine.labels.suspicion import suspects_of_run  # with it comes torch

    found = suspects_of_run(workspace, store, run, parts=("test",), device=device)
    chosen = [one for one in found if one.suspected][:n]
    others = sorted((one for one in found if one not in chosen), key=lambda one: one.image_id)
    if not chosen:
        raise ReviewError(
            f"No label of the {len(found):,} test cases is doubted: of each its own class is the likeliest",
            "There is nothing to read again",
        )
    if len(others) < len(chosen):
        raise ReviewError(
            f"{len(chosen):,} suspects need as many other test cases beside them, and there are {len(others):,}"
            if len(chosen) > 1
            else "One suspect needs another test case beside it, and there is none",
            "Ask for fewer",
        )
    control = random.Random(seed).sample(others, len(chosen))
    drawn = {one.image_id: ("suspect", one.suspicion) for one in chosen}
    drawn |= {one.image_id: ("control", one.suspicion) for one in control}
    protocol = Protocol(
        name=name or f"reading {run.run_id} {len(store.studies.all()) + 1}",
        design="blind",
        run_id=run.run_id,
        readers=readers,
        drawn=Drawn(rule="filter", parts=("test",)),
        consensus="majority",
        seed=seed,
    )
    study = store.studies.create(protocol, image_ids=list(drawn))
    store.labels.drawn_again(study.study_id, run.run_id, drawn)
    keep_search(run, found, study_id=study.study_id)
    return study


@dataclass(frozen=True, kw_only=True, slots=True)
class Rereading:
    """What came of a blind re-reading.

    Attributes:
        changed: Share of the labels that the readers' consensus changes, by group: "suspect" and "control".
        difference: Suspects minus control.
        open: Cases by group that not every reader has read, or on which there is no consensus.
    """

    changed: dict[str, Estimate]
    difference: Estimate
    open: dict[str, int]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found in each group, and what the control says of the rest of the test part."""
        words = [
            f"{'Suspects' if kind == 'suspect' else 'Controls'}: {round(one.value * one.n) if one.n else 0:,} of "
            f"{count_of(one.n, 'label')} changed"
            + (f" ({_two(one.value)}, 95% interval {_two(one.low)} to {_two(one.high)})" if one.n else "")
            + (f"; {self.open[kind]:,} not read by all or without consensus" if self.open[kind] else "")
            + "."
            for kind, one in self.changed.items()
        ]
        control = self.changed["control"]
        if control.n:
            words.append(
                f"Among test cases that were not suspected, a share of {_two(control.low)} to {_two(control.high)} of "
                "the labels would change as well, as far as the control says: correcting the suspects alone leaves "
                "these."
            )
        return tuple(words)


def result_of_rereading(workspace: Workspace, store: Store, study: Study) -> Rereading:
    """Return how many labels a blind re-reading changes among the suspects and among their control.

    Raises:
        ReviewError: The study is no such re-reading.
    """
    from engine.statistics import independent_difference, proportion  # with them comes scipy

    group = store.labels.drawn_as(study.study_id)
    if not group:
        raise ReviewError(
            f"The study “{study.name}” holds no suspects with a control",
            "Make a study of them",
            option="overread labels reread RUN",
            fields=("Studies",),
        )
    index = load_index(workspace, dataset_of(store, study))
    cases = {case.image_id: case for case in store.predictions(study.protocol.run_id or "", part="test")}
    labels = {name: case.label for name, case in cases.items()} or came_with(index)
    settled = store.studies.consensus(study.study_id)
    changed, unsettled = {}, {}
    for kind in KINDS:
        those = sorted(name for name, drawn in group.items() if drawn == kind)
        read = [name for name in those if settled.get(name) is not None]
        changed[kind] = proportion(
            [settled[name] != labels[name] for name in read], [cases[name].patient_id for name in read]
        )
        unsettled[kind] = len(those) - len(read)
    difference = independent_difference(changed["suspect"], changed["control"])
    return Rereading(changed=changed, difference=difference, open=unsettled)


def _two(share: float) -> str:
    return in_print(share, ".2f")
