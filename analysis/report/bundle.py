"""A report as one file to send: its page, figures, tables and record in a zip archive."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from analysis.record.schema import FILES

ENDED = (1980, 1, 1, 0, 0, 0)  # when every entry is said to be of: the same files make the same archive


def write_bundle(folder: Path, records: Sequence[Path] = ()) -> Path:
    """Write `report.zip` into `folder`, which holds a report, and return its path; a former one is replaced.

    In it lie `report/` and both files of each record: at its top, or in the record's own folder where `records` names
    folders beside the report. Unpacked, links of the page work, and the record can be reported again. Names are sorted.

    Raises:
        OSError: it could not be written; the former archive stays.
    """
    inside = [path for path in (folder / "report").rglob("*") if path.is_file() and not path.name.startswith(".")]
    inside += [place / name for place in records or [folder] for name in FILES]
    named = sorted((path.relative_to(folder).as_posix(), path) for path in inside)
    path, partial = folder / "report.zip", folder / ".report.zip.partial"
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            for name, one in named:
                entry = zipfile.ZipInfo(name, ENDED)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, one.read_bytes())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
