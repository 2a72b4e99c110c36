"""Words of the pages, in a sentence each; the site's glossary says more."""

from __future__ import annotations

from typing import Final

TERMS: Final = {
    "AUC": "The chance that two photos of one person are more alike than two of two people: 0.5 is guessing.",
    "bias": "Mean of predicted minus measured.",
    "CMC": "Share of photos whose person is among the k likeliest.",
    "DIR": "Share of photos of known people that are named rightly, when the share FPIR of strangers gets a name.",
    "EER": "The error rate where false accepts and false rejects are equally frequent; lower is better.",
    "estimated": "Not measured on this device or these photos: computed from what was measured elsewhere.",
    "FAR": "False accept rate: the share of pairs of two people that are taken for one person.",
    "FMR": "False match rate, another name of the false accept rate.",
    "FNMR": "False non-match rate: the share of pairs of one person that are taken for two people.",
    "FPIR": "The share of strangers who are given somebody's name.",
    "interval over people": "Where the figure would lie in 95 of 100 draws of as many other people.",
    "Kendall tau": "Agreement of two orders, 1 the same, 0 chance: (1 + tau) / 2 of the pairs are in the right order.",
    "MACs": "Multiply-accumulates of one run of the network.",
    "margin": "By how much a predicted latency is raised, so that the measured one stays within the bound.",
    "ndcg": "How high the best networks stand in the predicted order; 1 is perfect.",
    "rank-1": "Share of photos whose nearest other photo shows the same person.",
    "report people": "People of whom results are told: they were neither trained on nor used for any choice.",
    "spearman": "Correlation of two orders: 1 is the same, 0 is chance.",
    "TAR": "True accept rate: the share of pairs of one person that are accepted.",
}
"""In the order of the alphabet; a word is explained on a page where it stands."""
