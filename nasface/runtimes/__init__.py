"""Runtimes: how a model file is run, one module per format."""
