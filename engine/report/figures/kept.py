"""A figure that was drawn of the same numbers is not drawn again: after an answer, most figures are what they were."""

from __future__ import annotations

import copyreg
import hashlib
import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable
from gettext import NullTranslations
from types import MappingProxyType
from typing import ParamSpec

from markupsafe import Markup

from engine import language

MOST = 128  # figures: a few MB

P = ParamSpec("P")
_Key = tuple[Callable[..., Markup], str, NullTranslations, bytes]
_KEPT: OrderedDict[_Key, Markup] = OrderedDict()
_LOCK = threading.Lock()


class _Told:
    """Hashes what is written to it, as it comes: the curves of many cases are many bytes."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.sha256.update(data)


class _Pickler(pickle.Pickler):
    """Writes views of a dictionary as what they show."""

    dispatch_table = copyreg.dispatch_table | {MappingProxyType: lambda view: (dict, (dict(view),))}


def kept(draw: Callable[P, Markup], *numbers: P.args, **more: P.kwargs) -> Markup:
    """Return what `draw` draws of these arguments in the language that is spoken.

    Args:
        draw: A function of a module, whose figure follows from its arguments and the language alone.
        numbers: What it is given.
        more: What it is given by name.
    """
    told = _Told()
    _Pickler(told, protocol=5).dump((numbers, sorted(more.items())))
    spoken = language.language()
    key = (draw, spoken, language.catalogue(spoken), told.sha256.digest())
    with _LOCK:
        if key in _KEPT:
            _KEPT.move_to_end(key)
            return _KEPT[key]
    drawn = draw(*numbers, **more)
    with _LOCK:
        _KEPT[key] = drawn
        while len(_KEPT) > MOST:
            _KEPT.popitem(last=False)
    return drawn
