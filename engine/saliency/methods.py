"""Saliency: where on the film the evidence for a class lies.

The CAM family reads the classifier's own structure: one forward pass to the backbone's map without gradient, then
autograd through the head alone, for the whole batch at once. Everything else is captum's. Each method is one
function of `SALIENCIES` and gives maps whose positive part is evidence *for* the target. To add one, write the
function here and its line in `SALIENCIES`: `overread explain` and `predict` list and take it, the report names it, the
tests run it.

Guided backpropagation is left out on purpose: it is defined for plain ReLU, and on the ReLU6, SiLU and GELU of
today's backbones it silently becomes something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine.errors import RecipeError
from engine.models import Grid, follow_cells
from engine.saliency.evidence import evidence_cam, two_scale_cam
from engine.saliency.placing import Extent, place

if TYPE_CHECKING:
    from engine.models import Classifier

# (classifier, images (B, C, H, W) in [0, 1], targets (B,) int64, the backbone's map where it is known already)
# -> maps (B, h, w), evidence for the target above 0, not yet normalised.
Saliency = Callable[["Classifier", Tensor, Tensor, Tensor | None], Tensor]

# Attributions to single pixels are averaged over cells of so many pixels: a reader cannot see single pixels.
CELL = 4
STEPS = 24  # of integrated gradients
SAMPLES = 12  # of gradient SHAP and SmoothGrad
BATCH_SIZE = 32


# ---------------------------------------------------------------------------------------------- the CAM family


def scores(classifier: Classifier, logits: Tensor, targets: Tensor) -> Tensor:
    """Return what is explained: the target's logit (B,) of logits (B, classes).

    A sigmoid head has one true output z, widened to (0, z): evidence for its first class is evidence against z, so
    there the difference of the two logits stands for the logit.
    """
    chosen = logits.gather(1, targets[:, None])[:, 0]
    if getattr(classifier.head, "sigmoid", False):
        chosen = chosen - logits.gather(1, 1 - targets[:, None])[:, 0]
    return chosen


def _activations_and_gradients(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None
) -> tuple[Tensor, Tensor]:
    with torch.inference_mode(False):
        if features is None:
            with torch.no_grad():
                features = classifier.features(images.clone() if images.is_inference() else images)
        activations = features.clone() if features.is_inference() else features
        activations = activations.detach().float().requires_grad_(True)
        with torch.enable_grad(), torch.autocast(activations.device.type, enabled=False):
            total = scores(classifier, classifier.head(activations), targets).sum()
            (gradients,) = torch.autograd.grad(total, activations)
    return activations.detach(), gradients


def grad_cam(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """Grad-CAM (doi:10.1007/s11263-019-01228-7) of the backbone's last map.

    Args:
        classifier: In eval mode.
        images: (B, C, H, W) float in [0, 1].
        targets: (B,) int64, the class that is argued for.
        features: (B, c, h, w) what `classifier.features(images)` gave, where it is known already.

    Returns:
        (B, h, w) float32, not negative; equal to captum's LayerGradCam with `relu_attributions`.
    """
    activations, gradients = _activations_and_gradients(classifier, images, targets, features)
    weights = gradients.mean(dim=(2, 3))
    return torch.einsum("bc,bchw->bhw", weights, activations).relu()


def grad_cam_plus_plus(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """Grad-CAM++ (doi:10.1109/WACV.2018.00097): positive gradients weighted so that several findings all count.

    Args, returns: as `grad_cam`. The closed form for an exponential score.
    """
    activations, gradients = _activations_and_gradients(classifier, images, targets, features)
    squares = gradients**2
    total = activations.sum(dim=(2, 3), keepdim=True)
    denominator = 2 * squares + total * squares * gradients
    share = torch.where(denominator != 0, squares / denominator, torch.zeros_like(squares))
    weights = (share * gradients.relu()).sum(dim=(2, 3))
    return torch.einsum("bc,bchw->bhw", weights, activations).relu()


def hires_cam(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """HiResCAM (arXiv:2011.08891): gradient times activation at each place, summed over channels.

    Args, returns: as `grad_cam`. Unlike Grad-CAM it shows only places that the score was computed from, also under a
    head that is not an average.
    """
    activations, gradients = _activations_and_gradients(classifier, images, targets, features)
    return (gradients * activations).sum(dim=1).relu()


def layer_cam(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """LayerCAM (doi:10.1109/TIP.2021.3089943): positive gradient times activation at each place.

    Args, returns: as `grad_cam`.
    """
    activations, gradients = _activations_and_gradients(classifier, images, targets, features)
    return (gradients.relu() * activations).sum(dim=1).relu()


# ------------------------------------------------------------------------------------------ attributions to pixels


def _attributed(
    method: Callable[[Any], Any],
    classifier: Classifier,
    images: Tensor,
    targets: Tensor,
    options: Callable[[Tensor], dict[str, object]],
) -> Tensor:
    """Run a captum method image by image batch and return its positive evidence, (B, H/CELL, W/CELL)."""

    def score(x: Tensor, wanted: Tensor) -> Tensor:
        return scores(classifier, classifier(x), wanted)

    devices = [images.device] if images.device.type == "cuda" else []
    # A seed of its own, because gradient SHAP and SmoothGrad draw: one film, one map.
    with torch.inference_mode(False), torch.enable_grad(), torch.random.fork_rng(devices=devices):
        torch.manual_seed(0)
        numpy_state = np.random.get_state()
        np.random.seed(0)
        try:
            x = images.clone().detach().float()
            given = method(score).attribute(x, additional_forward_args=(targets,), **options(x))
        finally:
            np.random.set_state(numpy_state)
    evidence = given.detach().float().sum(dim=1, keepdim=True).relu()
    return F.avg_pool2d(evidence, CELL, ceil_mode=True, count_include_pad=False)[:, 0]


def integrated_gradients(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """Integrated gradients from a black film (arXiv:1703.01365), by captum.

    Args, returns: as `grad_cam`, at a quarter of the image's resolution; `features` is not read.
    """
    from captum.attr import IntegratedGradients

    return _attributed(
        IntegratedGradients,
        classifier,
        images,
        targets,
        lambda x: {"n_steps": STEPS, "internal_batch_size": max(BATCH_SIZE, len(x))},
    )


def gradient_shap(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """Gradient SHAP against a black and a mid-grey film (arXiv:1705.07874), by captum.

    Args, returns: as `integrated_gradients`.
    """
    from captum.attr import GradientShap

    return _attributed(
        GradientShap,
        classifier,
        images,
        targets,
        lambda x: {
            "n_samples": SAMPLES,
            "stdevs": 0.05,
            "baselines": torch.cat([torch.zeros_like(x[:1]), torch.full_like(x[:1], 0.5)]),
        },
    )


def smooth_grad(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """Gradient times input, averaged over noisy copies (SmoothGrad, arXiv:1706.03825), by captum.

    Args, returns: as `integrated_gradients`.
    """
    from captum.attr import InputXGradient, NoiseTunnel

    return _attributed(
        lambda score: NoiseTunnel(InputXGradient(score)),
        classifier,
        images,
        targets,
        lambda x: {
            "nt_type": "smoothgrad",
            "nt_samples": SAMPLES,
            "nt_samples_batch_size": 1,
            "stdevs": 0.08,
        },
    )


def occlusion(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """How far the score falls when a square of the film is covered (doi:10.1007/978-3-319-10590-1_53), by captum.

    The square is an eighth of the film wide, moves by half its width, and is filled with the film's mean. Slow: some
    200 forward passes a film.

    Args, returns: as `integrated_gradients`.
    """
    from captum.attr import Occlusion

    channels, side = images.shape[1], max(2, min(images.shape[2:]) // 8)
    return _attributed(
        Occlusion,
        classifier,
        images,
        targets,
        lambda x: {
            "sliding_window_shapes": (channels, side, side),
            "strides": (channels, max(1, side // 2), max(1, side // 2)),
            "baselines": x.mean(dim=(1, 2, 3), keepdim=True).expand_as(x),
        },
    )


SALIENCIES: dict[str, Saliency] = {
    "two-scale-cam": two_scale_cam,
    "evidence-cam": evidence_cam,
    "grad-cam": grad_cam,
    "grad-cam++": grad_cam_plus_plus,
    "hirescam": hires_cam,
    "layercam": layer_cam,
    "integrated-gradients": integrated_gradients,
    "gradient-shap": gradient_shap,
    "smoothgrad": smooth_grad,
    "occlusion": occlusion,
}

OF_CELLS = (grad_cam, grad_cam_plus_plus, hires_cam, layer_cam)
"""Those whose maps have the cells of the net's last map."""

