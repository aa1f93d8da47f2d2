"""The code among the questions runs as it stands, and computes what it says."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

PAGE = Path(__file__).parents[2] / "docs" / "faq.md"
SHARES = {  # of eight replicas, for each of three searches
    "hinge-none": (2, 3, 2),
    "hinge-r1": (8, 7, 8),
    "non_saturating-none": (3, 4, 2),
    "non_saturating-r1": (4, 6, 5),
}


def test_a_difference_of_differences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"phase": "confirm", "arm": arm, "repeat": repeat, "outcome": "converged" if seed < good else "stalled"}
        for arm, shares in SHARES.items()
        for (repeat, good), seed in product(enumerate(shares), range(8))
    ]
    rows += [{**row, "phase": "search", "outcome": "collapsed"} for row in rows]
    folder = tmp_path / "studies" / "rings"
    folder.mkdir(parents=True)
    pd.DataFrame(rows).astype({"arm": "category"}).to_parquet(folder / "trials.parquet")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(block, PAGE.name, "exec"), names)
    shares = {arm: np.array(found) / 8 for arm, found in SHARES.items()}
    effects = [shares[f"{name}-r1"].mean() - shares[f"{name}-none"].mean() for name in ("hinge", "non_saturating")]
    assert names["more"] == pytest.approx(effects[0] - effects[1])
    errors = [found.var(ddof=1) / 3 for found in shares.values()]
    half = stats.t.ppf(0.975, 2 * sum(errors) ** 2 / sum(one**2 for one in errors)) * sum(errors) ** 0.5
    assert names["high"] == pytest.approx(effects[0] - effects[1] + half)
    assert re.fullmatch(r"R1 adds \d+ \[\d+, \d+\] points more to hinge\n", capsys.readouterr().out)
