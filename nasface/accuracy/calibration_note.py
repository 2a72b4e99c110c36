"""What batch normalisation was calibrated on, as tables, models and reports say it: `photos:512:1a2b3c4d`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

PHOTOS: Final = "photos"
SYNTHETIC: Final = "synthetic"


@dataclass(frozen=True)
class CalibrationNote:
    """One note; `str` prints it, `of` reads it.

    Attributes:
        source: `PHOTOS` of training people, `SYNTHETIC` images, or whatever a table of others says.
        images: How many, or None where a note does not say.
        fingerprint: First digits of a hash that tells the images from others of that name, or nothing.
    """

    source: str
    images: int | None = None
    fingerprint: str = ""

    @classmethod
    def of(cls, text: str) -> CalibrationNote:
        """From a table or a model's metadata; a text of another form is all source."""
        source, *rest = text.split(":")
        if not 1 <= len(rest) <= 2 or not rest[0].isdecimal():
            return cls(text)
        return cls(source, int(rest[0]), *rest[1:])

    def with_fingerprint(self, fingerprint: str) -> CalibrationNote:
        """The same about particular images."""
        return replace(self, fingerprint=fingerprint)

    def __str__(self) -> str:
        parts = (self.source, self.images, self.fingerprint)
        return ":".join(str(part) for part in parts if part not in (None, ""))
