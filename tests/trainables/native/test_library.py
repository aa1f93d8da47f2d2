"""Compiling the kernels, and when they are used."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from trainables.native import library
from trainables.native.library import available, disabled, over_replicas, usable


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty cache, and nothing loaded before or after; the folder that the library is kept in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("GANSTUDY_NATIVE", raising=False)
    library._loaded.cache_clear()
    yield tmp_path / "ganstudy"
    library._loaded.cache_clear()


needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


@needs_compiler
def test_the_library_is_compiled_once_and_kept(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert available()
    (kept,) = fresh.iterdir()
    assert kept.suffix == ".so"
    library._loaded.cache_clear()
    monkeypatch.setattr(subprocess, "run", None)  # would fail if it were compiled again
    assert available()


@needs_compiler
def test_another_source_is_another_library(fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert available()
    for changed in ("kernels.c", "products.h"):
        other = tmp_path / changed
        shutil.copytree(library.SOURCES, other)
        other.joinpath(changed).write_text(library.SOURCES.joinpath(changed).read_text() + "\n")
        monkeypatch.setattr(library, "SOURCES", other)
        library._loaded.cache_clear()
        assert available()
    assert len(list(fresh.iterdir())) == 3


@pytest.mark.parametrize(("name", "value"), [("GANSTUDY_NATIVE", "0"), ("CC", "no-such-compiler"), ("CC", "false")])
def test_without_a_library_torch_does_the_work(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert not available()
    assert not usable(torch.zeros(2, 2))
    assert not fresh.exists() or not list(fresh.iterdir())


@needs_compiler
def test_a_cache_that_cannot_be_written_is_done_without(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.parent.joinpath("ganstudy").write_text("a file where the folder should be")
    assert not available()


@needs_compiler
def test_what_the_kernels_can_work_on() -> None:
    x = torch.zeros(2, 3)
    assert usable(x)
    assert not usable(x, x.double())
    assert not usable(x.to("meta"))
    with disabled():
        assert not usable(x)
    assert usable(x)


@needs_compiler
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_replica_is_in_one_range(threads: int) -> None:
    before, seen = torch.get_num_threads(), []

    def kernel(first: int, last: int, what: str) -> int:
        seen.extend((what, r) for r in range(first, last))
        return 0

    torch.set_num_threads(threads)
    try:
        over_replicas(kernel, 7, "x")
        assert usable(torch.zeros(3, 1))
        assert usable(torch.zeros(1, 1)) == (threads == 1)
    finally:
        torch.set_num_threads(before)
    assert sorted(seen) == [("x", r) for r in range(7)]


def test_a_kernel_without_memory_is_an_error() -> None:
    def fail(first: int, last: int) -> int:
        return 1

    with pytest.raises(MemoryError, match="no memory for a training step"):
        over_replicas(fail, 1)


@needs_compiler
def test_two_processes_may_compile_at_once(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "from trainables.native import available; raise SystemExit(not available())"
    started = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [process.wait() for process in started] == [0, 0]
    assert len(list(fresh.iterdir())) == 1
