"""Timing: how a device is timed. The protocol, its journal, models of layers, the table builder, transports."""
