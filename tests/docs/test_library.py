"""The page of the library: its blocks run as they stand, but for fewer steps, and give what the page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import trainables

PAGE = Path(__file__).parents[2] / "docs" / "library.md"
SHORTER = {"steps=2000": "steps=20", "evaluations=10": "evaluations=2", "steps=200)\n": "steps=20)\n"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The names that the blocks leave, each run after those before it, in an empty folder."""
    text = PAGE.read_text(encoding="utf-8")
    for long, short in SHORTER.items():
        text = text.replace(long, short)
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL), 1):
            exec(compile(block, f"block {number} of {PAGE.name}", "exec"), names)
        yield names


def test_every_block_runs_and_gives_what_the_page_says(ran: dict[str, Any]) -> None:
    assert ran["evaluation"].step == ran["again"].step == 20
    assert ran["samples"].shape == (8, 1000, 2)
    assert isinstance(ran["generator"], torch.nn.Module)
    assert ran["path"].shape[1:] == (2,)
    assert ran["paths"].shape[1:] == (20, 30, 2)
    assert 0 < len(ran["half"]) < len(ran["digits"].heldout)


def test_fid_of_two_gaussians(ran: dict[str, Any]) -> None:
    """The means' squared distance 16 x 0.1^2, and by the sampling of n and m points in d = 16 dimensions on average
    d (1/n + 1/m) from the means and d (d + 1)/4 (1/n + 1/m) from the covariances, to first order."""
    scores, both = ran["scores"], 1 / 2000 + 1 / 5000
    expected = 16 * 0.1**2 + 16 * both + 16 * 17 / 4 * both
    assert scores["fid"] == pytest.approx(expected, abs=3 * scores["fid_error"])
    assert scores["fid_error"] < 0.05


def test_the_table_of_names_is_all_that_is_public() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## Names")[1]
    first = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(first))) == sorted(trainables.__all__)
