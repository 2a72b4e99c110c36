"""Properties of the OFA MobileNetV3 space for any width, resolution and choices."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasface.errors import InvalidGenotype, InvalidInput
from nasface.spaces import OfaMbv3, OfaMbv3Config, OfaMbv3FaceConfig, Population
from nasface.spaces.genotype_file import read_genotype
from nasface.testing.synthetic import face_space

FACE = face_space()

choices = st.builds(
    OfaMbv3Config,
    width=st.sampled_from([0.5, 1.0, 1.2, 1.3]),
    resolution=st.integers(32, 256),
    kernels=st.lists(st.sampled_from([3, 5, 7]), min_size=1, unique=True),
    expands=st.lists(st.integers(2, 8), min_size=1, max_size=3, unique=True),
    depths=st.lists(st.integers(1, 4), min_size=1, unique=True),
    descriptor=st.sampled_from([None, 128, 512]),
)
seeds = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=25)


def raw(space: OfaMbv3, rng: np.random.Generator, n: int) -> npt.NDArray[np.int8]:
    """Genotypes whose inactive blocks have genes too."""
    parts = [(space.depths, 5), (space.kernels, 20), (space.expands, 20)]
    return np.hstack([rng.choice(values, (n, length)) for values, length in parts]).astype(np.int8)


class TestOperators:
    @quick
    @given(choices, seeds)
    def test_canonical_is_idempotent_and_keeps_the_network(self, config: OfaMbv3Config, seed: int) -> None:
        space, rng = OfaMbv3(config), np.random.default_rng(seed)
        given_rows = raw(space, rng, 6)
        rows = space.canonical(given_rows)
        np.testing.assert_array_equal(space.canonical(rows), rows)
        for before, after in zip(given_rows[:2], rows[:2], strict=True):
            assert space.build(before) == space.build(after)

    @quick
    @given(choices, seeds, st.floats(0, 1))
    def test_mutants_and_children_are_genotypes(self, config: OfaMbv3Config, seed: int, probability: float) -> None:
        space, rng = OfaMbv3(config), np.random.default_rng(seed)
        first, second = space.sample(rng, 20), space.sample(rng, 20)
        for rows in (first, space.mutate(rng, first, probability), space.crossover(rng, first, second)):
            space.validate(rows)

    @quick
    @given(seeds)
    def test_children_take_their_genes_from_the_parents(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        first, second = FACE.sample(rng, 30), FACE.sample(rng, 30)
        child = FACE.crossover(rng, first, second)
        foreign = (child != first) & (child != second) & (child != 0)
        activated = (first == 0) | (second == 0)
        assert not foreign[:, :5].any(), "a depth comes from a parent"
        assert (activated | ~foreign).all(), "a gene that is no parent's stood in a block that one parent does not have"

    @quick
    @given(seeds)
    def test_mutation_without_change_of_depth_touches_active_blocks_only(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        before = FACE.sample(rng, 30)
        after = FACE.mutate(rng, before, 0.3)
        same = before[:, :5] == after[:, :5]
        inactive = (before[:, 5:25] == 0).reshape(-1, 5, 4) & same[:, :, None]
        assert not after[:, 5:25].reshape(-1, 5, 4)[inactive].any()

    def test_rate_of_mutation(self) -> None:
        rng = np.random.default_rng(0)
        before = FACE.sample(rng, 4000)
        after = FACE.mutate(rng, before, 0.1)
        depths = (before[:, :5] != after[:, :5]).mean()
        assert depths == pytest.approx(0.1 * 2 / 3, abs=0.005)
        both = (before[:, 5:25] > 0) & (after[:, 5:25] > 0)
        pairs = (before[:, 5:25] != after[:, 5:25]) | (before[:, 25:] != after[:, 25:])
        assert pairs[both].mean() == pytest.approx(0.1 * 8 / 9, abs=0.005)

    @pytest.mark.parametrize("make", ["mutate", "crossover"])
    def test_activated_blocks_are_drawn_uniformly(self, make: str) -> None:
        """Otherwise deep networks would inherit whatever stood in the unused genes."""
        rng = np.random.default_rng(0)
        shallow = np.tile(FACE.from_dict({"ks": 7, "e": 6, "d": 2}), (6000, 1))
        deep = np.tile(FACE.from_dict({"ks": 7, "e": 6, "d": 4}), (6000, 1))
        if make == "mutate":
            child, share = FACE.mutate(rng, shallow, 0.5), 1 / 3
        else:
            child, share = FACE.crossover(rng, shallow, deep), 1 / 6  # half of the genes are the deep parent's, 7
        last = child[:, 5:25].reshape(-1, 5, 4)[:, :, 3]
        assert (last[last > 0] == 3).mean() == pytest.approx(share, abs=0.02)


class TestSample:
    def test_every_active_gene_is_uniform(self) -> None:
        rows = FACE.sample(np.random.default_rng(0), 9000)
        for values, part in ((FACE.depths, rows[:, :5]), (FACE.kernels, rows[:, 5:25]), (FACE.expands, rows[:, 25:])):
            for column in part.T:
                active = column[column > 0]
                for value in values:
                    deviation = (active == value).mean() - 1 / len(values)
                    assert abs(deviation) < 5 * np.sqrt(2 / 9 / len(active)), "beyond five standard deviations"

    def test_genes_are_independent(self) -> None:
        rows = FACE.sample(np.random.default_rng(1), 9000)
        first_blocks = rows[:, [*range(5), *range(5, 25, 4), *range(25, 45, 4)]].astype(float)
        correlation = np.corrcoef(first_blocks.T) - np.eye(15)
        assert np.abs(correlation).max() < 5 / np.sqrt(9000)


class TestStages:
    @quick
    @given(choices, seeds)
    def test_indices_go_round(self, config: OfaMbv3Config, seed: int) -> None:
        space = OfaMbv3(config)
        rng = np.random.default_rng(seed)
        stages = space.stage_choices()
        picked = np.stack([rng.integers(len(stage), size=30) for stage in stages], axis=1)
        population = np.sum([stage[picked[:, s]] for s, stage in enumerate(stages)], axis=0).astype(np.int8)
        space.validate(population)
        np.testing.assert_array_equal(space.stage_indices(population), picked)

    def test_choices_are_all_and_distinct(self) -> None:
        for stage in FACE.stage_choices():
            assert len(stage) == len(np.unique(stage, axis=0)) == 7371
        assert FACE.size() == 7371**5

    def test_groups_are_the_features_of_each_stage(self) -> None:
        rng = np.random.default_rng(0)
        row = FACE.sample(rng, 1)
        for kind in ("ordinal", "onehot"):
            for stage, group in enumerate(FACE.groups(kind)):
                other = np.concatenate([FACE.stage_choices()[stage][rng.integers(7371, size=200)]])
                mixed = np.where(FACE.stage_choices()[stage].any(axis=0), other, row).astype(np.int8)
                changed = np.flatnonzero((FACE.encode(mixed, kind) != FACE.encode(row, kind)).any(axis=0))
                assert set(changed.tolist()) <= set(group)


class TestLayers:
    @settings(deadline=None, max_examples=12)
    @given(choices, seeds)
    def test_indices_agree_with_the_network(self, config: OfaMbv3Config, seed: int) -> None:
        space = OfaMbv3(config)
        population = space.sample(np.random.default_rng(seed), 3)
        keys = [layer.key for layer in space.layers()]
        for row, indices in zip(population, space.layer_indices(population), strict=True):
            spec = space.build(row)
            assert [keys[i] for i in indices if i >= 0] == [layer.key for layer in spec.layers]
            assert sum(space.layers()[i].params for i in indices if i >= 0) == spec.params

    @pytest.mark.parametrize("resolution", [32, 33, 112, 113, 160, 224, 225])
    def test_odd_sizes_round_up_as_padding_does(self, resolution: int) -> None:
        space = OfaMbv3(OfaMbv3FaceConfig(resolution=resolution))
        spec = space.build(space.sample(np.random.default_rng(0), 1)[0])
        side = resolution
        for _ in range(5):
            side = -(-side // 2)
        assert spec.layers[-3].output_shape == (side, side, 1152)


class TestNames:
    def test_face_space_is_width_1_2(self) -> None:
        same = OfaMbv3(OfaMbv3Config(width=1.2))
        assert same.fingerprint() == FACE.fingerprint()
        assert OfaMbv3(OfaMbv3Config(width=1.2, resolution=112)).fingerprint() == FACE.fingerprint()
        assert OfaMbv3(OfaMbv3Config()).fingerprint() != FACE.fingerprint()

    @quick
    @given(choices, seeds)
    def test_net_config_goes_round(self, config: OfaMbv3Config, seed: int) -> None:
        space = OfaMbv3(config)
        row = space.sample(np.random.default_rng(seed), 1)[0]
        description = space.net_config(row)
        if min(space.depths) >= 2 and min(space.expands) >= 2:
            np.testing.assert_array_equal(space.from_dict(description), row)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"kernels": [4]}, "kernels from 3, 5, 7"),
            ({"kernels": []}, "space.kernels"),
            ({"expands": [9]}, "expands from 2 to 8"),
            ({"expands": [1, 4]}, "without the expansion"),
            ({"depths": [0, 2]}, "depths from 1 to 4"),
            ({"resolution": 16}, "32 to 1024"),
            ({"width": 9.0}, "0.25 to 4"),
        ],
    )
    def test_impossible_spaces(self, change: dict[str, Any], message: str) -> None:
        with pytest.raises(InvalidInput, match=message):
            OfaMbv3(OfaMbv3Config(**change))

    def test_rows_must_be_canonical(self) -> None:
        rows = FACE.sample(np.random.default_rng(0), 3)
        rows[2, :5], rows[2, 8] = 2, 3
        with pytest.raises(InvalidGenotype, match="Row 2 of the population"):
            FACE.validate(rows)


def test_raw_genotypes_of_one_network_are_one_row() -> None:
    rng = np.random.default_rng(0)
    rows: Population = raw(FACE, rng, 50)
    noisy = np.where(FACE.canonical(rows) == 0, rng.choice(FACE.kernels, rows.shape), rows)
    noisy[:, 25:] = np.where(FACE.canonical(rows)[:, 25:] == 0, 3, rows[:, 25:])
    found = Counter(row.tobytes() for row in np.concatenate([FACE.canonical(rows), FACE.canonical(noisy)]))
    assert set(found.values()) == {2}


class TestFilesOfOtherNetworks:
    """What is not a network of the space is refused, and the first difference named."""

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        space = OfaMbv3(OfaMbv3FaceConfig())
        return json.loads(json.dumps(space.net_config(space.from_dict({"ks": 5, "e": 4, "d": 3}))))

    @pytest.mark.parametrize(
        ("where", "value", "message"),
        [
            (("bn", "eps"), 1e-3, "bn has eps=0.001"),
            (("first_conv", "out_channels"), 16, r"first_conv has out_channels=16, the space's 24"),
            (("first_conv", "act_func"), "relu6", "act_func='relu6'"),
            (("blocks", 3, "conv", "mid_channels"), 100, r"blocks\[3\] has mid_channels=100"),
            (("blocks", 5, "conv", "use_se"), False, r"blocks\[5\] has use_se=False"),
            (("blocks", 2, "shortcut"), None, r"blocks\[2\] has shortcut=False"),
            (("feature_mix_layer", "out_channels"), 512, "feature_mix_layer has out_channels=512"),
        ],
    )
    def test_refused(self, config: dict[str, Any], where: tuple[Any, ...], value: object, message: str) -> None:
        *path, last = where
        part: Any = config
        for step in path:
            part = part[step]
        part[last] = value
        with pytest.raises(InvalidGenotype, match=message):
            OfaMbv3(OfaMbv3FaceConfig()).from_dict(config)

    def test_another_width_is_refused(self) -> None:
        narrow = OfaMbv3(OfaMbv3Config())
        with pytest.raises(InvalidGenotype, match=r"out_channels=16, the space's 24"):
            OfaMbv3(OfaMbv3FaceConfig()).from_dict(narrow.net_config(narrow.from_dict({"ks": 3, "e": 3, "d": 2})))

    def test_kernels_written_as_two_sides(self, config: dict[str, Any]) -> None:
        space = OfaMbv3(OfaMbv3FaceConfig())
        config["blocks"][2]["conv"]["kernel_size"] = [5, 5]
        np.testing.assert_array_equal(space.from_dict(config), space.from_dict({"ks": 5, "e": 4, "d": 3}))
        config["blocks"][2]["conv"]["kernel_size"] = [3, 5]
        with pytest.raises(InvalidGenotype, match="square"):
            space.from_dict(config)

    def test_another_resolution_is_refused(self) -> None:
        with pytest.raises(InvalidGenotype, match=r"\[224\] pixels and this space for 112"):
            OfaMbv3(OfaMbv3FaceConfig(resolution=112)).from_dict({"ks": 3, "e": 3, "d": 2, "r": [224]})

    def test_a_dictionary_as_python_prints_it(self, tmp_path: Path) -> None:
        space = OfaMbv3(OfaMbv3FaceConfig())
        (tmp_path / "log.txt").write_text("\ufeff" + repr({"ks": [3] * 20, "e": [4] * 20, "d": [2] * 5, "wid": None}))
        np.testing.assert_array_equal(
            read_genotype(tmp_path / "log.txt", space), space.from_dict({"ks": 3, "e": 4, "d": 2})
        )
        for text in ("[" * 200_000, '{"ks": 3, "e": 4, "d": 2, "d": 3}', f'{{"ks": {"9" * 400}, "e": 4, "d": 2}}'):
            (tmp_path / "wrong.json").write_text(text)
            with pytest.raises(InvalidGenotype, match=r"not JSON \((it is nested|the key 'd' stands|a number of 400)"):
                read_genotype(tmp_path / "wrong.json", space)


def test_the_classifier_of_a_net_config_is_what_ofas_latency_and_flops_functions_read() -> None:
    space = OfaMbv3(OfaMbv3FaceConfig(resolution=112))
    classifier = space.net_config(space.sample(np.random.default_rng(0), 1)[0])["classifier"]
    assert {key: classifier[key] for key in ("name", "in_features", "out_features", "bias")} == {
        "name": "LinearLayer",
        "in_features": 1536,
        "out_features": 1000,
        "bias": True,
    }
