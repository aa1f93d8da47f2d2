"""The folder that a command works on: that of a study, or a new one that a study may have."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from study.atomic_write import SUFFIX
from study.config import loading
from study.config.extension import changed, check_extension
from study.config.messages import ConfigError, shown
from study.config.plan import StudyPlan
from study.config.schema import StudyConfig
from study.ledger.ledger import segments
from study.storage.mirror import fetch
from study.storage.store import store_of

STUDY_FILES = (  # what a study folder may hold
    loading.STUDY_FILE, "ledger", "history.parquet", "trials.parquet", "mlflow.db", "artifacts",
    "trials", "classifier.pt", "data", "features", "report", "report.zip", "export", "labels", "animations",
    "tracking.json", "optuna.db",
)  # fmt: skip
MOST_KEYS = 4  # of those that differ, said at once
WRITTEN = ("export", "labels", "animations")  # of these what commands write beside it


def study_folder(folder: Path) -> Path:
    """The folder, which holds a study. Raises `ConfigError` where it does not, or cannot be read."""
    if folder.is_dir():
        readable(folder)
    if not (folder / loading.STUDY_FILE).is_file():
        there = "a folder without it" if folder.is_dir() else "a file" if folder.exists() else "nothing there"
        raise ConfigError(f"{folder}: expected a study folder, one that holds study.yaml, got {there}")
    refuse_irregular(folder)
    return folder


def readable(folder: Path) -> Path:
    """The folder, which is there and may be a study's. Raises `ConfigError` where this user cannot read it, or a file
    in it without which nothing can be said of a study."""
    _refuse_unreadable(folder, _read_first(folder))
    return folder


def refuse_unreadable_pictures(folder: Path) -> None:
    """Raise `ConfigError` where this user cannot read what a study may have for pictures."""
    _refuse_unreadable(folder, _pictured(folder))


def _refuse_unreadable(folder: Path, places: Iterable[Path]) -> None:
    """Raise `ConfigError` for the first of the places in a folder that this user cannot read."""
    for place in places:
        wanted = os.R_OK | (os.X_OK if place.is_dir() else 0)
        if place.exists() and not os.access(place, wanted, effective_ids=True):
            raise ConfigError(f"{folder}: expected a folder that this user can read, got {place}, which it cannot")


def _pictured(folder: Path) -> Iterator[Path]:
    """The places of pictures, each after the folder that it lies in."""
    yield folder / "trials"
    for trial in sorted((folder / "trials").glob("*/")):
        yield trial
        yield trial / "pictures"
        yield from sorted((trial / "pictures").glob("*.npz"))


def _read_first(folder: Path) -> Iterator[Path]:
    yield folder
    yield folder / loading.STUDY_FILE
    yield folder / "ledger"
    if (folder / "ledger").is_dir():
        yield from (path for _, path in segments(folder))


def writable(folder: Path) -> Path:
    """The folder, which holds a study. Raises `ConfigError` where this user cannot write to it."""
    for place in (folder, folder / "ledger", folder / "ledger" / "lock"):
        if place.exists() and not os.access(place, os.W_OK, effective_ids=True):
            raise ConfigError(f"{folder}: expected a study that this user can write, got {place}, which it cannot")
    return folder


def refuse_irregular(folder: Path) -> None:
    """Raise `ConfigError` where a study folder, which may be anybody's, holds a link that leads out of it, or a pipe or
    device: what the study writes would go there, and what is there would be read for the study's, perhaps forever."""
    root = folder.resolve()
    for path in _irregular(folder):
        if not path.is_symlink():
            raise ConfigError(
                f"{path}: expected a file or folder of the study's own, got a pipe or a device; remove it"
            )
        if not _leads_into(path, root):
            raise ConfigError(
                f"{path}: expected a file or folder of the study's own, got a link to {os.readlink(path)}; put what"
                " it leads to in its place, or see resources.storage"
            )


