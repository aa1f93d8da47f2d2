"""The command sees whether its packages are its own before it imports them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ganstudy

MAIN = [sys.executable, "-m", "ganstudy", "--help"]


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_is_taken_here() -> None:
    assert ganstudy.taken() is None
    assert ganstudy.taken(ganstudy.HOME) is None


@pytest.mark.parametrize("name", ["study.py", "trainables.py", "analysis/__init__.py"])
def test_a_module_of_our_name_is_named_with_what_to_do(name: str, tmp_path: Path) -> None:
    other = write(tmp_path / name)
    message = ganstudy.taken(tmp_path)
    assert message is not None
    ours = name.removesuffix(".py").partition("/")[0]
    assert message.startswith(f"{ours}: expected ganstudy's own package, as in {ganstudy.HOME}, got {other}, which")
    assert message.endswith(f"run ganstudy from another folder than {tmp_path} and without it in PYTHONPATH")


def test_a_folder_without_modules_and_a_copy_of_ganstudy_take_nothing(tmp_path: Path) -> None:
    write(tmp_path / "analysis" / "results.csv")
    assert ganstudy.taken(tmp_path) is None
    for package in ganstudy.PACKAGES:
        write(tmp_path / "copy" / package / "__init__.py")
    assert ganstudy.taken(tmp_path / "copy") is not None
    write(tmp_path / "copy" / "ganstudy.py")
    assert ganstudy.taken(tmp_path / "copy") is None


@pytest.mark.parametrize("name", ["torch.py", "numpy/__init__.py"])
def test_a_module_that_takes_a_librarys_place_is_named(name: str, tmp_path: Path) -> None:
    other = write(tmp_path / name)
    library = name.removesuffix(".py").partition("/")[0]
    message = ganstudy.taken(tmp_path)
    assert message is not None
    assert message.startswith(f"{library}: expected the library, as in ")
    assert f", got {other}, which Python finds first" in message


def test_a_librarys_own_folder_and_folders_of_its_name_take_nothing(tmp_path: Path) -> None:
    import numpy

    (tmp_path / "torch").mkdir()  # without modules
    assert ganstudy.taken(tmp_path) is None
    assert ganstudy.taken(Path(numpy.__file__).parents[1]) is None


def test_the_command_ends_with_the_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write(tmp_path / "analysis.py")
    monkeypatch.syspath_prepend(tmp_path)
    assert ganstudy.main(["--help"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ganstudy: analysis: expected ganstudy's own package")


@pytest.mark.parametrize("way", ["PYTHONPATH", "working directory"])
def test_nothing_of_a_foreign_module_is_run(way: str, tmp_path: Path) -> None:
    write(tmp_path / "study.py", "raise SystemExit('imported')")
    places = [str(ganstudy.HOME)] if way == "working directory" else [str(tmp_path), str(ganstudy.HOME)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    folder = tmp_path if way == "working directory" else tmp_path.parent
    done = subprocess.run(MAIN, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ganstudy: study: expected ganstudy's own package")


def test_the_last_collection_is_spared_except_where_triton_would_tell_of_leaks(monkeypatch):
    frozen = []
    monkeypatch.setattr(ganstudy.gc, "freeze", lambda: frozen.append(True))
    monkeypatch.setitem(sys.modules, "triton", object())
    ganstudy.leave()
    assert not frozen
    monkeypatch.delitem(sys.modules, "triton")
    ganstudy.leave()
    assert frozen
