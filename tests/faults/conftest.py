"""The harness of this folder is imported by its plain names; the environment is made as a study's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from subject import Subject

Begin = Callable[..., Subject]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """`begin(values, "name", FAULTS="…")` is a study to be started; all of them are ended with the test."""
    begun: list[Subject] = []

    def make(values: dict[str, Any], name: str = "study", **environment: str) -> Subject:
        begun.append(Subject(values, tmp_path / name, environment))
        return begun[-1]

    yield make
    for subject in begun:
        subject.end()
