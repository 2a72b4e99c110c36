"""How good sub-networks are while they are trained: calibrated, on people they were not trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nasface.accuracy.estimator import describe
from nasface.errors import InvalidInput
from nasface.metrics import PhotoSet, evaluate_all_pairs, supported_rates
from nasface.metrics.metric import AUC
from nasface.spaces import OfaMbv3
from nasface.supernets.calibration import calibrate
from nasface.supernets.module import SpecModule

LARGEST = 1e15
"""Beyond it float32 cannot hold squares, and cosines are lost."""

Genotype = npt.NDArray[np.int8]
Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Judges:
    """Photos for validation.

    Attributes:
        calibration: uint8[m, side, side, 3] of training people.
        images: uint8[n, side, side, 3].
        labels: (n,) person of every image.

    Raises:
        InvalidInput: No two of them show one person, or none show two: there is nothing to judge by.
    """

    calibration: Images
    images: Images
    labels: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        if lack := AUC.lacks(PhotoSet.of(self.labels)):
            raise InvalidInput(
                f"A training is judged by pairs of validation photos, and {lack}: give photos of more people, or more "
                "of each, or another data.validation_fraction."
            )

    def judge(self, module: SpecModule) -> dict[str, float]:
        """AUC over all pairs of a network's own copy, which is calibrated; the true accept rate where pairs suffice.

        Raises:
            InvalidInput: Its descriptors have grown without bounds.
        """
        descriptors = describe(calibrate(module, self.calibration).fold(), self.images)
        check_finite(float(np.abs(descriptors).max()))
        lowest = sorted(supported_rates(self.labels))[:1]
        pairs = evaluate_all_pairs(descriptors, self.labels, lowest)
        rates = {name: value for far in lowest for name, value in (("tar", pairs.tar(far)), ("far", far))}
        return {"auc": pairs.auc, **rates}


def check_finite(value: float) -> None:
    """Refuse to go on with a training that has diverged; its last checkpoint is of a time before.

    Raises:
        InvalidInput: The value is not finite, or so large that its square would not be.
    """
    if not abs(value) < LARGEST:
        raise InvalidInput(
            f"The training has diverged (a value of {value:g}); begin anew in another training.folder with a lower "
            "training.plan.PHASE.learning_rate or with training.clip=5."
        )


def validation_list(space: OfaMbv3, which: str) -> dict[str, Genotype]:
    """The networks that a phase over the networks of `space` is judged by.

    `corners` is OFA's list: all kernels where only kernels vary, else smallest and largest kernel, expand ratio and
    depth in all combinations. `extremes` is the smallest and the largest network.
    """
    kernels, expands, depths = space.kernels, space.expands, space.depths
    if which == "extremes":
        choices = [(c(kernels), c(expands), c(depths)) for c in (min, max)]
    elif len(expands) == len(depths) == 1:
        choices = [(k, e, d) for k in kernels for e in expands for d in depths]
    else:
        ends = [sorted({min(c), max(c)}) for c in (kernels, expands, depths)]
        choices = [(k, e, d) for k in ends[0] for e in ends[1] for d in ends[2]]
    return {f"k{k} e{e} d{d}": space.from_dict({"ks": k, "e": e, "d": d}) for k, e, d in sorted(set(choices))}
