"""Which networks are probes, what becomes of their times, and which times cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nasface.devices import LookupTable, Provenance, embedded_luts, read_lut
from nasface.devices.optimal_design import most_informative
from nasface.devices.probe_table import ProbeTime, ScaledTable, scale_to_probes
from nasface.devices.probes import choose_probes
from nasface.devices.scaling import Base
from nasface.errors import InvalidInput, LookupTableError
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig

SPACE = OfaMbv3(OfaMbv3FaceConfig(resolution=112))
BASE = Base.of(read_lut(embedded_luts()["i7_8700k"]), [SPACE])
NEW = Provenance("estimated", "new phone", runtime="TFLite CPU", threads=2)


def pool() -> np.ndarray:
    drawn = SPACE.sample(np.random.default_rng(0), 200)
    ends = [SPACE.from_dict({"ks": k, "e": e, "d": d}) for k, e, d in ((3, 3, 2), (7, 6, 4))]
    return np.concatenate([np.stack(ends), drawn])


PROBES = choose_probes(SPACE, BASE, pool(), 5)


def times(cost: float = 0.1, noise: float = 0.0, n: int = 4) -> list[ProbeTime]:
    """Of a device that needs half the table's time and `cost` table-ms per convolution."""
    rng, found = np.random.default_rng(1), []
    for i, row in enumerate(PROBES[:n], 1):
        counted = BASE.features(SPACE.build(row).layers, 112)
        ms = 0.5 * (counted["table"] + cost * counted["convolutions"]) * float(np.exp(noise * rng.standard_normal()))
        found.append(ProbeTime(f"probe_{i}", 112, ms, row))
    return found


def made(given: list[ProbeTime], tolerance: float = 0.05) -> ScaledTable:
    return scale_to_probes(BASE, [SPACE], given, NEW, tolerance)


def test_a_design_tells_most_per_row(rng: np.random.Generator) -> None:
    x = rng.standard_normal((200, 3))
    chosen = most_informative(x, 8)
    assert len(set(chosen.tolist())) == 8
    random = [np.linalg.slogdet(np.cov(x[rng.choice(200, 8)].T))[1] for _ in range(50)]
    assert np.linalg.slogdet(np.cov(x[chosen].T))[1] > max(random)
    np.testing.assert_array_equal(most_informative(x, 3), chosen[:3])
    rest = np.setdiff1d(np.arange(200), chosen[:3])
    scale = x.std(axis=0) / x[rest].std(axis=0)  # of the pool; the prior is in its units
    np.testing.assert_allclose(scale, 1, rtol=0.05)
    np.testing.assert_array_equal(rest[most_informative(x[rest], 5, x[chosen[:3]])][:3], chosen[3:6])


def test_probes_are_nested_and_hold_the_extremes() -> None:
    few = choose_probes(SPACE, BASE, pool(), 3)
    np.testing.assert_array_equal(few, PROBES[:3])
    assert len(np.unique(PROBES, axis=0)) == 5
    ms = [BASE.features(SPACE.build(row).layers, 112)["table"] for row in pool()]
    ends = [BASE.features(SPACE.build(row).layers, 112)["table"] for row in PROBES[:2]]
    assert ends == [min(ms), max(ms)]


@pytest.mark.parametrize("n", [2, 13])
def test_number_of_probes(n: int) -> None:
    with pytest.raises(InvalidInput, match=rf"calibrate.probes is {n}; give 3 to 12"):
        choose_probes(SPACE, BASE, pool(), n)


def test_the_base_table_needs_the_resolution() -> None:
    other = OfaMbv3(OfaMbv3FaceConfig(resolution=144))
    with pytest.raises(LookupTableError, match=r"no rows at 144 pixels"):
        choose_probes(other, BASE, pool(), 3)


def test_the_truth_is_recovered() -> None:
    found = made(times())
    assert found.scaling.candidate == "table + per convolution"
    assert found.enough
    assert "no more probes are needed" in found.verdict
    layer = next(layer for layer in SPACE.layers() if layer.kind == "expanded_conv")
    convolutions = BASE.features([layer], 112)["convolutions"]
    expected = 0.5 * (BASE.table.rows[112][layer.key].mean_ms + 0.1 * convolutions)
    assert found.table.rows[112][layer.key].mean_ms == pytest.approx(expected, rel=1e-3)
    assert found.table.estimated
    assert set(found.table.rows) == {112}
    assert set(found.table.provenance.loo_errors) == {"probe_1", "probe_2", "probe_3", "probe_4"}
    assert found.table.reference("efficientnet_b0", 112).kind == "estimated"


def test_noise_asks_for_more_and_many_for_another_way() -> None:
    assert "so more probes are needed" in made(times(noise=0.08), 0.02).verdict
    many = choose_probes(SPACE, BASE, pool(), 8)
    rng = np.random.default_rng(2)
    noisy = [
        ProbeTime(f"p{i}", 112, 3 * float(np.exp(0.08 * rng.standard_normal())), row) for i, row in enumerate(many)
    ]
    noisy = [replace(p, ms=p.ms * BASE.features(SPACE.build(p.genotype).layers, 112)["table"]) for p in noisy]  # type: ignore[arg-type]
    assert "measure its layers with task=build_lut" in made(noisy, 0.02).verdict


def test_a_timed_reference_is_measured_and_not_fitted_to() -> None:
    with_reference = made([*times(), ProbeTime("efficientnet_b0", 112, 30.0, std=1.0)])
    reference = with_reference.table.reference("efficientnet_b0", 112)
    assert (reference.ms, reference.std, reference.kind) == (30.0, 1.0, "measured")
    assert with_reference.table.rows == made(times()).table.rows


def test_equal_times_equal_tables() -> None:
    one, two = made(times()), made(times())
    assert isinstance(one.table, LookupTable)
    assert one.table == two.table


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t[:2], "There are times of 2 networks of the space; give 3 at least"),
        (lambda t: [*t, t[0]], "There are 2 times of probe_1; keep one"),
        (lambda t: [replace(t[0], ms=0.0), *t[1:]], "The time of probe_1 is 0 ms; give a positive"),
        (lambda t: [replace(t[0], ms=float("nan")), *t[1:]], "The time of probe_1 is nan ms"),
        (lambda t: [replace(p, ms=p.ms / 1e3) for p in t], "is that seconds?"),
        (lambda t: [replace(p, ms=p.ms * 1e3) for p in t], "is that microseconds?"),
        (lambda t: [replace(t[0], ms=t[1].ms), replace(t[1], ms=t[0].ms), *t[2:]], "cannot come from one device"),
        (lambda t: [t[0], replace(t[1], ms=t[1].ms * 8), *t[2:]], "probe_2 takes .* but needs at most"),
    ],
)
def test_times_that_cannot_be(change: object, sentence: str) -> None:
    given = change(times())  # type: ignore[operator]
    with pytest.raises(InvalidInput, match=sentence):
        made(given)
