"""How far off each model of latency is: a table's sums and what is learned from networks, and prices carried over.

    python benchmarks/compare_latency_models.py learned TABLE measurements.csv [--resolution 112] [--threads N]
    python benchmarks/compare_latency_models.py analytic TABLE_A TABLE_B [--resolution 112]

`learned`: error of `lut` (as it is, and after one factor fitted to the same networks) against `latency=learned` after
20, 50, 100 and 200 measurements, chosen at random or as most informative, on 30 networks left, over ten random orders.
`analytic`: the layer model fitted to table A judged on B's sums, and the other way round, as it is and with one factor.
Tables are names or files. Everything is computed from the files; nothing is timed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.costs import AnalyticConfig, AnalyticLatency, LayerCost
from nasface.devices import find_lut, read_lut
from nasface.devices.check import LatencyCheck
from nasface.devices.learned import LayerGroups, learn
from nasface.devices.measured import read_measured
from nasface.devices.optimal_design import most_informative
from nasface.metrics import kendall_tau
from nasface.spaces import layer_counts
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig

SIZES, ORDERS, LEFT = (20, 50, 100, 200), 10, 30
Array = npt.NDArray[np.float64]


def compare_learned(table: str, file: Path, resolution: int, threads: int | None) -> None:
    space = OfaMbv3(OfaMbv3FaceConfig(resolution=resolution))
    measured = read_measured(file, space, threads=threads)
    lut = read_lut(find_lut(table))
    groups = LayerGroups.of(space.layers(), lut.values(space.layers(), resolution))
    counts, times = layer_counts(space, measured.genotypes), measured.ms
    print(f"{len(times)} networks, {measured.device}, {measured.threads} thread(s); table {lut.name}")
    print("| networks | lut | lut x factor | learned, random | tau | learned, informative | tau | own estimate |")
    print("|---|---|---|---|---|---|---|---|")
    for n in [size for size in SIZES if size + LEFT <= len(times)]:
        rows = [_one_order(groups, counts, times, n, np.random.default_rng(seed)) for seed in range(ORDERS)]
        cells = [(np.mean(column), np.std(column, ddof=1) / np.sqrt(ORDERS)) for column in zip(*rows, strict=True)]
        taus = (3, 5)
        text = [f"{m:.3f}" if i in taus else f"{m:.2%} ± {e:.2%}" for i, (m, e) in enumerate(cells)]
        print(f"| {n} | " + " | ".join(text) + " |")


def _one_order(groups: LayerGroups, counts: Array, times: Array, n: int, rng: np.random.Generator) -> list[float]:
    """MAPE on networks left: lut, lut with a factor, learned (and tau) from random and from chosen networks."""
    order = rng.permutation(len(times))
    left, pool = order[:LEFT], order[LEFT:]
    features = groups.features(counts)
    chosen = pool[most_informative(features[pool], n)]
    sums = counts @ groups.prior
    factor = float(np.exp(np.log(times[pool[:n]] / sums[pool[:n]]).mean()))
    found = [_mape(sums[left], times[left]), _mape(factor * sums[left], times[left])]
    fits = [learn(groups, counts[rows], times[rows]) for rows in (pool[:n], chosen)]
    for fitted in fits:
        predicted = fitted.predict(counts[left])
        found += [_mape(predicted, times[left]), kendall_tau(times[left], predicted)]
    return [*found, float(np.abs(1 / (1 + fits[0].errors) - 1).mean())]


def _mape(predicted: Array, measured: Array) -> float:
    return float(np.abs(predicted / measured - 1).mean())


def compare_analytic(one: str, other: str, resolution: int) -> None:
    space = OfaMbv3(OfaMbv3FaceConfig(resolution=resolution))
    nets = space.sample(np.random.default_rng(0), 1000)
    print("| fitted to | judged on | rows | mean error | largest | bias | factor | after the factor | Kendall tau |")
    print("|---|---|---|---|---|---|---|---|---|")
    for source, target in dict.fromkeys(((one, one), (one, other), (other, other), (other, one))):
        model = AnalyticLatency(AnalyticConfig(table=source), space=space, device=None)
        table = read_lut(find_lut(target))
        rows = table.values(space.layers(), resolution)
        truth = LayerCost(space, rows).predict(nets)
        figures = LatencyCheck.of(model.predict(nets), truth, np.random.default_rng(0)).figures
        layers = np.abs(model.values[rows > 0] / rows[rows > 0] - 1).mean()
        value = {name: interval.value for name, interval in figures.items()}
        print(
            f"| {read_lut(find_lut(source)).name} | {table.name} | {layers:.1%} | {value['mape']:.1%} | "
            f"{value['worst']:.1%} | {value['bias']:+.1%} | {value['factor']:.2f} | {value['mape_scaled']:.1%} | "
            f"{value['kendall_tau']:.3f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("learned", "analytic"))
    parser.add_argument("table")
    parser.add_argument("other", help="a file of measurements, or the other table")
    parser.add_argument("--resolution", type=int, default=112)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.what == "learned":
        compare_learned(args.table, Path(args.other), args.resolution, args.threads)
    else:
        compare_analytic(args.table, args.other, args.resolution)


if __name__ == "__main__":
    main()
