"""Search spaces: populations of genotypes and the networks they stand for."""

from nasface.spaces._base import Features, Population, Rows, SearchSpace, StageIndices, StageOperators, join_stages
from nasface.spaces._ofa_network import N_BLOCKS, make_divisible
from nasface.spaces._rows import distinct_rows, number_rows, rows_without
from nasface.spaces.counting import layer_counts
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3Config, OfaMbv3FaceConfig
from nasface.spaces.relatives import SHARED_STAGES, relatives

__all__ = [
    "N_BLOCKS",
    "SHARED_STAGES",
    "Features",
    "OfaMbv3",
    "OfaMbv3Config",
    "OfaMbv3FaceConfig",
    "Population",
    "Rows",
    "SearchSpace",
    "StageIndices",
    "StageOperators",
    "distinct_rows",
    "join_stages",
    "layer_counts",
    "make_divisible",
    "number_rows",
    "relatives",
    "rows_without",
]
