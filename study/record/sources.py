"""Where a report's records come from: study folders, copies of a record, and MLflow's runs.

A source is a study folder, a folder that holds just `history.parquet` and `trials.parquet`, or a study's run in MLflow
as `runs:/RUN_ID`. `fetch` brings the records of several sources into one folder, each into a subfolder named after its
study; all are checked before any is kept. A record is untrusted input: the name of its study becomes a folder's
name only if it is a valid study name.
"""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from analysis.record.join import join
from analysis.record.loading import Record, RecordError, load
from analysis.record.schema import FILES
from analysis.results.criteria import goals_of, thresholds_of
from analysis.text_files import OF_OTHERS
from study.config import loading
from study.config.messages import ConfigError, shown
from study.config.schema import NAME
from study.record.build import build_record
from study.tracking.download import RUN, download

REPORT, BUNDLE = "report", "report.zip"
PARTIAL = ".partial"  # of `out`, while a fetch is under way
TRIES = 3  # to copy both files of the same build
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)  # of a study of another user, or on a read-only file system


def fetch(sources: Sequence[str], out: Path, tracking: str | None = None) -> list[tuple[Path, Record]]:
    """Copy the records of `sources` into `out`, all or none; return each with its folder.

    The records come back without their histories' measurements. That of a study folder is built first.

    Args:
        sources: as the module says.
        out: a new folder, or one that holds records and a report alone; the former record of a study is replaced.
        tracking: where MLflow is; None: what MLFLOW_TRACKING_URI says.

    Raises:
        ConfigError: a source has no record, or an incomplete one; the records cannot be joined; `out` holds
            something else.
        OSError: MLflow does not answer, or something could not be read or written.
    """
    _refuse_unexpected(out)
    new = not out.exists()
    try:
        with _partial(out) as partial:
            found = [_fetched(source, partial / str(place), tracking) for place, source in enumerate(sources)]
            _check_joined([kept for _, kept in found])
            return [(_publish(folder, out / _name(kept)), kept) for folder, kept in found]
    except BaseException:
        if new and out.is_dir() and not any(out.iterdir()):
            out.rmdir()
        raise


def is_study(folder: Path) -> bool:
    """Whether a folder is a study folder with a ledger."""
    return (folder / loading.STUDY_FILE).is_file() and (folder / "ledger").is_dir()


def holds_record(folder: Path) -> bool:
    """Whether both files of a record lie in a folder."""
    return all((folder / name).is_file() for name in FILES)


def _fetched(source: str, place: Path, tracking: str | None) -> tuple[Path, Record]:
    place.mkdir()
    if source.startswith(RUN):
        download(source, place, tracking)
    else:
        _copy(Path(source), place)
    try:
        kept = load(place, [])
    except RecordError as error:
        said = str(error).replace(f"{place}/", "").replace(f"{place}: ", "")
        raise ConfigError(f"{source}: its record cannot be used: {said}") from None
    _check_name(source, kept)
    return place, kept


@contextmanager
def record_of(folder: Path) -> Iterator[Path]:
    """Where the record of a folder lies: there, built anew if it is a study's, or within the block in a folder of its
    own if the study is one that this user may read alone.

    Raises `ConfigError` where the folder holds neither study nor record.
    """
    try:
        ensure_record(folder)
    except OSError as error:
        if error.errno not in REFUSED or not is_study(folder):
            raise
        with tempfile.TemporaryDirectory(prefix="ganstudy-record-") as place:
            build_record(folder, Path(place))
            yield Path(place)
    else:
        yield folder


def ensure_record(folder: Path) -> None:
    """Build the record of a study folder anew; raise `ConfigError` where a folder holds neither study nor record."""
    if is_study(folder):
        build_record(folder)
    if not holds_record(folder):
        lacking = " and ".join(name for name in FILES if not (folder / name).is_file())
        there = f"a folder without {lacking}" if folder.is_dir() else "a file" if folder.exists() else "nothing there"
        raise ConfigError(f"{folder}: expected a study folder, or one that holds {' and '.join(FILES)}, got {there}")


def _copy(folder: Path, place: Path) -> None:
    with record_of(folder) as there:
        for _ in range(TRIES):
            before = [(there / name).stat().st_ino for name in FILES]
            for name in FILES:
                try:
                    shutil.copyfile(there / name, place / name)
                except PermissionError:
                    raise ConfigError(f"{there / name}: {OF_OTHERS}") from None
            if before == [(there / name).stat().st_ino for name in FILES]:
                break


def _name(kept: Record) -> str:
    return str(kept.about.get("study"))


def _check_name(source: str, kept: Record) -> None:
    """Refuse a record unless it is of one study, named alike in its rows and metadata, with a valid name."""
    name, names = _name(kept), [str(study) for study in kept.trials["study"].unique()]
    if names not in ([name], []) or not re.fullmatch(NAME, name):
        found = ", ".join(shown(one) for one in dict.fromkeys([name, *names]))
        raise ConfigError(f"{source}: expected the record of one study with a study's name, got {found}")
    if name.casefold() == REPORT:
        raise ConfigError(f"{source}: a study named {name} cannot stand beside the folder '{REPORT}'")


def _check_joined(records: Sequence[Record]) -> None:
    about = join(records).about
    thresholds_of(about)
    goals_of(about)


def _refuse_unexpected(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out: expected a folder, got {out}, a file")
    known = {*FILES, REPORT}
    for path in sorted(out.iterdir()) if out.is_dir() else []:
        ours = path.is_dir() and (path.name in (REPORT, PARTIAL) or {one.name for one in path.iterdir()} <= known)
        if not ours and path.name != BUNDLE:
            raise ConfigError(
                f"--out: expected a new folder, or one of records and their report, got {out}, which holds {path.name}"
            )


@contextmanager
def _partial(out: Path) -> Iterator[Path]:
    partial = out / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _publish(fetched: Path, folder: Path) -> Path:
    """Move a record into place; a kill leaves the former one, the new one, or files that are not taken for a record."""
    folder.mkdir(exist_ok=True)
    history, trials = FILES
    (folder / trials).unlink(missing_ok=True)
    for name in (history, trials):
        (fetched / name).replace(folder / name)
    return folder
