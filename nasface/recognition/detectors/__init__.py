"""Detectors: where the faces are in a photo."""

from nasface.recognition.detectors._base import Detector
from nasface.recognition.detectors.yunet import YuNet, YuNetConfig

__all__ = ["Detector", "YuNet", "YuNetConfig"]
