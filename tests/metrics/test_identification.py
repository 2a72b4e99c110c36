"""Identification: worked examples C and C2 of the facts, and leave-one-out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.metrics import leave_one_out, random_gallery
from nasface.metrics.identification import draw_galleries

C = np.array(
    [[1, 0, 0], [4, 1, 0], [1, 1, 0.2], [0, 3, 0], [0.5, 2, 0.5], [1, 1.2, 0], [0, 0, 5], [0, 1, 1.5], [0.9, 0, 1]]
)
C_LABELS = np.repeat([0, 1, 2], 3)


@pytest.fixture
def c2() -> tuple[np.ndarray, np.ndarray]:
    state = np.random.RandomState(7)
    labels = np.repeat(np.arange(20), 5)
    return state.normal(size=(20, 16))[labels] + 1.2 * state.normal(size=(100, 16)), labels


def test_example_c() -> None:
    galleries = [gallery.tolist() for gallery in draw_galleries(C_LABELS, 5, 0)]
    assert galleries == [[2, 5, 6], [2, 5, 7], [1, 3, 6], [1, 3, 6], [2, 5, 8]]
    result = random_gallery(C, C_LABELS, repetitions=5)
    assert result.repetitions == pytest.approx([1, 1, 5 / 6, 5 / 6, 1])
    assert (result.micro, result.micro_std) == pytest.approx((0.933333, 0.0816497), abs=1e-6)
    assert (result.probes, result.people, result.rank5) == (6, 3, 1.0)


def test_example_c2(c2: tuple[np.ndarray, np.ndarray]) -> None:
    five, ten = random_gallery(*c2, repetitions=5), random_gallery(*c2)
    assert five.repetitions == pytest.approx([0.425, 0.425, 0.45, 0.4, 0.4625])
    assert (five.micro, five.micro_std) == pytest.approx((0.4325, 0.0217945), abs=1e-6)
    assert (ten.micro, ten.micro_std) == pytest.approx((0.43, 0.0491172), abs=1e-6)
    assert ten.macro == pytest.approx(ten.micro)  # every person has four probes
    assert ten.micro < ten.rank5 < 1
    first = draw_galleries(c2[1], 1, 0)[0].tolist()
    assert first == [2, 5, 11, 18, 24, 27, 32, 38, 40, 49, 51, 55, 61, 67, 73, 78, 84, 85, 90, 98]


def test_macro_does_not_let_one_person_dominate() -> None:
    """Person 0 has ten recognisable photos, person 1 two that look like person 0."""
    rows = np.array([[1.0, 0.01 * i] for i in range(10)] + [[1.0, 0.001], [-1.0, 0.0]])
    labels = np.array([0] * 10 + [1] * 2)
    result = leave_one_out(rows, labels)
    assert (result.micro, result.macro, result.probes) == pytest.approx((8 / 12, 8 / 10 / 2, 12))


def test_leave_one_out_equals_a_loop(c2: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = c2
    labels = np.where(np.arange(100) < 95, labels, 100 + np.arange(100))  # five people with one photo: distractors
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    hits = []
    for i in range(95):
        cosines = unit @ unit[i]
        cosines[i] = -2
        hits.append(labels[np.argmax(cosines)] == labels[i])
    result = leave_one_out(rows, labels)
    assert (result.micro, result.probes) == (pytest.approx(np.mean(hits)), 95)


def test_one_descriptor_for_everybody_identifies_nobody() -> None:
    rows, labels = np.ones((12, 4)), np.repeat(np.arange(4), 3)
    assert leave_one_out(rows, labels).micro == 0
    assert random_gallery(rows, labels).micro == 0


def test_sets_without_probes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="every person given has one"):
        leave_one_out(np.eye(3), [0, 1, 2])
    with pytest.raises(InvalidInput, match="one of them with two photos"):
        random_gallery(np.eye(3), [0, 1, 2])
    with pytest.raises(InvalidInput, match="two people"):
        random_gallery(np.eye(3), [0, 0, 0])


def test_the_papers_galleries_come_out_again(shared_data: Path) -> None:
    """For the paper's 596 people, seed 0 picks the gallery photos of one of them that the authors' code picks."""
    folder = shared_data / "lfw112"
    people = set((folder / "lfw_ytf_classes.txt").read_text().split())
    files = (folder.parent / "teacher_lfw112" / "files.txt").read_text().split()
    names = [name for name in sorted(files) if name.split("/")[0] in people]
    labels = np.unique([name.split("/")[0] for name in names], return_inverse=True)[1]
    bush = sorted(people).index("George_W_Bush")
    picked = [names[gallery[bush]][-8:-4] for gallery in draw_galleries(labels, 10, 0)]
    assert len(names) == 3739
    assert " ".join(picked) == "0442 0029 0283 0512 0413 0250 0074 0338 0490 0232"
