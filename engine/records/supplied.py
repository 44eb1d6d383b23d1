"""Where predictions came from that no net of ours made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval, MinLen


@dataclass(frozen=True, kw_only=True, slots=True)
class Supplied:
    """Predictions that another program made, and that came as a table: what is known of where they are from.

    Attributes:
        model: Name of the model, as a person gave it.
        version: Of the model, likewise; empty where none was given.
        file: Name of the table.
        sha256: Of the table's bytes.
        content: sha256 of what was taken from table and maps: equal content is one run.
        maps: How many cases came with a map.
        remarks: Sentences without full stops: how the table was read, and what of it and of the images was left out.
    """

    model: Annotated[str, MinLen(1)]
    version: str
    file: str
    sha256: str
    content: str
    maps: Annotated[int, Interval(ge=0)] = 0
    remarks: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Model and version in one."""
        return f"{self.model} {self.version}".strip()


MAP_AS_SUPPLIED = "map as supplied"
"""The method of maps that came with supplied predictions: how they were made is not known."""
