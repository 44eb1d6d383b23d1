"""Whom a window is for that was opened by an invitation: one reader, who reads one study and sees nothing else."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Invited:
    """The reader and the study of an invitation, and the names that its images have outside.

    Attributes:
        study_id: Of the study.
        reader: The name of the reader.
        key: What the names of images are made with; new with every invitation.
    """

    study_id: str
    reader: str
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _meant: dict[str, str] = field(default_factory=dict, repr=False)

    def name_of(self, image_id: str) -> str:
        """Return what an image is called outside. Its id is the hash of its file: who has the file could tell it."""
        name = hmac.digest(self.key, image_id.encode(), "sha256").hex()
        self._meant[name] = image_id
        return name

    def image_named(self, name: str) -> str:
        """Return the id of the image that a name from `name_of` stands for; where it stands for none, itself."""
        return self._meant.get(name, name)
