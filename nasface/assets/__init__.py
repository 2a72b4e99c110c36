"""Embedded data; each file has a provenance file beside it."""
