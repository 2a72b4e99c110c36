"""Accuracy tables: which networks are measured, how, and the file they stand in."""
