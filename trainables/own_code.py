"""The user's own code: what stands at `module:attribute`, imported only after `allow` has been called.

A study may name objectives, networks and measurements of the user's own. To import a module is to run it, so nothing
here imports any before a command has called `allow`, which it does once it knows that the names are the user's and that
everything else of the configuration is right. Reading a study that somebody else made never comes to that.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from trainables.checks import close_to, shown

LOCATION = r"[A-Za-z]\w*(\.[A-Za-z]\w*)*:[A-Za-z]\w*"  # module:attribute
OURS = frozenset({"study", "trainables", "analysis"})
RAISED = (Exception, SystemExit)  # by own code: a script that calls sys.exit must not end a command without a word

_named: set[str] = set()  # modules that a location named


@dataclass(frozen=True)
class _Allowed:
    """From where own code may be imported, and which; None: whatever is named."""

    folder: Path
    locations: frozenset[str] | None


_now: _Allowed | None = None  # what `allow` was told last, if it was called


class NotAllowed(ValueError):  # noqa: N818 (what it is, as elsewhere)
    """The user's own code is needed where nothing may be imported."""


def is_location(value: object) -> bool:
    """Whether a setting names the user's own code, as in `my_losses:cubic`."""
    return isinstance(value, str) and re.fullmatch(LOCATION, value) is not None


def allow(folder: str | Path, locations: Iterable[str] | None = None) -> None:
    """From now on this process imports own code, from `folder` or from what is installed: these `locations`, or any,
    and those that were allowed before.

    The folder comes last on `sys.path`, so that no file in it takes the place of an installed module.
    """
    global _now
    folder = Path(folder).absolute()
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    before = _now.locations if _now else frozenset[str]()
    both = None if locations is None or before is None else before.union(locations)
    _now = _Allowed(folder, both)


def directory() -> Path | None:
    """The folder that own code is imported from; None while nothing may be imported."""
    return _now.folder if _now else None


def allowed(locations: Iterable[str]) -> bool:
    """Whether `attribute` would import all of these; False while nothing may be imported."""
    return _now is not None and (_now.locations is None or _now.locations.issuperset(locations))


def attribute(key: str, location: str) -> Any:
    """What stands at `module:attribute`, the value of the setting `key`; it is not called.

    Raises `NotAllowed` where `allow` has not allowed it, and a `ValueError` that names the setting where the location
    is none, the module cannot be imported, or the attribute is not there.
    """
    if not is_location(location):
        raise ValueError(f"{key}: expected module:attribute, got {shown(location)}")
    if not allowed([location]):
        raise NotAllowed(
            f"{key}: '{location}' is the user's own code, which only the commands check, run, resume, sample"
            " and measure import, for a study of the user's; in Python, call trainables.own_code.allow(FOLDER) first"
        )
    module, name = location.split(":")
    found = _imported(key, module)
    _named.add(module)
    try:
        return getattr(found, name)
    except AttributeError:
        there = [name for name, value in vars(found).items() if name[0] != "_" and not isinstance(value, ModuleType)]
        raise ValueError(
            f"{key}: nothing at '{location}', in {_place(found)}{close_to(name, there) if there else ''}"
        ) from None


def told(error: BaseException) -> str:
    """An exception in own code, with the line of that code, or of what it called last where it has none; without a line
    where the exception is ours, of what own code gave us."""
    every, here = traceback.extract_tb(error.__traceback__), Path(__file__).parent
    frames, folder = [frame for frame in every if not Path(frame.filename).is_relative_to(here)], directory()
    own = [frame for frame in frames if folder is not None and Path(frame.filename).is_relative_to(folder)]
    last = (own or frames)[-1:]
    return f"{type(error).__name__}: {error}" + "".join(f" ({frame.filename}, line {frame.lineno})" for frame in last)


def digests() -> dict[str, str]:
    """The SHA-256 of the source file of every own module that this process has imported, by the module's name.

    Own are the modules that locations named, and those of `directory` that they imported in turn.
    """
    found = {}
    for name, path in _sources().items():
        try:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:  # gone since
            continue
    return dict(sorted(found.items()))


def files() -> tuple[Path, ...]:
    """The files, and the folders of packages, that other machines need to import the same modules from."""
    folder = directory()
    if folder is None:
        return ()
    beneath = (path.relative_to(folder).parts[0] for path in _sources().values() if path.is_relative_to(folder))
    return tuple(folder / name for name in sorted(set(beneath)))


def _sources() -> dict[str, Path]:
    """The source files of own modules by the modules' names."""
    folder = directory()
    found = {}
    for name, module in list(sys.modules.items()):
        source = getattr(module, "__file__", None)
        if name == "__main__" or not isinstance(source, str) or not source.endswith(".py"):
            continue
        path = Path(source)
        if name in _named or (folder is not None and _is_own(name, path, folder)):
            found[name] = path
    return found


def _is_own(name: str, path: Path, folder: Path) -> bool:
    """Whether a module lies in the user's folder, and neither in an environment within it nor in this package."""
    environment = path.is_relative_to(sys.prefix) and Path(sys.prefix).is_relative_to(folder)
    return path.is_relative_to(folder) and not environment and name.split(".")[0] not in OURS


def _imported(key: str, module: str) -> ModuleType:
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise ValueError(
                f"{key}: expected a module '{error.name}' in {directory()} or installed, got none"
            ) from None
        raise ValueError(f"{key}: {_failed(module, error)}") from error
    except RAISED as error:
        raise ValueError(f"{key}: {_failed(module, error)}") from error


def _failed(module: str, error: BaseException) -> str:
    """What went wrong in the user's module, and in which line."""
    if isinstance(error, SyntaxError):
        return f"'{module}' cannot be imported: {error}"
    return f"'{module}' cannot be imported: {told(error)}"


def _place(module: ModuleType) -> str:
    return getattr(module, "__file__", None) or f"the built-in module {module.__name__}"
