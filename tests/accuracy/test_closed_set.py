"""Top-1 of the classifier on known people: by hand, through the estimator, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nasface.accuracy.candidates import Plan, Source
from nasface.accuracy.closed_set import ClosedSet, open_closed_set
from nasface.accuracy.estimator import Faces, describe, estimate, measured_network
from nasface.accuracy.table import UNIFORM
from nasface.errors import InvalidInput
from nasface.spaces import OfaMbv3, OfaMbv3Config
from nasface.supernets import ElasticNetwork, ElasticSupernet

PEOPLE = 6


def supernet(classes: int | None = PEOPLE, loss: str = "softmax") -> ElasticSupernet:
    torch.manual_seed(0)
    network = ElasticNetwork(OfaMbv3(OfaMbv3Config(width=0.25, resolution=32)), classes)
    return ElasticSupernet(network, "tiny", {"options": {"loss": {"name": loss}}})


@pytest.fixture(scope="module")
def faces() -> Faces:
    images = np.random.default_rng(0).integers(0, 255, (40, 32, 32, 3)).astype(np.uint8)
    return Faces(images[24:], images[:24], np.arange(24) % PEOPLE, "photos:16", known=PEOPLE)


def test_top1_by_hand() -> None:
    weight = np.array([[1, 0], [0, 1], [-1, -1]], np.float32)
    judged = ClosedSet(np.array([0, 0, 1, 2]), weight, np.zeros(3, np.float32))
    descriptors = np.array([[2, 1], [0, 3], [-1, 2], [1, -1]], np.float32)
    found = judged.measure(descriptors)
    assert list(found) == judged.names
    assert found["top1"] == 0.5
    assert (found["top1_half1"], found["top1_half2"]) == (pytest.approx(1 / 3), 1.0), "people 0 and 2, person 1"


@pytest.mark.parametrize("loss", ["softmax", "arcface"])
def test_the_classifier_is_used_as_its_loss_made_it(faces: Faces, loss: str) -> None:
    net = supernet(loss=loss)
    with torch.no_grad():
        head = net.network.get_submodule("classifier.linear")
        head.weight[0] *= 100
        head.bias[:] = torch.arange(PEOPLE)
    genotype = net.canonical({"ks": 3, "e": 3, "d": 2})
    descriptors = describe(measured_network(net, genotype, faces.calibration), faces.images)
    weight, bias = head.weight.detach().numpy(), head.bias.detach().numpy()
    if loss == "arcface":
        weight, bias = weight / np.linalg.norm(weight, axis=1, keepdims=True), 0 * bias
    wanted = ((descriptors @ weight.T + bias).argmax(1) == faces.labels).mean()
    assert open_closed_set(net, faces.labels, PEOPLE).measure(descriptors)["top1"] == wanted


def test_a_table_of_known_people(faces: Faces, tmp_path: Path) -> None:
    table = estimate(supernet(), faces, 2, 0, tmp_path / "t.csv", plan=Plan((Source(UNIFORM),)))
    assert table is not None
    assert set(table.metrics) == {"top1", *(f"top1_{half}{i}" for half in ("half", "photos") for i in (1, 2))}
    assert faces.fingerprint != replace(faces, known=None).fingerprint, "a table of strangers is another one"


def test_refusals(faces: Faces) -> None:
    with pytest.raises(InvalidInput, match="stored without its classifier"):
        open_closed_set(supernet(None), faces.labels, PEOPLE)
    with pytest.raises(InvalidInput, match="knows 6 people, and these photos show 7"):
        open_closed_set(supernet(), faces.labels, 7)
