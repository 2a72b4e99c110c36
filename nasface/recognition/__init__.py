"""Recognition: what a model file says about photos."""

from nasface.recognition.embedder import Embedded, embed_photos, read_descriptors
from nasface.recognition.judge import Judgement, judge

__all__ = ["Embedded", "Judgement", "embed_photos", "judge", "photos_to_judge", "read_descriptors"]
