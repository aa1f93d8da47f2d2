"""Pictures of samples as MLflow shows them: one at each step on a run's charts, and further ones as plain artifacts."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from PIL import Image

from analysis.pictures.compose import thumbnail
from analysis.pictures.render import gallery, picture
from study.ledger.entries import Result
from study.tracking.summaries import captions, milliseconds

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOGGER = logging.getLogger(__name__)
SAMPLES = "samples"  # key of the stepped images


def log_pictures(client: MlflowClient, run_id: str, folder: Path, pictures: Sequence[tuple[Result, str]]) -> None:
    """Log pictures by their names in a study's folder where MLflow's page looks for the images of a step, as
    `MlflowClient.log_image` names them, and further ones beside; those that cannot be drawn are left out."""
    with TemporaryDirectory() as place:
        for entry, name in pictures:
            _draw(Path(place), run_id, folder, entry, name)
        for drawn in sorted(Path(place).iterdir()):
            client.log_artifacts(run_id, str(drawn), drawn.name)


def _draw(place: Path, run_id: str, folder: Path, entry: Result, name: str) -> None:
    title = f"{entry.trial_id} · step {entry.step:,}"
    try:
        path = (folder / name).resolve()
        if not (path.is_relative_to(folder.resolve()) and path.is_file()):
            raise ValueError(f"{path} is no file in the study folder")
        words = captions(entry.seeds, entry.columns)
        image, further = picture(path, title, words), gallery(path, title, words)
    except Exception as error:  # whatever it is, no row may wait for a picture
        LOGGER.info("no picture of %s: %r", title, error)
        return
    unique = uuid.uuid5(uuid.NAMESPACE_OID, f"{run_id}/{entry.step}")
    stem = f"{SAMPLES}+step+{entry.step}+timestamp+{milliseconds(entry.time)}+{unique}"
    _save(image, place / "images" / f"{stem}.png", compress_level=3)
    _save(thumbnail(image), place / "images" / f"{stem}+compressed.webp", method=2)
    for word, one in further.items():  # under names that a replay writes again
        _save(one, place / "gallery" / f"{word}_step_{entry.step}.png", compress_level=3)


def _save(image: Image.Image, path: Path, **options: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    image.save(path, **options)
