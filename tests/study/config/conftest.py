"""Data of the user's own, for what is decided by their kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def points(tmp_path: Path) -> dict[str, Any]:
    """Data of the user's own, in the plane."""
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(200, 2)))
    return {"name": "arrays", "path": str(tmp_path / "points.npy")}
