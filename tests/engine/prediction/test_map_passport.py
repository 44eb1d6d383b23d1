"""A run's passport on planted evidence: a map that follows the net passes, one that does not fails, few say nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.images import open_cache
from engine.models import Classifier, build_classifier, in_unit
from engine.prediction import map_passport, map_trials, predictor
from engine.prediction.looking import Looker
from engine.prediction.map_passport import FORGOTTEN_IMAGES, MOST_IMAGES, make_passport
from engine.prediction.map_trials import TAKEN_IMAGES
from engine.records import Calibration, Head, Passport, Recipe, Run, Sample
from engine.report import passport_in_words
from engine.saliency import CHECKS, SALIENCIES, Answer, failed, figures_of, forget, verdict
from engine.saliency.method_record import Method
from tests.planted import SIDE, bright_film, reader_of_bright_places


def image_id(folder: Path, number: int) -> str:
    return sha256((folder / f"film-{number}.png").read_bytes()).hexdigest()


Make = Callable[..., Passport]
CLASSES = ("normal", "opacity")


def a_run(folder: Path, classes: tuple[str, ...] = CLASSES, **recipe: object) -> Run:
    made = Recipe(
        name="planted", title="", source="", backbone="x", weights="random", image_size=SIDE, channels=1
    )
    return Run(
        run_id="planted", folder=folder, dataset_id="0" * 12, dataset_name="", recipe=replace(made, **recipe),  # type: ignore[arg-type]
        classes=classes, positive=classes[-1], threshold=0.5 if len(classes) == 2 else float("nan"),
        calibration=Calibration(), weights_source="", device="cpu", created=datetime(2026, 1, 1, tzinfo=UTC), seconds=1,
        parameters=1, trained_parameters=1,
    )  # fmt: skip


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make the passport of a net on films that are drawn for it; every other one has a square, its mask beside it."""

    def make(
        net: Classifier,
        count: int = 48,
        *,
        classes: tuple[str, ...] = CLASSES,
        masks: bool = True,
        patients: int | None = None,
        **more: object,
    ) -> Passport:
        samples = []
        for number in range(count):
            label = classes[number % len(classes)]
            film, mask = bright_film(number, ill=label == classes[-1])
            if more.get("fit") == "letterbox":
                beside, nothing = bright_film(1000 + number, ill=False)
                film, mask = np.hstack([film, beside]), np.hstack([mask, nothing])
            for name, pixels in (("film", film), ("mask", mask.astype(np.uint8) * 255)):
                Image.fromarray(pixels).save(tmp_path / f"{name}-{number}.png")
            samples.append(
                Sample(
                    path=tmp_path / f"film-{number}.png",
                    image_id=image_id(tmp_path, number),
                    label=label,
                    patient_id=f"p{number % (patients or count)}",
                    width=film.shape[1],
                    height=film.shape[0],
                    mask_path=tmp_path / f"mask-{number}.png" if masks and mask.any() else None,
                )
            )
        for module in (map_trials, predictor):
            monkeypatch.setattr(module, "load_classifier", lambda run, device: copy.deepcopy(net).eval())
        of_recipe = ("image_size", "channels", "backbone", "fit", "test_time_flip")
        recipe = {key: more.pop(key) for key in of_recipe if key in more}
        run = a_run(tmp_path, classes, **recipe)
        cache = open_cache(
            tmp_path / "cache",
            samples,
            size=run.recipe.image_size,
            channels=run.recipe.channels,
            fit=run.recipe.fit,
        )
        passport = make_passport(
            run, [(run, samples)], settings=None, cache_dir=tmp_path / "cache", cache=cache, **more  # type: ignore[arg-type]
        )  # fmt: skip
        assert passport is not None
        return passport

    return make


def answers(passport: Passport) -> dict[str, Answer]:
    return {check: verdict(passport, check) for check in ("follows", "matters", "finds")}


def test_a_map_that_follows_the_net_to_the_finding_passes(made: Make) -> None:
    passport = made(reader_of_bright_places())
    assert answers(passport) == dict.fromkeys(("follows", "matters", "finds"), Answer.YES)
    assert failed(passport) == []
    figures = {one.name: one for one in passport.figures}
    assert figures["pointing"].estimate.value == 1 and figures["pointing"].estimate.n == 24
    assert figures["head"].estimate.n == FORGOTTEN_IMAGES
    assert figures["deletion"].estimate.n == figures["insertion"].estimate.n == TAKEN_IMAGES
    assert figures["inside"].limit == pytest.approx(64 / 1024)
    assert passport.reasons.keys() == {"outside"}


@pytest.mark.parametrize(
    "how", [{"fit": "letterbox", "image_size": 2 * SIDE}, {"test_time_flip": True}], ids=str
)
def test_images_in_letterboxes_and_mirror_images_are_put_to_the_same_test(
    made: Make, how: dict[str, object]
) -> None:
    net = reader_of_bright_places()
    with torch.no_grad():
        net.head.output.weight[-1, 0] *= 4  # of a larger image, the square is a smaller part
    passport = made(net, **how)
    assert answers(passport) == dict.fromkeys(("follows", "matters", "finds"), Answer.YES)


