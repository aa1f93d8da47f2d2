"""The wheel, built offline: all that the command needs to run from any folder, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("study", "trainables", "analysis")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this source tree, made as `pip wheel . --no-deps` makes it, without a network."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(folder)]
    done = subprocess.run([sys.executable, "-m", "pip", "wheel", str(ROOT), *offline], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("ganstudy-*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as file:
        return set(file.namelist())


def test_every_file_of_the_packages_and_every_configuration_is_in_it(names: set[str]) -> None:
    folders = {**{package: package for package in PACKAGES}, "configs": "study/configs"}
    expected = {"ganstudy.py", *(f"study/docs/{path.name}" for path in ROOT.glob("docs/*.md"))}
    for folder, within in folders.items():
        files = (path for path in ROOT.joinpath(folder).rglob("*") if path.is_file() and path.suffix != ".pyc")
        expected |= {f"{within}/{path.relative_to(ROOT / folder).as_posix()}" for path in files}
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == expected


def test_it_says_what_the_project_says(wheel: Path, names: set[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (about,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as file:
        metadata = Parser().parsestr(file.read(about).decode())
        entry = file.read(about.replace("METADATA", "entry_points.txt")).decode()
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert len(needed) == len(project["dependencies"])
    assert metadata["Name"] == "ganstudy"
    assert entry.split("[console_scripts]")[1].split() == ["ganstudy", "=", "ganstudy:main"]


def test_from_it_alone_a_study_is_begun_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "installed")
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    command = [sys.executable, "-m", "ganstudy", "init", "mine", "--from", "papers/dirac"]
    done = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    text = (empty / "mine.yaml").read_text(encoding="utf-8")
    assert text == (ROOT / "configs/papers/dirac.yaml").read_text(encoding="utf-8").replace(
        "study: dirac-2018", "study: mine"
    )
