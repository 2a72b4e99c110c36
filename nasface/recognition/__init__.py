"""Recognition: faces in photos, whose they are, and what a model file says of sets of photos."""

from nasface.recognition.embedder import DESCRIPTORS, Embedded, embed_photos, read_descriptors
from nasface.recognition.judge import Judgement, judge, judge_groups

__all__ = ["DESCRIPTORS", "Embedded", "Judgement", "embed_photos", "judge", "judge_groups", "read_descriptors"]
