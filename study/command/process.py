"""What a command needs of its process: a working directory, a home, streams that take any text and have a reader."""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from study.config.messages import ConfigError, shown

OURS = tuple(f"{Path(__file__).parents[2] / name}{os.sep}" for name in ("study", "trainables", "analysis"))
UNREAD = 128 + signal.SIGPIPE  # the exit status that a shell gives to a program ended by that signal


def prepare() -> None:
    """Make stdout and stderr write what their encoding lacks as escapes, and one that was closed write nowhere, SIGTERM
    end a command as ctrl-C does, warnings of ganstudy's own notes without a place in its source, and figures files,
    whatever window the environment names for them.

    Raises `ConfigError` where the working directory was deleted, the user has no home folder or a file for one, or
    Python leaves docstrings out: PyTorch and Ray would end the process, or raise from the midst of their imports.
    """
    if sys.flags.optimize > 1:
        raise ConfigError(f"PYTHONOPTIMIZE: expected 0 or 1, as Ray needs its docstrings, got {sys.flags.optimize}")
    os.environ["MPLBACKEND"] = "agg"
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # as by `>&-`; it takes its own number, which a study's file would have had
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    warnings.formatwarning = _worded
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        os.getcwd()
    except FileNotFoundError:
        raise ConfigError("expected a working directory, got one that was deleted; change to another") from None
    try:
        home = Path.home()
    except RuntimeError:
        raise ConfigError(
            f"HOME: expected a folder, got none, and user {os.getuid()} has no entry with one; set HOME"
        ) from None
    if home.exists() and not home.is_dir():
        raise ConfigError(f"HOME: expected a folder, where Ray keeps its token, got the file {shown(str(home))}")


def _worded(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning as text."""
    if filename.startswith(OURS):
        return f"note: {message}\n"
    return _PYTHONS(message, category, filename, lineno, line)


_PYTHONS = warnings.formatwarning


@contextmanager
def importing(module: str) -> Iterator[None]:
    """Within the block, which imports a module and what it needs, no garbage is sought; nor is it later among what was
    made in it, half a million objects that stay."""
    new, enabled = module not in sys.modules, gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if new:
            gc.freeze()
        if enabled:
            gc.enable()


def unread() -> bool:
    """Whether whoever read stdout or stderr has gone, as `head` does; if so, both are silenced from now on."""
    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        poll.register(stream.fileno(), 0)
    if not any(event & select.POLLERR for _, event in poll.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)  # Python flushes both once more when it ends
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    return True
