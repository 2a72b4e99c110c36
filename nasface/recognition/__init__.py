"""Recognition: faces in photos, whose they are, and what a model file says of sets of photos."""

from nasface.recognition.embedder import Embedded, embed_photos, read_descriptors
from nasface.recognition.judge import Judgement, judge, judge_groups

__all__ = ["Embedded", "Judgement", "embed_photos", "judge", "judge_groups", "read_descriptors"]
