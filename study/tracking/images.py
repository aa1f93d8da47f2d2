"""Pictures of samples as MLflow shows them: one at each step on a run's charts, and further ones as plain artifacts."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image

from analysis.pictures.compose import thumbnail
from analysis.pictures.render import gallery, picture
from study.ledger.entries import Result
from study.tracking.summaries import captions, milliseconds

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOGGER = logging.getLogger(__name__)
SAMPLES = "samples"  # key of the stepped images


def log_picture(client: MlflowClient, run_id: str, folder: Path, entry: Result, name: str) -> None:
    """Log the picture `name` in a study's folder where MLflow's page looks for the images of a step, as
    `MlflowClient.log_image` names them; one that cannot be drawn is left out."""
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
    with TemporaryDirectory() as place:
        image.save(Path(place, f"{stem}.png"), compress_level=3)
        thumbnail(image).save(Path(place, f"{stem}+compressed.webp"), method=2)
        client.log_artifacts(run_id, place, "images")
    _log_gallery(client, run_id, further, entry.step)


def _log_gallery(client: MlflowClient, run_id: str, images: Mapping[str, Image.Image], step: int) -> None:
    """Log further pictures as plain artifacts, under names that a replay writes again."""
    if not images:
        return
    with TemporaryDirectory() as place:
        for name, image in images.items():
            image.save(Path(place, f"{name}_step_{step}.png"), compress_level=3)
        client.log_artifacts(run_id, place, "gallery")
