"""What every loss and every teacher must do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from torch import Tensor

    from nasface.training.losses import ClassificationLoss
    from nasface.training.teachers import Teacher

PHOTOS, CLASSES, NUMBERS = 12, 5, 16
"""Of a batch: photos; people; numbers of a descriptor."""


class LossConformance:
    """Give the fixture `loss`: what the registered class or function makes of its config."""

    @pytest.fixture
    def loss(self) -> ClassificationLoss:
        raise NotImplementedError("give the fixture `loss`")

    @pytest.fixture
    def batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Descriptors, weight and bias of the head, labels: photos near their own person's row of the head."""
        torch = pytest.importorskip("torch")
        rng = torch.Generator().manual_seed(0)
        weight = torch.randn(CLASSES, NUMBERS, generator=rng)
        labels = torch.arange(PHOTOS) % CLASSES
        descriptors = weight[labels] + 0.1 * torch.randn(PHOTOS, NUMBERS, generator=rng)
        return descriptors, weight, torch.zeros(CLASSES), labels

    def test_config(self, loss: ClassificationLoss) -> None:
        assert loss.config.name
        assert loss.config.weight >= 0

    def test_logits(self, loss: ClassificationLoss, batch: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
        descriptors, weight, bias, labels = batch
        kept = descriptors.clone(), weight.clone()
        logits = loss.logits(descriptors, weight, bias)
        assert logits.shape == (PHOTOS, CLASSES)
        assert logits.isfinite().all()
        assert (logits.argmax(1) == labels).all(), "the own person must have the highest logit"
        assert (descriptors == kept[0]).all(), "logits changed the descriptors"
        assert (weight == kept[1]).all(), "logits changed the head"
        alone = loss.logits(descriptors[:1], weight, bias)
        assert (alone - logits[:1]).abs().max() < 1e-4, "the logits of a photo depend on the others"

    def test_value(self, loss: ClassificationLoss, batch: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
        descriptors, weight, bias, labels = batch
        logits = loss.logits(descriptors, weight, bias)
        for progress in (0.0, 0.5, 1.0):
            right, wrong = (loss(logits, who, progress) for who in (labels, (labels + 1) % CLASSES))
            assert right.shape == (), "one number, the mean over the batch"
            assert math.isfinite(float(right))
            assert right < wrong, "the loss is no lower for the right people"
            assert float(loss(logits, labels, progress)) == float(right), "the loss must repeat itself"
            twice = loss(logits.repeat(2, 1), labels.repeat(2), progress)
            assert float(twice) == pytest.approx(float(right), rel=1e-4), "a mean, not a sum, over the batch"

    def test_it_is_learned_from(self, loss: ClassificationLoss, batch: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
        descriptors, weight, bias, labels = batch
        descriptors, weight = descriptors.requires_grad_(), weight.requires_grad_()
        value = loss(loss.logits(descriptors, weight, bias), (labels + 1) % CLASSES, 1.0)
        assert value.requires_grad, "no gradient reaches descriptors and head"
        value.backward()  # type: ignore[no-untyped-call]
        for name, learned in (("descriptors", descriptors), ("head", weight)):
            assert learned.grad is not None, f"no gradient reaches the {name}"
            assert learned.grad.isfinite().all()
            assert learned.grad.abs().max() > 0, f"no gradient reaches the {name}"


class TeacherConformance:
    """Give the fixture `make`: from the number of people and the side of the photos to a teacher, as it is registered.

    A teacher of other photos than 32 pixels says so with the attribute `side`.
    """

    side = 32

    @pytest.fixture
    def make(self) -> Callable[[int, int], Teacher]:
        raise NotImplementedError("give the fixture `make`")

    @pytest.mark.parametrize("photos", [1, 7])
    def test_what_it_says(self, make: Callable[[int, int], Teacher], photos: int) -> None:
        torch = pytest.importorskip("torch")
        teacher = make(CLASSES, self.side)
        x = torch.randn(photos, 3, self.side, self.side, generator=torch.Generator().manual_seed(0))
        kept = x.clone()
        taught = teacher(x)
        assert taught.logits.shape == (photos, CLASSES), "one logit a photo and person"
        assert taught.logits.isfinite().all()
        assert taught.logits.device == x.device
        assert not taught.logits.requires_grad, "a teacher answers without gradients"
        assert torch.equal(x, kept), "the teacher changed its photos"
        assert torch.equal(teacher(x).logits, taught.logits), "the teacher must repeat itself"
