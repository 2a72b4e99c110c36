"""What the tasks of recognition share: the recogniser of the settings, photos that were named, the passphrase."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from nasface.data.sources import is_photo
from nasface.errors import DataError, GalleryError, InvalidInput
from nasface.jobs import Run
from nasface.preprocessing import read_template
from nasface.recognition.face_model import FaceModel
from nasface.recognition.gallery_file import GalleryFile
from nasface.recognition.recognizer import Recognizer
from nasface.registry import build

PASSPHRASE: Final = "NASFACE_PASSPHRASE"
"""Environment variable with the passphrase of an encrypted gallery."""


def build_recognizer(run: Run) -> Recognizer:
    """The recogniser of `model=`, `detector=`, `classifier=` and `recognition.*`.

    Raises:
        InvalidInput: No model is named, or more than one.
    """
    settings, given = run.settings.recognition, run.settings.model
    if not isinstance(given, str):
        raise InvalidInput(f"task={run.settings.task} needs one model file: model=FILE, e.g. of a run's folder.")
    return Recognizer(
        face_model(run, run.path(given)),
        None if settings.gallery is None else run.path(settings.gallery),
        threshold=settings.threshold,
        far=settings.far,
        classifier=build("classifier", run.settings.classifier),
        passphrase=ask_passphrase,
        encrypt=settings.encrypt,
    )


def face_model(run: Run, path: Path) -> FaceModel:
    """A model file with `detector=` and `recognition.crop`, aligned to `recognition.template` or its own."""
    settings = run.settings.recognition
    return FaceModel(
        path,
        run.detector,
        crop=settings.crop,
        template=None if settings.template is None else read_template(settings.template, run.cwd),
        resolution=run.settings.space.get("resolution"),
    )


def gallery_file(run: Run) -> GalleryFile:
    """The gallery's file, where no model is needed.

    Raises:
        InvalidInput: None is named.
    """
    if run.settings.recognition.gallery is None:
        raise InvalidInput(f"task={run.settings.task} needs a gallery: say which file, recognition.gallery=FILE.")
    return GalleryFile(run.path(run.settings.recognition.gallery), ask_passphrase)


def ask_passphrase() -> str:
    """From the environment, else from whoever sits at the terminal; never from the command line, which others can see.

    Raises:
        GalleryError: Neither is there.
    """
    if given := os.environ.get(PASSPHRASE):
        return given
    if not sys.stdin.isatty():
        raise GalleryError(f"The gallery is encrypted: set {PASSPHRASE}, or start the command at a terminal.")
    return getpass.getpass("passphrase of the gallery: ")


def photo_paths(run: Run) -> list[Path]:
    """The photos of `recognition.photos`: files, and those in folders, in order.

    Raises:
        InvalidInput: None are named.
        DataError: A folder holds none.
    """
    return [photo for path in named_paths(run) for photo in (photos_in(path) if path.is_dir() else [path])]


def named_paths(run: Run) -> list[Path]:
    """What `recognition.photos` names."""
    given = run.settings.recognition.photos
    names: Sequence[object] = given if isinstance(given, list) else [given]
    if not names or None in names:
        raise InvalidInput(f"task={run.settings.task} needs photos: recognition.photos=FILE, [FILE,FILE] or a FOLDER.")
    return [run.path(str(name)) for name in names]


def photos_in(folder: Path) -> list[Path]:
    """The photos of a folder, by name.

    Raises:
        DataError: It holds none.
    """
    found = sorted(path for path in folder.iterdir() if is_photo(path.name) and path.is_file())
    if not found:
        raise DataError(f"{folder} holds no photos; give files, or a folder of .jpg or .png files.")
    return found


def counted(n: int, one: str, several: str = "") -> str:
    """So many of something: 1 photo, 2 photos; `several` where adding an s does not do."""
    return f"{n} {one if n == 1 else several or one + 's'}"
