"""What is tried on a run's net to learn how far its maps can be believed: it forgets, and places of images are taken.

Of the time that a passport takes this is nearly all, so that no core waits: nets that forget are tried two at a time,
and images with places taken away go through the net as those that are predicted do.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.images import ImageCache
from engine.models import in_unit, thread_on
from engine.prediction.looking import AT_ONCE, Look, looker, looks_at, map_in_square, on_image
from engine.records import Explanation, Prediction, Run, Sample
from engine.runs import load_classifier, load_map_settings
from engine.saliency import deletion_insertion, forget, random_places, rank_correlations
from engine.training import images_of

if TYPE_CHECKING:
    from engine.models import Classifier

Told = Mapping[str, tuple[Prediction, Explanation]]

FORGETTINGS = 12  # different ones: how alike maps are by chance differs from one to the next
DEPTHS = {"head": 0.0, "half": 0.5, "network": 1.0}
TAKEN_IMAGES = 16  # of which places are taken away: thirty passes each
ORDERS = 2  # of random places beside the map's
BATCH = 16


@dataclass(frozen=True, eq=False)
class Trials:
    """A run's net, and what is tried on it."""

    run: Run
    method: str
    cache: ImageCache
    cache_dir: Path
    device: str
    seed: int

    @cached_property
    def classifier(self) -> Classifier:
        """The net, in eval mode."""
        loaded = load_classifier(self.run, self.device)
        net: Classifier = loaded.to(memory_format=torch.channels_last)
        return net

    def forgotten(self, chosen: Sequence[Sample], told: Told) -> tuple[dict[str, list[float]], list[int]]:
        """Make maps again with nets that have forgotten, from the head down.

        Returns:
            By depth, how alike each image's maps before and after are; and of each image, in which shuffling.
        """
        if not chosen:
            return {name: [] for name in DEPTHS}, []
        # A patient's images meet one forgetting, so that both kinds of likeness stay within one group.
        patients = dict.fromkeys(each.patient_id for each in chosen)
        group_of = {patient: n % FORGETTINGS for n, patient in enumerate(patients)}
        groups = [group_of[each.patient_id] for each in chosen]
        nets = [_Forgetful(self)]
        cores = torch.get_num_threads()
        if self.device == "cpu" and nets[0].shallow.at_once:
            nets += [_Forgetful(self) for _ in range(min(AT_ONCE, cores) - 1)]
        pixels = self.pixels(chosen)
        begun = nets[0].shallow.begin(pixels)
        alike = {name: np.zeros(len(chosen)) for name in DEPTHS}

        def ask(net: _Forgetful, several: Sequence[int]) -> None:
            for group in several:
                rows = [place for place, of in enumerate(groups) if of == group]
                batch = [chosen[place] for place in rows]
                before = [told[each.image_id][1].heatmap for each in batch]
                targets = [self.run.classes.index(told[each.image_id][1].target) for each in batch]
                known = tuple(each[rows] for each in begun)
                for name, seen in net.looks(self.seed + group, pixels[rows], known):
                    made = zip(seen.maps(targets), batch, strict=True)
                    after = [on_image(one, self.run, each).heatmap for one, each in made]
                    alike[name][rows] = rank_correlations(before, after)

        numbers = sorted(set(groups))
        if len(nets) == 1:  # in this thread: Apple's processors bear no second one
            ask(nets[0], numbers)
        else:
            with ExitStack() as ending:
                threads = [ending.enter_context(thread_on(cores // len(nets))) for _ in nets]
                asked = [
                    thread.submit(ask, net, numbers[at :: len(nets)])
                    for at, (thread, net) in enumerate(zip(threads, nets, strict=True))
                ]
                for each in asked:
                    each.result()
        return {name: found.tolist() for name, found in alike.items()}, groups

    def taken(self, chosen: Sequence[Sample], told: Told) -> dict[str, list[float]]:
        """Take places away and give them back: the hottest first, and the same image's at random.

        Returns:
            Whether each image's map did better than random places, by what was done.
        """
        better: dict[str, list[float]] = {"deletion": [], "insertion": []}
        if not chosen:
            return better
        look = looker(
            self.run,
            self.classifier,
            method=None,
            settings=None,
            images=30 * TAKEN_IMAGES,
            cache_dir=self.cache_dir,
        )
        for at in range(0, len(chosen), BATCH):
            batch = chosen[at : at + BATCH]
            maps = [told[each.image_id][1] for each in batch]
            targets = torch.tensor([self.run.classes.index(each.target) for each in maps], device=self.device)
            orders: list[Sequence[NDArray[np.floating]]] = [[each.heatmap for each in maps]]
            orders += [random_places(len(batch), self.seed + at + order) for order in range(ORDERS)]
            hot, *anywhere = deletion_insertion(
                lambda shown: looks_at([look], shown, lambda make: make(), lambda _, looks: looks[0].logits),
                self.pixels(batch),
                [
                    [map_in_square(self.run, one, heat) for one, heat in zip(batch, order, strict=True)]
                    for order in orders
                ],
                targets,
            )
            fell = [_wins(one.deletion, hot.deletion) for one in anywhere]
            rose = [_wins(hot.insertion, one.insertion) for one in anywhere]
            for name, wins in (("deletion", fell), ("insertion", rose)):
                better[name] += np.mean(wins, axis=0).tolist()
        return better

    def pixels(self, samples: Sequence[Sample]) -> Tensor:
        """Return images (B, C, H, W) in [0, 1]."""
        return in_unit(images_of(self.cache, self.cache.rows(samples), self.device))


class _Forgetful:
    """A copy of a net, and what looks with it before and after it has forgotten."""

    def __init__(self, trials: Trials) -> None:
        self.learnt, self.net = trials.classifier, copy.deepcopy(trials.classifier)
        made = partial(
            looker,
            trials.run,
            self.net,
            method=trials.method,
            settings=load_map_settings(trials.run.folder),
            images=1,
            cache_dir=trials.cache_dir,
        )
        self.shallow, self.deep = made(), made(changes=True)

    def looks(self, seed: int, pixels: Tensor, begun: tuple[Tensor, ...]) -> Iterator[tuple[str, Look]]:
        """Yield what it sees at each depth of forgetting.

        Args:
            seed: Of the shuffling.
            pixels: (B, C, H, W) in [0, 1].
            begun: What `shallow` begins with of them: where the head alone has forgotten, that is as before.
        """
        forgotten = None
        for name, depth in DEPTHS.items():  # from the head down
            forget(self.net, self.learnt, depth=depth, seed=seed, forgotten=forgotten)
            forgotten = depth
            yield name, self.deep(pixels) if depth else self.shallow.finish(pixels, begun)


def _wins(larger: NDArray[np.float64], smaller: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return whether curves (B, S) lie above others on average, as 1 and 0; one half where they are equal."""
    difference = (larger - smaller).mean(axis=1)
    return np.where(difference == 0, 0.5, difference > 0)
