"""A classifier that begins with mean descriptors."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from nasface.data import FaceSet, load_data
from nasface.supernets.calibration import calibrate
from nasface.training.imprinting import PHOTOS, first_of_each, imprint
from nasface.training.networks import TrainableSupernet

from ._tiny import SIDE, tiny_space

MEAN = np.array([0.485, 0.456, 0.406], np.float32).reshape(1, 3, 1, 1)
STD = np.array([0.229, 0.224, 0.225], np.float32).reshape(1, 3, 1, 1)


@pytest.fixture(scope="module")
def faces() -> FaceSet:
    return load_data({"name": "procedural", "people": 12, "photos": 6}).require("training")


def test_rows_are_unit_means_of_the_largest_networks_unit_descriptors(
    faces: FaceSet, caplog: pytest.LogCaptureFixture
) -> None:
    network = TrainableSupernet(tiny_space(), len(faces.people))
    photos = faces.load(size=SIDE)
    with caplog.at_level(logging.INFO):
        imprint(network, faces, photos.images[:16], torch.device("cpu"))
    assert f"mean descriptors of {len(faces.people)} people" in caplog.text
    module = calibrate(network.cut(network.genotype_of(7, 6, 4)), photos.images[:16])
    person = 3
    own = np.flatnonzero(faces.labels == person)[:PHOTOS]
    x = (torch.from_numpy(photos.images[own]).permute(0, 3, 1, 2) / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
    with torch.inference_mode():
        unit = torch.nn.functional.normalize(module(x))
    head = network.get_submodule("classifier.linear")
    expected = torch.nn.functional.normalize(unit.mean(0), dim=0)
    torch.testing.assert_close(head.weight[person].detach(), expected, atol=1e-4, rtol=1e-3)
    assert not head.bias.any()


def test_a_person_without_a_readable_photo_keeps_the_row(faces: FaceSet, monkeypatch: pytest.MonkeyPatch) -> None:
    network = TrainableSupernet(tiny_space(), len(faces.people))
    head = network.get_submodule("classifier.linear")
    before, calibration = head.weight.detach().clone(), faces.load(np.arange(8), size=SIDE).images
    load = faces.load
    monkeypatch.setattr(type(faces), "load", lambda self, rows, *, size: load(rows[faces.labels[rows] != 2], size=size))
    imprint(network, faces, calibration, torch.device("cpu"))
    changed = (head.weight.detach() != before).any(dim=1)
    assert changed.tolist() == [person != 2 for person in range(len(faces.people))]


def test_first_rows_of_every_label() -> None:
    labels = np.array([2, 0, 2, 1, 2, 0])
    assert first_of_each(labels, 2).tolist() == [0, 1, 2, 3, 5]
    assert first_of_each(labels[:0], 2).tolist() == []
