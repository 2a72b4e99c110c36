"""What every search space must do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nasface.costs import Macs, Params
from nasface.errors import InvalidGenotype, InvalidInput
from nasface.netspec import random_weights, to_dict
from nasface.spaces import Population, SearchSpace, distinct_rows
from nasface.spaces.genotype_file import read_genotype
from nasface.testing.arguments import own_generator_only

N = 60
GENE_VALUES = 32
"""Values of a gene that are tried, from zero."""


class SpaceConformance:
    """Give the fixture `space`."""

    @pytest.fixture
    def space(self) -> SearchSpace:
        raise NotImplementedError("give the fixture `space`")

    def test_identity(self, space: SearchSpace) -> None:
        assert space.size() >= 1
        assert json.loads(json.dumps(dict(space.fingerprinted()))), "fingerprinted() must be JSON"
        assert space.fingerprint() == space.fingerprint()

    def test_operators_give_genotypes_and_repeat(self, space: SearchSpace) -> None:
        first, again = (self._operate(space) for _ in range(2))
        for rows, same in zip(first, again, strict=True):
            assert rows.shape == (N, space.n_genes)
            assert rows.dtype == np.int8
            space.validate(rows)
            np.testing.assert_array_equal(rows, same, "must draw from the given generator only")

    def _operate(self, space: SearchSpace) -> list[np.ndarray]:
        rng = np.random.default_rng(0)
        with own_generator_only():
            a, b = space.sample(rng, N), space.sample(rng, N)
            kept_a, kept_b = a.copy(), b.copy()
            results = [a, space.mutate(rng, a, 0.3), space.crossover(rng, a, b), space.mutate(rng, a, 1.0)]
        np.testing.assert_array_equal(a, kept_a, "operators must leave their arguments unchanged")
        np.testing.assert_array_equal(b, kept_b, "operators must leave their arguments unchanged")
        return results

    def test_nothing_changes_with_probability_zero(self, space: SearchSpace) -> None:
        rng = np.random.default_rng(0)
        population = space.sample(rng, N)
        np.testing.assert_array_equal(space.mutate(rng, population, 0.0), population)
        np.testing.assert_array_equal(space.crossover(rng, population, population), population)

    def test_everything_changes_with_probability_one(self, space: SearchSpace) -> None:
        rng = np.random.default_rng(0)
        population = space.sample(rng, N)
        free = (population != population[0]).any(axis=0)
        changed = (space.mutate(rng, population, 1.0) != population).any(axis=0)
        assert changed[free].all(), f"mutation with probability 1 never changes gene {int(np.argmax(free & ~changed))}"

    def test_children_have_genes_of_both_parents(self, space: SearchSpace) -> None:
        rng = np.random.default_rng(0)
        first, second = space.sample(rng, N), space.sample(rng, N)
        children, differ = space.crossover(rng, first, second), first != second
        if differ.any():
            assert (children == first)[differ].any(), "nothing comes from the first parent"
            assert (children == second)[differ].any(), "nothing comes from the second parent"

    def test_every_choice_is_sampled(self, space: SearchSpace) -> None:
        population = space.sample(np.random.default_rng(0), 2000)
        for gene, possible in enumerate(_possible_values(space)):
            missing = possible - set(population[:, gene].tolist())
            assert not missing, f"gene {gene} is never {sorted(missing)}"

    def test_different_rows_are_different_networks(self, space: SearchSpace) -> None:
        rows = _neighbours(space)
        networks = {json.dumps(to_dict(space.build(row)), sort_keys=True) for row in rows}
        assert len(networks) == len(rows), "a gene does not influence the network: canonical() must make it zero"

    def test_networks_run(self, space: SearchSpace) -> None:
        torch = pytest.importorskip("torch")
        from nasface.supernets import SpecModule

        for row in space.sample(np.random.default_rng(0), 2):
            spec = space.build(row)
            module = SpecModule.from_weights(spec, random_weights(spec, np.random.default_rng(1)))
            try:
                with torch.no_grad():
                    maps = module.maps(torch.zeros(1, spec.input_shape[2], *spec.input_shape[:2]))
            except RuntimeError as error:
                pytest.fail(f"build() gives a network that cannot be run: {error}")
            found = {name: (*map_.shape[2:], map_.shape[1]) for name, map_ in maps.items()}
            assert found == dict(spec.output_shapes), "the network computes other shapes than build() says"

    def test_no_rows_are_fine(self, space: SearchSpace) -> None:
        rng = np.random.default_rng(0)
        none = space.sample(rng, 0)
        assert none.shape == (0, space.n_genes)
        assert space.mutate(rng, none, 0.5).shape == none.shape
        assert space.crossover(rng, none, none).shape == none.shape

    def test_canonical(self, space: SearchSpace) -> None:
        population = space.sample(np.random.default_rng(0), N)
        np.testing.assert_array_equal(space.canonical(population), population)
        assert space.canonical(population.astype(np.int64)).dtype == np.int8
        for wrong in (population[:, :-1], np.full_like(population, 101), np.full_like(population, -1)):
            with pytest.raises(InvalidGenotype):
                space.canonical(wrong)

    @pytest.mark.parametrize("kind", ["ordinal", "onehot"])
    def test_encode(self, space: SearchSpace, kind: str) -> None:
        population = space.sample(np.random.default_rng(0), N)
        x = space.encode(population, kind)
        assert x.dtype == np.float32
        assert x.ndim == 2
        near = _neighbours(space)
        codes = space.encode(near, kind)
        assert len(np.unique(codes, axis=0)) == len(near), "different networks look the same: the code loses a gene"
        used = sorted(index for group in space.groups(kind) for index in group)
        assert used == list(range(x.shape[1])), "groups() must name every feature once"
        with pytest.raises(InvalidInput):
            space.encode(population, "no such code")

    def test_texts_and_dictionaries(self, space: SearchSpace) -> None:
        for row in space.sample(np.random.default_rng(0), 10):
            np.testing.assert_array_equal(space.from_text(space.to_text(row)), row)
            np.testing.assert_array_equal(space.from_dict(json.loads(json.dumps(space.to_dict(row)))), row)
        with pytest.raises(InvalidGenotype):
            space.from_text("no numbers")

    def test_the_description_of_a_network_is_read_back(self, space: SearchSpace, tmp_path: Path) -> None:
        row = space.sample(np.random.default_rng(0), 1)[0]
        (tmp_path / "net.config").write_text(json.dumps(space.net_config(row)), encoding="utf-8")
        np.testing.assert_array_equal(read_genotype(tmp_path / "net.config", space), row)

    def test_layers(self, space: SearchSpace) -> None:
        keys = [layer.key for layer in space.layers()]
        assert keys == sorted(set(keys)), "layers() must be sorted by key, every key once"
        population = space.sample(np.random.default_rng(0), 10)
        indices = space.layer_indices(population)
        assert indices.dtype == np.int16
        for row, chosen in zip(population, indices, strict=True):
            built = [layer.key for layer in space.build(row).layers]
            assert [keys[i] for i in chosen if i >= 0] == built, "layer_indices must agree with build"

    def test_every_layer_is_of_some_network(self, space: SearchSpace) -> None:
        choices, networks = space.stage_choices(), space.sample(np.random.default_rng(0), 500)
        if choices is not None:
            base = np.sum([stage[0] for stage in choices], axis=0, dtype=np.int8)
            networks = np.concatenate([(base - stage[0] + stage).astype(np.int8) for stage in choices])
        used = set(space.layer_indices(networks).ravel().tolist())
        unused = [layer.key for index, layer in enumerate(space.layers()) if index not in used]
        assert not unused, f"layers() has layers that no network has: {unused[:3]}"

    def test_layer_indices_agree_with_the_default(self, space: SearchSpace) -> None:
        population = space.sample(np.random.default_rng(1), 10)
        default = SearchSpace.layer_indices(space, population)
        assert _without_padding(space.layer_indices(population)) == _without_padding(default)

    def test_counts_agree_with_the_network(self, space: SearchSpace) -> None:
        population = space.sample(np.random.default_rng(0), 5)
        macs, params = Macs(space).predict(population), Params(space).predict(population)
        for i, row in enumerate(population):
            spec = space.build(row)
            assert sum(layer.macs for layer in spec.layers) == pytest.approx(macs[i] * 1e6)
            assert sum(layer.params for layer in spec.layers) == pytest.approx(params[i] * 1e6)

    def test_stages(self, space: SearchSpace) -> None:
        choices, population = space.stage_choices(), space.sample(np.random.default_rng(0), N)
        indices = space.stage_indices(population)
        assert (choices is None) == (indices is None), "give both of stage_choices and stage_indices, or none"
        if choices is None or indices is None:
            pytest.skip("the space has no stages")
        assert indices.shape == (N, len(choices))
        assert int(np.prod([len(stage) for stage in choices], dtype=object)) == space.size()
        parts = [stage[indices[:, s]] for s, stage in enumerate(choices)]
        np.testing.assert_array_equal(np.sum(parts, axis=0), population, "a genotype is the sum of its stages' choices")


def _neighbours(space: SearchSpace) -> Population:
    """A network and what differs from it in little, mostly in one gene, distinct."""
    rng = np.random.default_rng(5)
    many = np.repeat(space.sample(rng, 1), 6 * space.n_genes, axis=0)
    return distinct_rows(space.mutate(rng, many, 1 / space.n_genes))


def _possible_values(space: SearchSpace) -> list[set[int]]:
    """By gene the values that `canonical` keeps in some network."""
    networks, found = space.sample(np.random.default_rng(3), 30), list[set[int]]()
    for gene in range(space.n_genes):
        found.append(set())
        for value in range(GENE_VALUES):
            rows = networks.copy()
            rows[:, gene] = value
            try:
                kept = bool((space.canonical(rows)[:, gene] == value).any())
            except InvalidGenotype:
                continue
            found[gene] |= {value} if kept else set()
    return found


def _without_padding(indices: np.ndarray) -> list[list[int]]:
    return [[int(i) for i in row if i >= 0] for row in indices]
