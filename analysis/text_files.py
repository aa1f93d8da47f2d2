"""Files that a user names: what is read as text, and what is said of anything else."""

from __future__ import annotations

import stat
from pathlib import Path

MOST = 1 << 18  # bytes of a file of settings
OF_OTHERS = "expected a file that this user can read, got one that it cannot"  # said of one whose rights forbid it


def read(path: str | Path, expected: str, most: int = MOST) -> str:
    """The text of a file in UTF-8, with or without the mark that some programs begin one with; line ends as they are.

    Args:
        path: of the file.
        expected: what it should be, as `a YAML file`.
        most: bytes.

    Raises ValueError, naming the path, for a folder, a device or a pipe, which it might wait for without end, for a
    file that is larger, in another encoding or cannot be read, and where there is none.
    """
    path = Path(path)
    try:
        kind = path.stat().st_mode
        if stat.S_ISREG(kind):
            with path.open("rb") as file:
                content = file.read(most + 1)
            if len(content) <= most:
                return content.decode("utf-8-sig")
            got = f"one of more than {most:,} bytes"
        else:
            got = "a folder" if stat.S_ISDIR(kind) else "a device or a pipe"
    except UnicodeDecodeError as error:
        got = f"one that is not in UTF-8 ({error.reason} at byte {error.start})"
    except (FileNotFoundError, NotADirectoryError):
        got = "nothing there"
    except OSError as error:
        got = f"'{error.strerror}'"
    raise ValueError(f"{path}: expected {expected}, got {got}")
