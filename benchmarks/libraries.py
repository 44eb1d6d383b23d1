"""Where code of ours stands beside a library's function for the same thing: python -m benchmarks.libraries.

Equal or not, and how long each takes; docs/adr/0010 and 0011 say what was decided from it.
"""

from __future__ import annotations

import io
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn import metrics
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms.v2 import InterpolationMode, functional as v2

from engine.data import split_index
from engine.recipes import Augmenter
from engine.records import Augmentation, Index, Sample
from engine.statistics import overall

CASES = 100_000


def milliseconds(work: Callable[[], Any]) -> float:
    """Return the shortest of five times, after one that does not count."""
    work()
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return 1000 * min(times)


def say(what: str, ours: Callable[[], Any], theirs: Callable[[], Any], same: object) -> None:
    """Print one comparison."""
    print(f"{what:<44} ours {milliseconds(ours):8.2f} ms, theirs {milliseconds(theirs):8.2f} ms; {same}")


def figures() -> None:
    """Every figure of a report beside scikit-learn's point values."""
    generator = np.random.default_rng(0)
    truth = (generator.random(CASES) < 0.3).astype(np.int64)
    score = np.clip(0.2 * truth + 0.8 * generator.random(CASES), 1e-6, 1 - 1e-6)
    predicted, probabilities = (score > 0.5).astype(np.int64), np.stack([1 - score, score], axis=1)
    theirs: dict[str, Callable[[], float]] = {
        "AUROC": lambda: metrics.roc_auc_score(truth, score),
        "average precision": lambda: metrics.average_precision_score(truth, score),
        "accuracy": lambda: metrics.accuracy_score(truth, predicted),
        "balanced accuracy": lambda: metrics.balanced_accuracy_score(truth, predicted),
        "macro F1": lambda: metrics.f1_score(truth, predicted, average="macro"),
        "MCC": lambda: metrics.matthews_corrcoef(truth, predicted),
    }
    ours = overall(truth, predicted, probabilities, ("normal", "finding"))
    for name, value in theirs.items():
        print(f"{name:<44} differs by {abs(ours[name].value - value()):.0e}")
    say(
        f"{len(ours)} figures with intervals, and {len(theirs)} without",
        lambda: overall(truth, predicted, probabilities, ("normal", "finding")),
        lambda: [value() for value in theirs.values()],
        f"{CASES:,} predictions",
    )


def split() -> None:
    """The furthest a class's share lies from 60/20/20, in a part, over made-up data with mixed patients."""
    far: dict[str, list[float]] = {"ours": [], "StratifiedGroupKFold": [], "GroupShuffleSplit": []}
    for seed in range(40):
        generator, rows = random.Random(seed), []
        for patient in range(120):
            usual = generator.choice("aaab")
            for _ in range(1 + int(generator.expovariate(0.6))):
                rows.append((f"p{patient}", usual if generator.random() < 0.8 else generator.choice("ab")))
        samples = tuple(
            Sample(path=Path(f"/{row}.png"), image_id=f"{row:06}", label=label, patient_id=patient)
            for row, (patient, label) in enumerate(rows)
        )
        index = Index(dataset_id="", name="", root=Path("/"), samples=samples, classes=("a", "b"), issues=())
        made = split_index(index, seed=seed)
        parts = [[str(sample.label) for sample in part] for part in (made.train, made.val, made.test)]
        far["ours"].append(_furthest(parts))
        labels, groups = np.array([label for _, label in rows]), [patient for patient, _ in rows]
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels, groups)
        val, test, *train = [labels[held] for _, held in folds]
        far["StratifiedGroupKFold"].append(_furthest([list(np.concatenate(train)), list(val), list(test)]))
        named = np.array(groups)
        shuffled = GroupShuffleSplit(1, train_size=0.6, random_state=seed)
        kept, rest = next(shuffled.split(labels, groups=named))
        halved = GroupShuffleSplit(1, train_size=0.5, random_state=seed)
        one, two = next(halved.split(labels[rest], groups=named[rest]))
        drawn = [list(labels[rows]) for rows in (kept, rest[one], rest[two])]
        far["GroupShuffleSplit"].append(_furthest(drawn))
    print(
        "class shares, furthest from what was asked:",
        {name: f"{np.mean(all_):.4f}" for name, all_ in far.items()},
    )


def _furthest(parts: list[list[str]]) -> float:
    counts = [Counter(part) for part in parts]
    whole = sum(counts, Counter())
    asked = zip(counts, (0.6, 0.2, 0.2), strict=True)
    return max(abs(count[name] / whole[name] - share) for count, share in asked for name in "ab")


def augmentation() -> None:
    """A batch through one grid, and image by image through v2's affine; flips of either kind."""
    images, rows = torch.rand(32, 3, 128, 128), np.arange(32)
    turned = Augmenter(Augmentation(rotation=30, fill="black"), 0)

    def one_by_one() -> list[torch.Tensor]:
        nothing = {"translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]}
        return [
            v2.affine(image, angle=20.0, interpolation=InterpolationMode.BILINEAR, **nothing)
            for image in images
        ]

    say(
        "32 images turned, each by its own angle", lambda: turned(images, rows, 0), one_by_one, "see the test"
    )
    flipped = Augmenter(Augmentation(horizontal_flip=True), 0)
    chosen = (torch.rand(32) < 0.5)[:, None, None, None]
    say(
        "32 images, half of them flipped",
        lambda: flipped(images, rows, 0),
        lambda: torch.where(chosen, v2.horizontal_flip(images), images),
        "equal pixels",
    )
    raw = (255 * images).to(torch.uint8)
    equal = torch.equal(raw.float() / 255, v2.to_dtype(raw, torch.float32, scale=True))
    say(
        "bytes to fractions",
        lambda: raw.float() / 255,
        lambda: v2.to_dtype(raw, torch.float32, scale=True),
        f"{equal=}",
    )


def decoding() -> None:
    """A JPEG of a megapixel to 224 x 224, as training reads it, and whole."""
    levels = np.add.outer(np.arange(1024) % 251, np.arange(1024) % 239) / 2
    picture = np.stack([levels, levels[::-1], levels.T], axis=2) + np.random.default_rng(0).normal(
        0, 6, (1024, 1024, 3)
    )
    stream = io.BytesIO()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
    data = torch.frombuffer(bytearray(stream.getvalue()), dtype=torch.uint8)

    def pillow(side: int | None) -> np.ndarray[Any, Any]:
        image: Image.Image = Image.open(io.BytesIO(stream.getvalue()))
        if side is not None:
            image.draft("RGB", (2 * side, 2 * side))
            image = image.resize((side, side), Image.Resampling.BILINEAR)
        return np.asarray(image)

    def torchvision(side: int | None) -> torch.Tensor:
        image: torch.Tensor = decode_jpeg(data, mode=ImageReadMode.RGB)
        return image if side is None else v2.resize(image, [side, side], antialias=True)

    for side in (None, 224):
        apart = np.abs(pillow(side).astype(int) - torchvision(side).permute(1, 2, 0).numpy()).max()
        say(
            f"JPEG, {side or 'whole'}",
            lambda side=side: pillow(side),  # type: ignore[misc]
            lambda side=side: torchvision(side),  # type: ignore[misc]
            f"differs by {apart} of 255 at most",
        )


if __name__ == "__main__":
    torch.set_num_threads(2)
    figures()
    split()
    augmentation()
    decoding()
