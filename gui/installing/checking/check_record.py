"""What one look at this computer found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        found: What there is.
        good: Whether Overread can work with it.
        remedy: What to do where it cannot.
        needed: Whether Overread needs it; without what is not needed, it does less.
    """

    name: str
    found: str
    good: bool = True
    remedy: str = ""
    needed: bool = True

    @property
    def state(self) -> str:
        """In a word."""
        return "good" if self.good else "missing" if self.needed else "optional"

    @property
    def told(self) -> str:
        """What there is, and what would be done about it where it is not needed."""
        return self.found if self.good or self.needed else f"{self.found}. {self.remedy}"


def gigabytes(size: float) -> str:
    """Return a number of bytes as people read it."""
    return f"{size / 1024**3:.1f} GiB"
