"""The classifier interface: which people of a gallery a face is most likely of.

Protocol. A classifier is constructed as `cls(config)`; the constructor checks the configuration. `fit(gallery)` comes
before `scores`, and again whenever the gallery changed. Whether the likeliest person is near enough, or the face
unknown, is not the classifier's business: it is decided by the distance to that person's nearest photo, which is what
thresholds are measured on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from nasface.recognition.gallery import Descriptors, Gallery


class Classifier(ABC):
    """Ranks the people of a gallery for faces."""

    @abstractmethod
    def fit(self, gallery: Gallery) -> None:
        """Learn the gallery's people.

        Raises:
            GalleryError: The gallery is empty.
            InvalidInput: It has too few people.
        """

    @abstractmethod
    def scores(self, probes: Descriptors, distances: Descriptors) -> Descriptors:
        """float32[m, people], more for a likelier person.

        Args:
            probes: float32[m, d], unit descriptors.
            distances: float32[m, people], `Gallery.nearest` of them, which was computed already.
        """
