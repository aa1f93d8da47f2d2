"""Objectives that misbehave on a worker, for `objective: "misbehaving:hangs"`; elsewhere each of them is minimax.

Each behaves until the middle of a trial. Then one whose name ends in `_once` does it and never again; the others do it
in every further process at once, so that no checkpoint leads past it. Files in the folder that the environment names as
`FAULTS` tell what happened; while `BROKEN` is among them, `breaks` does from its first call on.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import softplus

from trainables.objectives import Objective

CALLS = 25  # of f before it happens; there is one with every step
FOLDER = "FAULTS"
NO_CUDA_MEMORY = "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has 1.00 GiB free."


class Opaque(Exception):  # noqa: N818
    """An exception that cannot be made again from its message, as pickle would."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def hang() -> None:
    threading.Event().wait()


def run_out_of_cuda_memory() -> None:
    raise torch.OutOfMemoryError(NO_CUDA_MEMORY)


def crash() -> None:
    ctypes.string_at(0)


def leave() -> None:
    sys.exit(3)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raise_opaquely() -> None:
    raise Opaque("this", "that")


def break_() -> None:
    raise RuntimeError("libfancy.so.7: cannot open shared object file")


def keep_no_files() -> None:
    """Whatever the process writes from now on is cut short, as on a full disk, and refused."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, resource.RLIM_INFINITY))


def _happened(name: str) -> Path:
    return Path(os.environ[FOLDER], f"{name}-happened")


def _row(name: str, act: Callable[[], None], due: Callable[[int], bool]) -> Objective:
    """Minimax, but that `act` happens at a call on a worker that is `due` by its number, counted from 1."""
    calls = [0]

    def f(d: Tensor) -> Tensor:
        ray = sys.modules.get("ray")
        if ray is not None and ray.is_initialized() and ray.get_runtime_context().worker.mode == ray.WORKER_MODE:
            calls[0] += 1
            if due(calls[0]):
                _happened(name).touch()
                act()
        return -softplus(-d)

    return Objective(name, f, "-softplus(d)", "saturating", "2 JS - log 4", "minimax, misbehaving")


def _always(name: str, act: Callable[[], None]) -> Objective:
    return _row(name, act, lambda call: call > CALLS or _happened(name).exists())


def _once(name: str, act: Callable[[], None]) -> Objective:
    return _row(name, act, lambda call: call > CALLS and not _happened(name).exists())


hangs, hangs_once = _always("hangs", hang), _once("hangs_once", hang)
crashes, crashes_once = _always("crashes", crash), _once("crashes_once", crash)
cuda_memory = _always("cuda_memory", run_out_of_cuda_memory)
cuda_memory_once = _once("cuda_memory_once", run_out_of_cuda_memory)
leaves, dies, opaque = _always("leaves", leave), _always("dies", die), _always("opaque", raise_opaquely)
breaks = _row("breaks", break_, lambda call: Path(os.environ[FOLDER], "BROKEN").exists())
keeps_no_files = _row("keeps_no_files", keep_no_files, lambda call: call == 1)
