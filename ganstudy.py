"""The command `ganstudy`, also `python -m ganstudy`, under a name that nobody else's module bears.

`study`, `trainables` and `analysis` are plain words: a module of somebody else's may have one of these names and be
found first, in a folder of PYTHONPATH, with `python -m` in the working directory, and on Ray's workers, which look into
the driver's working directory before anything else. So may a script be called torch.py. That is said here, before
anything of ours is imported.
"""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path

PACKAGES = ("study", "trainables", "analysis")
LIBRARIES = (
    "matplotlib", "mlflow", "numpy", "optuna", "pandas", "PIL", "pyarrow", "pydantic", "ray", "rich", "safetensors",
    "scipy", "sklearn", "torch", "torchvision", "yaml",
)  # fmt: skip
OBJECTS = 50_000  # more than were destroyed, at which garbage is collected: at 700, a fifth of what imports take
HOME = Path(__file__).resolve().parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    if message := taken():
        print(f"ganstudy: {message}", file=sys.stderr)
        return 2
    gc.set_threshold(OBJECTS)
    atexit.register(leave)
    from study.command.cli import main as command

    return command(arguments)


def leave() -> None:
    """Spare the last collection of all that is still there: it takes a second, and frees what exit frees.

    Not where Triton was imported, which takes what is not collected for leaks, and says so in thirty lines.
    """
    if "triton" in sys.modules:
        gc.unfreeze()
    else:
        gc.freeze()


def taken(*first: Path) -> str | None:
    """What to do about a module that takes the place of a package of ours in a process that looks into the folders
    `first`, and then where this one does, or of a library in `first` or the first folder of this one; None if there is
    none. A copy of ganstudy is ours, too."""
    for name in PACKAGES:
        place = _found(name, *map(str, first), *sys.path)
        if place and (place.name != "__init__.py" or not (place.parents[1] / Path(__file__).name).is_file()):
            return _to_do(name, f"ganstudy's own package, as in {HOME}", place)
    for folder in (*map(str, first), *sys.path[:1]):
        for name in LIBRARIES:
            place = _found(name, folder)
            library = place and _found(name, *(path for path in sys.path if not _same(path, folder)))
            if place and library and library != place:
                return _to_do(name, f"the library, as in {library.parent}", place)
    return None


def _found(name: str, *folders: str) -> Path | None:
    """The file of a module in the first of the folders that has it."""
    found = PathFinder.find_spec(name, folders)
    return None if found is None or found.origin is None else Path(found.origin).resolve()


def _same(path: str, folder: str) -> bool:
    return Path(path).resolve() == Path(folder).resolve()


def _to_do(name: str, expected: str, place: Path) -> str:
    folder = place.parents[1] if place.name == "__init__.py" else place.parent
    return (
        f"{name}: expected {expected}, got {place}, which Python finds first; give it another name, or run ganstudy"
        f" from another folder than {folder} and without it in PYTHONPATH"
    )


if __name__ == "__main__":
    sys.exit(main())
