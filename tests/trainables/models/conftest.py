"""The games of this folder and their peers in plain PyTorch are imported by their plain names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trainables.data import DataSet, load

sys.path.insert(0, str(Path(__file__).parent))

from games import CLASSES


@pytest.fixture(scope="module")
def ring() -> DataSet:
    return load("ring", modes=CLASSES, std=0.3, points=300, heldout=10)