def test_an_edge_detector_does_not_follow_the_net(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def edges(classifier: object, images: torch.Tensor, targets: object, features: object) -> torch.Tensor:
        grey = images.mean(dim=1)
        return (grey[:, 1:, 1:] - grey[:, :-1, :-1]).abs()

    monkeypatch.setitem(SALIENCIES, "two-scale-cam", Method(maps=edges))
    monkeypatch.setattr(map_trials, "looker", _plain_looker)
    monkeypatch.setattr(predictor, "looker", _plain_looker)
    passport = made(reader_of_bright_places())
    assert [one.estimate.value for one in figures_of(passport, "follows")] == pytest.approx([1, 1, 1])
    assert "follows" in failed(passport)


def _plain_looker(run: Run, classifier: Classifier, *, method: str | None, **more: object) -> Looker:
    from engine.prediction.looking import _plain

    return Looker(
        lambda batch: (classifier.features(in_unit(batch)),),
        lambda batch, known: _plain(classifier, batch, known[0], method, None),
    )


def test_the_map_of_a_net_whose_head_was_shuffled_does_not_find_the_finding(made: Make) -> None:
    net = reader_of_bright_places()
    forget(net, reader_of_bright_places(), depth=0, seed=1)
    passport = made(net)
    assert verdict(passport, "finds") is Answer.NO
    assert "finds" in failed(passport)


def test_a_map_the_wrong_way_round_shows_what_does_not_matter(
    made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = map_passport._read
    monkeypatch.setattr(
        map_passport,
        "_read",
        lambda *given: {
            key: (one, replace(told, heatmap=told.heatmap.max() - told.heatmap))
            for key, (one, told) in whole(*given).items()
        },
    )
    passport = made(reader_of_bright_places())
    assert verdict(passport, "matters") is Answer.NO and verdict(passport, "finds") is Answer.NO


def test_of_few_films_nothing_is_said(made: Make) -> None:
    passport = made(reader_of_bright_places(), 9)
    assert set(answers(passport).values()) == {Answer.UNKNOWN}
    assert failed(passport) == []


def test_films_of_few_patients_widen_every_interval(made: Make) -> None:
    def width(passport: Passport, name: str) -> float:
        (one,) = (each.estimate for each in passport.figures if each.name == name)
        return one.high - one.low

    alone, few = made(reader_of_bright_places()), made(reader_of_bright_places(), patients=6)
    for name in ("deletion", "insertion", "pointing"):
        assert width(few, name) > width(alone, name)
    assert {each.estimate.patients for each in few.figures if each.name == "pointing"} == {3}


def test_where_nobody_has_marked_findings_it_says_so_and_regions_stand_in(made: Make, tmp_path: Path) -> None:
    net = reader_of_bright_places()
    without = made(net, masks=False)
    assert verdict(without, "finds") is Answer.UNKNOWN
    assert "no validation image has a mask or region" in without.reasons["pointing"]
    regions = {image_id(tmp_path, number): bright_film(number)[1] for number in range(1, 48, 2)}
    marked = made(net, masks=False, regions=regions)
    assert verdict(marked, "finds") is Answer.YES and marked.marked == len(regions)
    (finds,) = [each for each in passport_in_words(marked) if each.question == CHECKS["finds"]]
    assert f"On {len(regions)} images it is where readers had marked it" in finds.details
    moved = {key: np.roll(mask, 16, axis=(0, 1)) for key, mask in regions.items()}
    assert verdict(made(net, regions=moved), "finds") is Answer.NO, "regions stand in place of masks"


def test_a_passport_is_the_same_for_the_same_seed_and_bounded_for_any_number_of_films(made: Make) -> None:
    net = reader_of_bright_places()
    one, same = made(net, 200), made(net, 200)
    assert replace(one, seconds=0) == replace(same, seconds=0)
    assert (one.images, one.of) == (MOST_IMAGES, 200)
    assert max(each.estimate.n for each in one.figures) <= MOST_IMAGES // 2


@pytest.mark.parametrize(
    ("net", "classes"),
    [
        (lambda: reader_of_bright_places(classes=3), ("one", "two", "opacity")),
        (lambda: reader_of_bright_places(Head(hidden=(6,))), CLASSES),
        (lambda: reader_of_bright_places(Head(output="sigmoid")), CLASSES),
    ],
    ids=["three classes", "a hidden layer", "a sigmoid head"],
)
def test_every_kind_of_head_gets_every_figure(
    made: Make, net: Callable[[], Classifier], classes: tuple[str, ...]
) -> None:
    torch.manual_seed(0)
    passport = made(net(), 60, classes=classes)
    named = {one.name for one in passport.figures} | set(passport.reasons)
    assert named == {"head", "half", "network", "deletion", "insertion", "pointing", "inside", "outside"}
    if len(classes) == 3:
        assert verdict(passport, "finds") is Answer.YES


def test_a_vision_transformer_gets_a_passport(made: Make) -> None:
    torch.manual_seed(0)
    recipe = replace(a_run(Path()).recipe, backbone="test_vit", image_size=160, channels=3)
    passport = made(build_classifier(recipe, 2).eval(), 24, image_size=160, channels=3, backbone="test_vit")
    assert {"head", "half", "network"} <= {one.name for one in passport.figures}
    assert all(abs(one.estimate.value) < 0.9 for one in figures_of(passport, "follows"))
