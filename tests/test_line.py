"""The whole way, on the sample films: from a folder to a clinician-reviewed report."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.data.pixels.masks import read_mask
from engine.pipeline import export_run, report_run
from engine.reading.store import open_store
from engine.records import Review, Run, Verdict
from engine.runs.folder import split_of
from engine.runs.heatmaps import load_explanations, load_map_settings
from engine.saliency.faithfulness import POINTING_TOLERANCE, chance_level, pointing_game
from engine.statistics.ranking import auroc
from engine.workspace import Workspace
from tests.readers import with_readers


def test_the_machine_reads_the_sample_films_and_looks_at_the_findings(walked: tuple[Workspace, Run]) -> None:
    workspace, run = walked
    with open_store(workspace.database) as store:
        predictions = store.predictions(run.run_id, part="test")
    ill = np.array([p.label == run.positive for p in predictions])
    score = np.array([p.probabilities[run.classes.index(run.positive)] for p in predictions])
    assert auroc(ill, score).value > 0.8

    explanations = load_explanations(run.folder)
    samples = [
        s for s in (*split_of(run).test, *split_of(run).val) if s.mask_path and s.label == run.positive
    ]
    masks = {sample.image_id: read_mask(sample) for sample in samples}
    hits = pointing_game(explanations, masks, tolerance=POINTING_TOLERANCE).value
    assert hits > 4 * chance_level(masks)
    for moved in (np.fliplr, np.flipud, np.transpose):  # a heatmap the wrong way round would be noticed
        turned = {key: replace(item, heatmap=moved(item.heatmap)) for key, item in explanations.items()}
        assert pointing_game(turned, masks, tolerance=POINTING_TOLERANCE).value < hits


def test_one_scale_a_run_lets_a_film_without_evidence_look_like_one(walked: tuple[Workspace, Run]) -> None:
    workspace, run = walked
    settings, told = load_map_settings(run.folder), load_explanations(run.folder)
    assert settings is not None
    ill = [sample for sample in split_of(run).val if sample.label == run.positive]
    peaks = [float(told[sample.image_id].heatmap.max()) for sample in ill]
    assert settings.cases == len(ill)
    assert settings.scale == pytest.approx(np.quantile(peaks, 0.9), rel=2e-3)
    with open_store(workspace.database) as store:
        predictions = store.predictions(run.run_id, part="test")
    shown = {True: [], False: []}
    for one in predictions:
        explanation = told[one.image_id]
        assert explanation.scale == settings.scale
        strongest = float(explanation.heatmap.max()) / settings.scale
        p = one.probabilities[run.classes.index(run.positive)]
        if p < 0.05 or p > 0.5:
            shown[p > 0.5].append(strongest)
    assert np.median(shown[False]) < 0.25 < 0.6 < np.median(shown[True])


def test_reviews_make_a_second_reference_standard_beside_the_first(
    own_walk: tuple[Workspace, Run], tmp_path: Path
) -> None:
    workspace, run = own_walk
    with open_store(workspace.database) as store:
        before = report_run(workspace, store, run)
        cases = len(split_of(run).test)  # all of them: figures of a few that somebody chose are counts alone
        with_readers(store, "r")
        for number in range(cases):
            case = store.first(run.run_id, "not yet read", "r", part="test")
            assert case is not None
            other = next(name for name in run.classes if name != case.predicted)
            store.add_review(
                Review(
                    run_id=run.run_id,
                    image_id=case.image_id,
                    reader="r",
                    verdict=Verdict.OVERRULE if number < 2 else Verdict.AGREE,
                    label=other if number < 2 else case.predicted,
                )
            )
        after = report_run(workspace, store, run)
        original, reviewed = after.against
        assert original.estimates == before.against[0].estimates, "reviews never touch the first standard"
        assert reviewed.estimates["accuracy"].value == pytest.approx((cases - 2) / cases)

        exported = export_run(workspace, after, run, store.predictions(run.run_id), tmp_path / "report")
    html = exported["html"]["report"].read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["']https?:""", html), "one self-contained file"
    assert "<svg" in html
    assert "data:image/" in html
    figures = json.loads(exported["json"]["report"].read_text(encoding="utf-8"))
    assert figures["against"][1]["estimates"]["accuracy"]["value"] == pytest.approx((cases - 2) / cases)
    with exported["csv"]["cases"].open(encoding="utf-8-sig", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == len(split_of(run).test)
