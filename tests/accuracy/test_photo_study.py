"""The study of photos: resumable, refused when it belongs to something else, and right where the truth is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spoilt import spoilt

from nasface.accuracy.estimator import Faces
from nasface.accuracy.photo_study import PeoplePart, calibration_noise, part_rows, people_needed, read_study, study
from nasface.accuracy.table import held_table
from nasface.errors import InvalidInput, TableError
from nasface.spaces import OfaMbv3, OfaMbv3Config
from nasface.supernets import ElasticNetwork, ElasticSupernet


@pytest.fixture(scope="module")
def supernet() -> ElasticSupernet:
    torch.manual_seed(0)
    return ElasticSupernet(ElasticNetwork(OfaMbv3(OfaMbv3Config(width=0.25, resolution=32))), "tiny")


@pytest.fixture(scope="module")
def faces() -> Faces:
    images = np.random.default_rng(0).integers(0, 256, (158, 32, 32, 3)).astype(np.uint8)
    return Faces(images[150:], images[:150], np.arange(50).repeat(3), "photos:8")


def made_up(sd_draw: float, sd_part: float, subnets: int = 400) -> list[dict[str, Any]]:
    """True values of unit variance; draws add noise, parts of people more."""
    rng = np.random.default_rng(0)
    results = []
    for subnet, true in enumerate(rng.normal(size=subnets)):
        for size in (32, 64):
            for draw in range(2):
                whole = true + (sd_draw if size == 32 else 0.0) * rng.normal()
                parts = {f"auc_1/{n}:{i}": whole + sd_part * rng.normal() for n in (2, 4, 8) for i in range(n)}
                values = {"auc": whole} | parts
                results.append({"genotype": str(subnet), "calibration": size, "draw": draw, "values": values})
    return results


def test_noise_of_few_calibration_photos() -> None:
    few, many = calibration_noise(made_up(0.5, 0.0), ["auc"])
    assert (few.photos, few.subnets) == (32, 400)
    assert few.noise == pytest.approx(0.5, rel=0.1)
    assert few.tau < 0.8
    assert (many.noise, many.tau, many.change) == (0.0, 1.0, 0.0)


def test_people_for_a_reliability() -> None:
    halves = people_needed(made_up(0.0, 1.0), 800, ["auc"])[0]
    assert halves.photos == 400
    assert halves.reliability == pytest.approx(0.5, abs=0.07)
    assert halves.whole == pytest.approx(2 / 3, abs=0.07)
    assert halves.needed == pytest.approx(1600, rel=0.3)


def test_metrics_on_which_photos_are_too_few_to_tell_networks_apart_are_left_out() -> None:
    results = made_up(0.5, 1.0)
    parts_alike = [r | {"values": r["values"] | {name: 0.5 for name in r["values"] if "/8" in name}} for r in results]
    assert [found.photos for found in people_needed(parts_alike, 800, ["auc"])] == [400, 200]
    assert calibration_noise([r | {"values": {"auc": 0.5}} for r in results], ["auc"]) == []


def test_parts_are_disjoint_and_hold_whole_people() -> None:
    labels = np.repeat(np.arange(40), 3)
    parts = part_rows(labels)
    quarters = [parts[part] for part in PeoplePart.of(4)]
    assert sorted(np.concatenate(quarters).tolist()) == list(range(120))
    assert all((np.bincount(labels[rows], minlength=40) % 3 == 0).all() for rows in quarters)


def test_interrupted_studies_go_on(supernet: ElasticSupernet, faces: Faces, tmp_path: Path) -> None:
    path, population = tmp_path / "study.jsonl", supernet.space.sample(np.random.default_rng(0), 2)
    told: list[tuple[int, int]] = []
    whole = study(supernet, faces, population, [2, 4], path, lambda done, total: told.append((done, total)))
    assert len(whole) == 2 * 2 * 2
    assert told[-1] == (8, 8)
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    assert len(read_study(path)[1]) == 7
    assert study(supernet, faces, population, [2, 4], path) == whole
    assert path.read_bytes() == content
    with pytest.raises(TableError, match="study of another data"):
        study(supernet, replace(faces, images=faces.images[::-1]), population, [2], path)


def test_two_processes_do_not_share_a_study(supernet: ElasticSupernet, faces: Faces, tmp_path: Path) -> None:
    path, population = tmp_path / "s.jsonl", supernet.space.sample(np.random.default_rng(0), 1)
    with held_table(path), pytest.raises(InvalidInput, match=r"s\.jsonl is being measured by another process"):
        study(supernet, faces, population, [2], path)
    assert not path.exists()


def test_too_few_calibration_photos(supernet: ElasticSupernet, faces: Faces, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="need 16 training photos and there are 8"):
        study(supernet, faces, supernet.space.sample(np.random.default_rng(0), 1), [2, 8], tmp_path / "s.jsonl")


def test_another_file(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text("genotype,auc\n1 2,0.5\n")
    with pytest.raises(TableError, match="is not a study of photos"):
        read_study(tmp_path / "s.jsonl")


def test_a_damaged_result_is_refused_or_can_be_used(tmp_path: Path) -> None:
    path, refused = tmp_path / "study.jsonl", 0
    for content in spoilt(made_up(0.1, 0.0, 1)[0]):
        path.write_text(f'{{"photos": 9}}\n{json.dumps(content)}\n')
        try:
            calibration_noise(read_study(path).results, ["auc"])
        except TableError:
            refused += 1
    assert refused > 50