def _irregular(folder: Path) -> Iterator[Path]:
    """The links, pipes and devices in a folder, and at any depth of what a study has in it; no link is followed, and a
    folder that cannot be read has none. Of any name, as sqlite looks for mlflow.db-journal."""
    top = os.fspath(folder)
    places = [top]
    while places:
        place = places.pop()
        with suppress(OSError), os.scandir(place) as found:  # a study has ten places for every trial
            for one in found:
                if one.is_dir(follow_symlinks=False):
                    if place != top or one.name in STUDY_FILES:
                        places.append(one.path)
                elif not one.is_file(follow_symlinks=False):
                    yield Path(one)


def _leads_into(link: Path, root: Path) -> bool:
    try:
        return link.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop
        return False


def refuse_own_places(option: str, out: Path, folder: Path) -> None:
    """Raise `ConfigError` where `out` is the study folder itself, or lies in what the study has in it."""
    place, root = out.resolve(), folder.resolve()
    if place == root or any(place.is_relative_to(root / name) for name in STUDY_FILES if name not in WRITTEN):
        raise ConfigError(f"{option}: expected a folder other than the study's own, got {out}")


@contextmanager
def unless_refused(folder: Path) -> Iterator[None]:
    """Within the block the folder may be made; where an error ends it, folders that are new and empty go again."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        yield
    except BaseException:
        for one in new:
            with suppress(OSError):
                one.rmdir()
        raise


def bring(config: StudyConfig, folder: Path) -> None:
    """Fetch what the storage has of this study, if this machine has nothing of it.

    Raises `ConfigError` where there is no storage and the folder will not stay.
    """
    from study.cluster.connection import deleted_with_job

    if config.resources.storage is None:
        if deleted_with_job(folder):
            raise ConfigError(
                f"--out: expected a folder that stays, got {folder}, in the copy of the working directory that Ray"
                " deletes after the job; give an absolute --out, or resources.storage"
            )
        return
    if not (folder / loading.STUDY_FILE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        if fetch(store_of(config, folder), folder):
            print(f"brought the study from {config.resources.storage} to {folder}", file=sys.stderr)


def ensure_folder(plan: StudyPlan, folder: Path) -> bool:
    """Make the folder if need be; return whether it holds this study already.

    Raises `ConfigError` where it holds anything else, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = [path.name for path in folder.iterdir()]
        unexpected = sorted(name for name in names if name not in STUDY_FILES and not name.endswith(SUFFIX))
    except OSError as error:
        raise ConfigError(f"--out: expected a folder that can be written, got {folder} ({error.strerror})") from None
    if not (folder / loading.STUDY_FILE).exists():
        if unexpected:
            raise ConfigError(
                f"--out: expected a new folder or this study's, got {folder}, which holds {unexpected[0]}"
            )
        if "ledger" in names and segments(folder):
            raise ConfigError(
                f"--out: expected a new folder or this study's, got {folder}, which holds the ledger of a study and no"
                f" {loading.STUDY_FILE}; put that back, or give another --out"
            )
        return False
    refuse_irregular(writable(folder))
    there = loading.load(folder / loading.STUDY_FILE)
    if differ := changed(there, plan):
        said = [f"{key} is {shown(was)} there, {shown(now)} here" for key, (was, now) in differ.items()]
        more = f" and {len(said) - MOST_KEYS} more keys" if len(said) > MOST_KEYS else ""
        raise ConfigError(
            f"--out: {folder} holds a study with other settings: {'; '.join(said[:MOST_KEYS])}{more}."
            f" {_way_on(there, plan, folder)}"
        )
    return True


def _way_on(there: StudyPlan, here: StudyPlan, folder: Path) -> str:
    """What to do where a folder holds another configuration than the one that is to be run."""
    if _extends(there, here):
        return f"`ganstudy resume {folder} --set KEY=VALUE` sets these"
    if _extends(here, there):
        return f"It was extended: `ganstudy resume {folder}` goes on with it"
    return (
        f"Finished trials were run with that: `ganstudy resume {folder}` goes on with it; run this as a study of its"
        " own, by --set study=NAME, or another --out"
    )


def _extends(old: StudyPlan, new: StudyPlan) -> bool:
    try:
        check_extension(old, new, confirmed=True)
    except ConfigError:
        return False
    return True
