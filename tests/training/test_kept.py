"""What a training folder notes is checked before it is used."""

from __future__ import annotations

import json
from pathlib import Path

from spoilt import spoilt

from nasface.errors import NasfaceError
from nasface.training.kept import space_of
from nasface.training.state import FINGERPRINT


def test_damaged_notes_of_the_space_are_refused_and_nothing_else(tmp_path: Path) -> None:
    noted, refused = {"space": "ofa_mbv3", "width": 0.25, "resolution": 32, "depths": [2, 3, 4]}, 0
    for content in spoilt({"space": noted, "seed": 0}):
        (tmp_path / FINGERPRINT).write_text(json.dumps(content))
        try:
            space_of(tmp_path)
        except NasfaceError:
            refused += 1
    assert refused > 30
