"""The kit for spaces catches what wrong spaces do."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

from nasface.errors import InvalidGenotype
from nasface.netspec import INPUT, Add, Layer, NetBuilder, to_dict
from nasface.spaces import OfaMbv3, OfaMbv3Config, SearchSpace
from nasface.spaces.genotype_file import read_genotype
from nasface.testing import SpaceConformance
from nasface.testing.synthetic import Stageless

from ._caught import caught

EXPANDS = slice(25, 45)
"""Genes of the expand ratios."""


def small(space: type[OfaMbv3]) -> OfaMbv3:
    """One block a stage, two kernel sizes, two expand ratios."""
    return space(OfaMbv3Config(width=0.25, resolution=32, kernels=[3, 5], expands=[3, 6], depths=[1, 2]))


class Blind(OfaMbv3):
    """Builds every network with the first expand ratio."""

    def build(self, genotype):
        row = genotype.copy()
        row[EXPANDS] = np.where(row[EXPANDS], self.expands[0], 0)
        return super().build(row)


class Fixed(OfaMbv3):
    """Mutation changes nothing."""

    def mutate(self, rng, population, probability):
        return population.copy()


class HalfFixed(OfaMbv3):
    """Mutation never changes an expand ratio of an active block."""

    def mutate(self, rng, population, probability):
        rows = super().mutate(rng, population, probability)
        old, new = population[:, EXPANDS], rows[:, EXPANDS]
        rows[:, EXPANDS] = np.where((old > 0) & (new > 0), old, new)
        return rows


class Firstborn(OfaMbv3):
    """Children are their first parent."""

    def crossover(self, rng, first, second):
        return first.copy()


class Choosy(OfaMbv3):
    """Never draws the last expand ratio."""

    def sample(self, rng, n):
        rows = super().sample(rng, n)
        rows[:, EXPANDS] = np.minimum(rows[:, EXPANDS], self.expands[0])
        return rows


class ChoosyStageless(Choosy, Stageless):
    """Likewise, and says nothing of stages."""


class Lossy(OfaMbv3):
    """The one-hot code of an expand ratio is that of its absence."""

    def encode(self, population, kind="ordinal"):
        rows = population.copy()
        if kind == "onehot":
            rows[:, -20] = np.where(rows[:, -20], self.expands[0], 0)
        return super().encode(rows, kind)


class Wide(OfaMbv3):
    """Canonical rows are of another type."""

    def canonical(self, population):
        return super().canonical(population).astype(np.int64)


class Lax(OfaMbv3):
    """Takes rows that are no genotypes."""

    def canonical(self, population):
        try:
            return super().canonical(population)
        except InvalidGenotype:
            return np.asarray(population).astype(np.int8)


class Mismatched(OfaMbv3):
    """Adds the input to the output of every network, whatever their shapes."""

    def build(self, genotype):
        spec = super().build(genotype)
        last = spec.layers[-1]
        added = Add("sum", (last.ops[-1].name, last.ops[0].name), last.output_shape)
        wrong = replace(added, inputs=(last.ops[-1].name, spec.layers[0].ops[0].name))
        return replace(spec, layers=(*spec.layers[:-1], replace(last, ops=(*last.ops, wrong))), outputs=("sum",))


class Padded(OfaMbv3):
    """Lists a layer that no network has."""

    @cached_property
    def _layers(self) -> tuple[Layer, ...]:
        net = NetBuilder("spare", (8, 8, 3))
        with net.layer("Spare"):
            net.global_avg_pool(INPUT, "pool")
        return tuple(sorted((*super()._layers, *net.build().layers), key=lambda layer: layer.key))


class PaddedStageless(Padded, Stageless):
    """Likewise, and says nothing of stages."""


class Seeder(OfaMbv3):
    """Draws from everybody's generator."""

    def sample(self, rng, n):
        np.random.rand()  # noqa: NPY002 - that is the fault
        return super().sample(rng, n)


class InPlace(OfaMbv3):
    """Mutates the caller's population."""

    def mutate(self, rng, population, probability):
        population[:] = super().mutate(rng, population, probability)
        return population


class HalfStaged(OfaMbv3):
    """Has stages, and does not say which of their choices a network has."""

    stage_indices = SearchSpace.stage_indices


class Mute(OfaMbv3):
    """Describes networks in a way that nothing reads."""

    def net_config(self, genotype):
        return to_dict(self.build(genotype))


class Talkative(Mute):
    """Quotes what it was given."""

    def from_dict(self, description):
        try:
            return super().from_dict(description)
        except InvalidGenotype:
            raise InvalidGenotype(f"{dict(description)} is no network; give ks, e and d.") from None


def test_a_message_quotes_no_whole_file(tmp_path: Path) -> None:
    space = small(Talkative)
    path = tmp_path / "net.config"
    path.write_text(json.dumps(space.net_config(space.sample(np.random.default_rng(0), 1)[0])))
    assert path.stat().st_size > 10_000
    with pytest.raises(InvalidGenotype, match="give ks, e and d") as raised:
        read_genotype(path, space)
    assert len(str(raised.value)) < 2100


def wrong(check: str, space: type[OfaMbv3], **given: object) -> type:
    return caught(SpaceConformance, check, given=given, space=small(space))


TestGeneThatBuildIgnores = wrong("test_different_rows_are_different_networks", Blind)
TestMutateChangesNothing = wrong("test_everything_changes_with_probability_one", Fixed)
TestMutateSparesAGene = wrong("test_everything_changes_with_probability_one", HalfFixed)
TestCrossoverGivesTheFirst = wrong("test_children_have_genes_of_both_parents", Firstborn)
TestChoiceNeverSampled = wrong("test_every_choice_is_sampled", Choosy)
TestChoiceNeverSampledWithoutStages = wrong("test_every_choice_is_sampled", ChoosyStageless)
TestOneHotLosesAGene = wrong("test_encode", Lossy, kind="onehot")
TestCanonicalOfAnotherType = wrong("test_canonical", Wide)
TestCanonicalTakesAnything = wrong("test_canonical", Lax)
TestAdditionOfDifferentShapes = wrong("test_networks_run", Mismatched)
TestLayersOfNoNetwork = wrong("test_every_layer_is_of_some_network", Padded)
TestLayersOfNoNetworkWithoutStages = wrong("test_every_layer_is_of_some_network", PaddedStageless)
TestGlobalGenerator = wrong("test_operators_give_genotypes_and_repeat", Seeder)
TestArgumentsChanged = wrong("test_operators_give_genotypes_and_repeat", InPlace)
TestDescriptionThatNothingReads = caught(
    SpaceConformance, "test_the_description_of_a_network_is_read_back", space=small(Talkative)
)
TestStagesWithoutIndices = wrong("test_stages", HalfStaged)
