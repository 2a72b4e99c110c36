"""Calibration notes are values: what is printed is read back, and notes of others stay as they are."""

from __future__ import annotations

import pytest

from nasface.accuracy.calibration_note import PHOTOS, CalibrationNote


@pytest.mark.parametrize(
    "text", ["photos:512", "photos:512:1a2b3c4d", "synthetic:256", "none", "made-up", "a:b", "C:1:2:3"]
)
def test_what_is_read_is_printed(text: str) -> None:
    assert str(CalibrationNote.of(text)) == text


def test_fields() -> None:
    assert CalibrationNote.of("photos:512:1a2b3c4d") == CalibrationNote(PHOTOS, 512, "1a2b3c4d")
    assert CalibrationNote.of("made-up").images is None
