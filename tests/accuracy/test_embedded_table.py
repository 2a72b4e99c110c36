"""The embedded accuracy table is what its provenance says, and a third of it is dense."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import numpy as np

from nasface.accuracy.table import DENSE, read_table
from nasface.assets import asset
from nasface.registry import build


def test_it_is_as_its_provenance_says_and_a_third_of_it_is_dense() -> None:
    path = asset("tables", "lfw112.csv")
    table = read_table(path, build("space", {"name": "ofa_mbv3_face", "resolution": 112}))
    said = json.loads(path.with_suffix(".provenance.json").read_text(encoding="utf-8"))
    assert said["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (said["subnets"], said["supernet"]) == (len(table), table.shared["supernet"])
    assert said["origins"] == Counter(table.notes["origin"])
    assert said["calibration"] == sorted(set(table.notes["calibration"]))
    assert len(np.unique(table.genotypes, axis=0)) == len(table) >= 1500
    assert said["origins"][DENSE] >= len(table) / 3
