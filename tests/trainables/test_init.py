"""The public names of `trainables`: all there, and imported late."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import trainables

ROOT = Path(__file__).parents[2]


def test_every_name_is_there() -> None:
    assert {name: getattr(trainables, name) for name in trainables.__all__}.keys() <= set(dir(trainables))
    assert (ROOT / "trainables" / "py.typed").is_file()


def test_type_checkers_see_what_is_imported() -> None:
    """Each name is imported twice: late by the table, and for those who read types."""
    source = ast.parse(Path(str(trainables.__file__)).read_text(encoding="utf-8"))
    typed = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(source)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("trainables.")
        for alias in node.names
    }
    late = {}
    for name, place in trainables._PLACES.items():
        module, _, attribute = place.partition(":")
        folder, _, last = module.rpartition(".")
        late[name] = (f"trainables.{module}", attribute) if attribute else (f"trainables.{folder}", last)
    assert typed == late
    assert sorted(late) == sorted(trainables.__all__)


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'trainables' has no attribute 'Populations'"):
        trainables.Populations  # noqa: B018


def test_the_package_alone_imports_nothing_heavy() -> None:
    code = "import sys, trainables; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
