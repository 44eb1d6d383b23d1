"""The packages that speak to archives, which a usual install does not bring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import DataError


@contextmanager
def with_extra(what: str) -> Iterator[None]:
    """Say which package is missing, and how it is had, where something cannot be imported.

    Raises:
        DataError: It cannot.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise DataError(
            f"{what} needs the package {error.name}, which is not installed",
            "Have it installed",
            option="python -m pip install 'overread[pacs]'",
        ) from error
