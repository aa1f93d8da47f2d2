"""Compiles this folder's C files with the machine's C compiler, keeps the library in the user's cache, and loads it.

Without a compiler, or with GANSTUDY_NATIVE=0 in the environment, there is no library and torch does the work.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SOURCES = Path(__file__).parent
OPTIONS = (
    "-O3", "-march=native", "-mprefer-vector-width=512", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC",
)  # fmt: skip
# glibc's numbers for its trim threshold, top pad and mmap threshold (malloc.h), and what they are set to in bytes.
MALLOC = ((-1, 1_000_000_000), (-2, 1 << 26), (-3, 1 << 25))
PATIENCE = 120.0  # seconds that the compiler gets
_off = 0  # depth of `disabled`


def available() -> bool:
    """Whether the kernels can be used on this machine; compiles them when first asked."""
    return _loaded() is not None


def enabled() -> bool:
    """Whether the kernels are `available`, and not `disabled`."""
    return not _off and available()


def usable(*tensors: Tensor) -> bool:
    """Whether the kernels can work on these: float32 in this machine's memory, a replica each for all threads."""
    if torch.get_num_threads() > len(tensors[0]) or not enabled():
        return False
    return all(type(x) is Tensor and x.dtype == torch.float32 and x.is_cpu for x in tensors)


@contextmanager
def disabled() -> Iterator[None]:
    """Within the block torch does all the work, for comparisons."""
    global _off
    _off += 1
    try:
        yield
    finally:
        _off -= 1


def kernels() -> ctypes.CDLL:
    """The loaded library, where it is `available`."""
    library = _loaded()
    assert library is not None
    return library


@cache
def _loaded() -> ctypes.CDLL | None:
    """The library; None where it is switched off or cannot be compiled."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if os.environ.get("GANSTUDY_NATIVE") == "0" or compiler is None:
        return None
    try:
        library = ctypes.CDLL(str(_compiled(compiler)))
    except (OSError, subprocess.SubprocessError):
        return None
    _keep_memory()
    return library


def over_replicas(kernel: Any, replicas: int, *arguments: Any) -> None:
    """Call a kernel, which takes a range of replicas and then `arguments`, for all of them.

    Each of torch's threads gets a range. Raises `MemoryError` where a kernel had no memory.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        failed = kernel(0, replicas, *arguments)
    else:
        ends = [replicas * i // threads for i in range(threads + 1)]
        calls = _pool(threads).map(lambda first, last: kernel(first, last, *arguments), ends[:-1], ends[1:])
        failed = any(list(calls))  # ctypes lets go of the interpreter's lock
    if failed:
        raise MemoryError("no memory for a training step")


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "replicas")


def solid(x: Tensor) -> Tensor:
    """The tensor itself, or numbers in memory where autograd only notes that all are 0, as for the second derivative of
    an absolute value: such a tensor has no address."""
    return x.clone() if x._is_zerotensor() else x


def address(x: Tensor | None) -> ctypes.c_void_p:
    """Where a tensor's numbers begin; null for None."""
    return ctypes.c_void_p(None if x is None else x.data_ptr())


def _compiled(compiler: str) -> Path:
    """The library for this processor, compiled unless the cache has it. Raises `OSError`, `SubprocessError`."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ganstudy"
    texts = [source.read_text() for source in sorted(SOURCES.glob("*.[ch]"))]
    identity = "\n".join([*texts, compiler, *OPTIONS, platform.machine(), _processor()])
    library = folder / f"kernels-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=folder) as work:  # several workers may compile at once: the last one stays
            made = Path(work) / library.name
            command = [compiler, *OPTIONS, "-o", str(made), *map(str, sorted(SOURCES.glob("*.c"))), "-lm"]
            subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
            made.replace(library)
    return library


def _keep_memory() -> None:
    """Let glibc keep a step's memory for the next instead of returning it to the system and faulting it in again.

    All three settings together, or it gets slower.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    for option, value in MALLOC:
        if set_option is not None:
            set_option(option, value)


def _processor() -> str:
    """What `-march=native` depends on: a home may be shared by machines of different processors."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