DEFAULT_SALIENCY = "two-scale-cam"


# ------------------------------------------------------------------------------------------ maps for people


def normalise(maps: Tensor) -> Tensor:
    """Scale maps (B, h, w) to [0, 1] by each one's maximum, as float32.

    Ratios within a map are kept: nothing is subtracted. A map without a peak (all equal) or with a value that is no
    number says nothing, and becomes zero.
    """
    maps = maps.detach().float().clamp_min(0)
    flat = maps.flatten(1)
    high, low = flat.amax(dim=1), flat.amin(dim=1)
    tells = torch.isfinite(flat).all(dim=1) & (high - low > 1e-6 * high)
    scale = torch.where(tells, high, torch.ones_like(high))
    return torch.where(tells[:, None, None], maps / scale[:, None, None], torch.zeros_like(maps))


def explain(
    classifier: Classifier,
    images: Tensor,
    targets: Tensor,
    method: str = DEFAULT_SALIENCY,
    *,
    batch_size: int = BATCH_SIZE,
) -> NDArray[np.float32]:
    """Explain images: the map of each, normalised.

    Args:
        classifier: Is put in eval mode for the time being.
        images: (B, C, H, W) float in [0, 1], on the classifier's device.
        targets: (B,) int64, the class that each map argues for.
        method: A key of `SALIENCIES`.
        batch_size: Images at a time.

    Returns:
        (B, h, w) float32 in [0, 1], row 0 at the top; the map covers the whole image.

    Raises:
        RecipeError: Nobody knows the method.
    """
    if method not in SALIENCIES:
        raise RecipeError(f"There is no saliency method “{method}”", f"Choose one of {', '.join(SALIENCIES)}")
    training = classifier.training
    classifier.eval()
    try:
        maps = []
        for at in range(0, len(images), batch_size):
            batch, wanted = images[at : at + batch_size], targets[at : at + batch_size]
            made = SALIENCIES[method](classifier, batch, wanted, None)
            maps.append(normalise(placed(classifier, batch, made, method)))
    finally:
        classifier.train(training)
    return torch.cat(maps).cpu().numpy()


def placed(
    classifier: Classifier,
    images: Tensor,
    maps: Tensor,
    method: str,
    grids: Mapping[Extent, Grid] | None = None,
) -> Tensor:
    """Lay maps of the net's own cells where these lie; those of other methods tile the image already.

    Args:
        classifier: That gave them.
        images: (B, C, H, W), of the size that it was given.
        maps: (B, h, w).
        method: A key of `SALIENCIES`.
        grids: Where the net's cells lie; None as its structure has them.
    """
    if SALIENCIES[method] not in OF_CELLS:
        return maps
    height, width = int(images.shape[2]), int(images.shape[3])
    extent = (int(maps.shape[1]), int(maps.shape[2]))
    centres = follow_cells(classifier.backbone, channels=images.shape[1], height=height, width=width)
    return place(maps, (grids or {}).get(extent) or centres.of(*extent), (height, width))
