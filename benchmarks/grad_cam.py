"""Grad-CAM of a batch, beside one forward pass and beside pytorch-grad-cam; and what it adds to predicting."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from benchmarks.films import short_run, split_of
from benchmarks.measuring import LeftOut, Row, Setting, interleaved, is_installed, not_installed
from engine.images import open_cache
from engine.models import Classifier, cut_behind_backbone, fast_features
from engine.records import recipe_of
from engine.runs import load_classifier
from engine.saliency import EvidenceMaps, grad_cam, normalise

BUDGET = "≤ 1.15× a forward pass"


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    split = split_of(setting, 60, train_images=32)
    run = short_run(setting, split)
    net = load_classifier(run).to(memory_format=torch.channels_last)
    count = 4 if setting.quick else 16
    cache = open_cache(setting.scratch / "cache", split.train, size=recipe_of(run).image_size, channels=3)
    pixels = torch.from_numpy(np.array(cache.images[np.arange(count) % len(cache.images)]))
    images = (pixels.permute(0, 3, 1, 2).float() / 255).contiguous(memory_format=torch.channels_last)
    targets = torch.ones(count, dtype=torch.int64)
    fast = fast_features(
        cut_behind_backbone(net).frozen,
        device="cpu",
        images=10_000,
        size=recipe_of(run).image_size,
        cache_dir=setting.scratch,
    )

    finer = EvidenceMaps(net, channels=3, size=recipe_of(run).image_size)
    assert finer.front is not None  # the default backbone's layers stand in a row
    front = fast_features(
        finer.front, device="cpu", images=10_000, size=recipe_of(run).image_size, cache_dir=setting.scratch
    )

    def forward() -> object:
        with torch.no_grad():
            return net(images)

    def fast_forward() -> object:
        with torch.no_grad():
            return net.head(fast(images))

    works: dict[str, Callable[[], object]] = {
        "forward": forward,
        "ours": lambda: grad_cam(net, images, targets),
        "fast forward": fast_forward,
        "fast": lambda: grad_cam(net, images, targets, fast(images)),
        "two scales": lambda: finer.explain(finer.look(images), targets),
        "fast two scales": lambda: finer.explain(finer.look(images, front(images)), targets),
    }
    peer = _peer(net, images, targets) if is_installed("pytorch_grad_cam") else None
    if peer is not None:
        works["pytorch-grad-cam"] = peer
    taken = interleaved(works, rounds=2 if setting.quick else 15)
    maps = normalise(grad_cam(net, images, targets))
    batch = f"Grad-CAM of a batch of {count} films"
    for name, limit, what in (
        ("ours", "forward", "one forward pass by PyTorch"),
        ("fast", "fast forward", "one forward pass by the inference engine"),
    ):
        yield Row(
            work=batch if name == "ours" else f"{batch}, the inference engine's forward pass shared",
            ours=1e3 * taken[name],
            unit="ms",
            peer=what,
            theirs=1e3 * taken[limit],
            ratio=taken[name] / taken[limit],
            budget=BUDGET,
            met=taken[name] / taken[limit] <= 1.15,
            note="the ratio is our time over the pass's",
        )
    for name, limit, what, most in (
        ("two scales", "forward", "one forward pass by PyTorch", 1.3),
        ("fast two scales", "fast forward", "one forward pass by the inference engine", 1.7),
    ):
        yield Row(
            work=f"Evidence at two scales of a batch of {count} films, its forward pass included",
            ours=1e3 * taken[name],
            unit="ms",
            peer=what,
            theirs=1e3 * taken[limit],
            ratio=taken[name] / taken[limit],
            budget=f"≤ {most:g}× it",
            met=taken[name] / taken[limit] <= most,
            note="the ratio is our time over the pass's",
        )
    if peer is None:
        yield not_installed(batch, "grad-cam")
        return
    difference = float((maps - peer()).abs().max())
    ratio = taken["pytorch-grad-cam"] / taken["ours"]
    yield Row(
        work=batch,
        ours=1e3 * taken["ours"],
        unit="ms",
        peer="pytorch-grad-cam",
        theirs=1e3 * taken["pytorch-grad-cam"],
        ratio=ratio,
        budget="≥ 3×, maps equal to 1e-5",
        met=ratio >= 3 and difference <= 1e-5,
        quality=f"largest difference of maps in [0, 1] {difference:.1e}",
    )


def _peer(net: Classifier, images: Tensor, targets: Tensor) -> Callable[[], Tensor]:
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    for parameter in net.parameters():
        parameter.requires_grad_(True)
    wanted = [ClassifierOutputTarget(int(target)) for target in targets]

    class Unscaled(GradCAM):  # type: ignore[misc]
        """Gives the map at its own resolution: the peer would enlarge it to the film's, which is no map of ours."""

        def compute_cam_per_layer(self, given: Tensor, targets: object, *rest: object) -> list[np.ndarray]:
            grads = self.activations_and_grads.gradients[0].cpu().data.numpy()
            activations = self.activations_and_grads.activations[0].cpu().data.numpy()
            return [self.get_cam_image(given, self.target_layers[0], targets, activations, grads, False)]

        def aggregate_multi_layers(self, per_layer: list[np.ndarray]) -> np.ndarray:
            return per_layer[0]

    cam = Unscaled(model=net, target_layers=[net.backbone])
    return lambda: normalise(torch.from_numpy(cam(input_tensor=images, targets=wanted)))
