"""Saliency: where on the film the evidence for a class lies.

The CAM family reads the classifier's own structure: one forward pass to the backbone's map without gradient, then
autograd through the head alone, for the whole batch at once. Everything else is captum's. Each method is one
function and its line in `SALIENCIES`, and gives maps whose positive part is evidence *for* the target. To add one,
write both here: `overread explain`, `predict` and the review page list and take it, the report names it, the tests
run it. Torch is imported when a map is made, so that a window can list the methods without it.

Guided backpropagation is left out on purpose: it is defined for plain ReLU, and on the ReLU6, SiLU and GELU of
today's backbones it silently becomes something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import RecipeError
from engine.saliency.method_record import Method

if TYPE_CHECKING:
    from torch import Tensor

    from engine.models import Classifier, Grid
    from engine.saliency.placing import Extent

STEPS = 24  # of integrated gradients
SAMPLES = 12  # of gradient SHAP and SmoothGrad
SQUARES = 5  # that lie beside one another: how large a part of the film occlusion covers
BATCH_SIZE = 32


def two_scale_cam(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """Evidence at two scales: the root of Grad-CAM (doi:10.1007/s11263-019-01228-7) of the last map times HiResCAM
    (arXiv:2011.08891) of the finer one before it.

    Args, returns: as `grad_cam`, but already placed, (B, SIDE, SIDE), with evidence against the target below 0;
    `features` is not read. A net whose maps all have cells of one size gives `evidence_cam`.
    """
    from engine.saliency.evidence import evidence_in

    return evidence_in(classifier, images, targets, fine=True)


def evidence_cam(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """Gradient of the log-odds times activation (HiResCAM, arXiv:2011.08891) at the last map.

    Args, returns: as `two_scale_cam`. Under an average and a linear head it is Grad-CAM of the log-odds.
    """
    from engine.saliency.evidence import evidence_in

    return evidence_in(classifier, images, targets, fine=False)


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
    from engine.saliency.attribution import activations_and_gradients, weighted

    activations, gradients = activations_and_gradients(classifier, images, targets, features)
    weights = gradients.mean(dim=(2, 3))
    return weighted(weights, activations)


def grad_cam_plus_plus(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """Grad-CAM++ (doi:10.1109/WACV.2018.00097): positive gradients weighted so that several findings all count.

    Args, returns: as `grad_cam`. The closed form for an exponential score.
    """
    from engine.saliency.attribution import activations_and_gradients, weighted

    activations, gradients = activations_and_gradients(classifier, images, targets, features)
    squares = gradients**2
    total = activations.sum(dim=(2, 3), keepdim=True)
    denominator = 2 * squares + total * squares * gradients
    share = (squares / denominator).where(denominator != 0, 0)
    weights = (share * gradients.relu()).sum(dim=(2, 3))
    return weighted(weights, activations)


def hires_cam(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """HiResCAM (arXiv:2011.08891): gradient times activation at each place, summed over channels.

    Args, returns: as `grad_cam`. Unlike Grad-CAM it shows only places that the score was computed from, also under a
    head that is not an average.
    """
    from engine.saliency.attribution import activations_and_gradients

    activations, gradients = activations_and_gradients(classifier, images, targets, features)
    return (gradients * activations).sum(dim=1).relu()


def layer_cam(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """LayerCAM (doi:10.1109/TIP.2021.3089943): positive gradient times activation at each place.

    Args, returns: as `grad_cam`.
    """
    from engine.saliency.attribution import activations_and_gradients

    activations, gradients = activations_and_gradients(classifier, images, targets, features)
    return (gradients.relu() * activations).sum(dim=1).relu()


# ------------------------------------------------------------------------------------------ attributions to pixels


def integrated_gradients(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """Integrated gradients from a black film (arXiv:1703.01365), by captum.

    Args, returns: as `grad_cam`, at a quarter of the image's resolution; `features` is not read.
    """
    from captum.attr import IntegratedGradients

    from engine.saliency.attribution import AT_ONCE, attributed

    return attributed(
        IntegratedGradients,
        classifier,
        images,
        targets,
        lambda x: {"n_steps": STEPS, "internal_batch_size": AT_ONCE},
    )


def gradient_shap(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """Gradient SHAP against a black and a mid-grey film (arXiv:1705.07874), by captum.

    Args, returns: as `integrated_gradients`.
    """
    from captum.attr import GradientShap

    from engine.saliency.attribution import AT_ONCE, attributed

    return attributed(
        GradientShap,
        classifier,
        images,
        targets,
        lambda x: {
            "n_samples": AT_ONCE,
            "stdevs": 0.05,
            "baselines": x.new_tensor([0.0, 0.5]).view(2, 1, 1, 1).expand(2, *x.shape[1:]),
        },
        rounds=SAMPLES // AT_ONCE,
    )


def smooth_grad(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """Gradient times input, averaged over noisy copies (SmoothGrad, arXiv:1706.03825), by captum.

    Args, returns: as `integrated_gradients`.
    """
    from captum.attr import InputXGradient, NoiseTunnel

    from engine.saliency.attribution import AT_ONCE, attributed

    return attributed(
        lambda score: NoiseTunnel(InputXGradient(score)),
        classifier,
        images,
        targets,
        lambda x: {
            "nt_type": "smoothgrad",
            "nt_samples": SAMPLES,
            "nt_samples_batch_size": AT_ONCE,
            "stdevs": 0.08,
        },
    )


def occlusion(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None = None
) -> Tensor:
    """How far the score falls when a square of the film is covered (doi:10.1007/978-3-319-10590-1_53), by captum.

    The square is a fifth of the film wide, moves by two thirds of its width, and is filled with the film's mean.

    Args, returns: as `integrated_gradients`.
    """
    from captum.attr import Occlusion

    from engine.saliency.attribution import AT_ONCE, attributed

    channels, (side, stride) = images.shape[1], _square(*images.shape[2:])
    return attributed(
        Occlusion,
        classifier,
        images,
        targets,
        lambda x: {
            "sliding_window_shapes": (channels, side, side),
            "strides": (channels, stride, stride),
            "baselines": x.mean(dim=(1, 2, 3), keepdim=True).expand_as(x),
            "perturbations_per_eval": AT_ONCE,
        },
    )


def _square(height: int, width: int) -> tuple[int, int]:
    """Return how wide the square is that occlusion covers, and by how much it moves."""
    side = max(2, min(height, width) // SQUARES)
    return side, 2 * side // 3


def _squares(height: int, width: int) -> int:
    side, stride = _square(height, width)
    return (-(-(height - side) // stride) + 1) * (-(-(width - side) // stride) + 1)


SALIENCIES: dict[str, Method] = {
    "two-scale-cam": Method(maps=two_scale_cam, says="evidence in log-odds, at two scales", kept=0.046),
    "evidence-cam": Method(
        maps=evidence_cam, says="evidence in log-odds, in the cells of the last layer", kept=0.062
    ),
    "grad-cam": Method(
        maps=grad_cam, says="channels weighted by their mean gradient", of_cells=True, kept=0.120
    ),
    "grad-cam++": Method(
        maps=grad_cam_plus_plus,
        says="channels weighted by their positive gradients",
        of_cells=True,
        kept=0.965,
    ),
    "hirescam": Method(
        maps=hires_cam, says="gradient times activation at each place", of_cells=True, kept=0.120
    ),
    "layercam": Method(
        maps=layer_cam, says="positive gradient times activation at each place", of_cells=True, kept=0.964
    ),
    "integrated-gradients": Method(
        maps=integrated_gradients,
        says="pixels, from a black image to this one",
        copies=lambda height, width: STEPS,
        kept=0.637,
    ),
    "gradient-shap": Method(
        maps=gradient_shap,
        says="pixels, from black and grey images to this one",
        copies=lambda height, width: SAMPLES,
        kept=0.301,
    ),
    "smoothgrad": Method(
        maps=smooth_grad,
        says="pixels, averaged over noisy copies",
        copies=lambda height, width: SAMPLES,
        kept=0.682,
    ),
    "occlusion": Method(
        maps=occlusion,
        says="how far the score falls when a square is covered",
        copies=lambda height, width: 1 + _squares(height, width),
        kept=-0.030,
    ),
}

DEFAULT_SALIENCY = "two-scale-cam"


# ------------------------------------------------------------------------------------------ maps for people


def normalise(maps: Tensor) -> Tensor:
    """Scale maps (B, h, w) to [0, 1] by each one's maximum, as float32.

    Ratios within a map are kept: nothing is subtracted. A map without a peak (all equal) or with a value that is no
    number says nothing, and becomes zero.
    """
    import torch

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
    import torch

    if method not in SALIENCIES:
        raise RecipeError(f"There is no saliency method “{method}”", f"Choose one of {', '.join(SALIENCIES)}")
    training = classifier.training
    classifier.eval()
    try:
        maps = []
        for at in range(0, len(images), batch_size):
            batch, wanted = images[at : at + batch_size], targets[at : at + batch_size]
            made = SALIENCIES[method].maps(classifier, batch, wanted, None)
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
    if not SALIENCIES[method].of_cells:
        return maps
    from engine.models import follow_cells
    from engine.saliency.placing import place

    height, width = int(images.shape[2]), int(images.shape[3])
    extent = (int(maps.shape[1]), int(maps.shape[2]))
    grid = (grids or {}).get(extent)
    if grid is None:
        centres = follow_cells(classifier.backbone, channels=images.shape[1], height=height, width=width)
        grid = centres.of(*extent)
    return place(maps, grid, (height, width))
