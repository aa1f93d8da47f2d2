"""What lies beside a page: the files that it links, and the removal of those that only its former state linked.

A page links every file that was written with it. What a former page linked and the present one does not is therefore
the report's own and out of date: figures of arms or metrics that are no longer asked for.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

LINK = re.compile(r'(?:href|src)="((?:figures|samples|tables)/[^"]+)"')


def linked(page: str) -> set[str]:
    """The files beside a page that its markup links, as `folder/name`; a name that leads elsewhere is none."""
    found = (unquote(link).split("/") for link in LINK.findall(page))
    return {"/".join(parts) for parts in found if len(parts) == 2}


def former(path: Path) -> set[str]:
    """What the page at `path` links; nothing where there is none that can be read."""
    try:
        return linked(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()


def sweep(folder: Path, stale: set[str]) -> None:
    """Remove files of `stale` from under `folder`, the report's; what lies behind a link to a folder stays.

    Raises OSError where one cannot be removed.
    """
    for name in sorted(stale):
        path = folder / name
        if not path.parent.is_symlink() and (path.is_symlink() or path.is_file()):
            path.unlink()
