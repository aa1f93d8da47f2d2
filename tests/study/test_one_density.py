"""What a report draws of a generator on a line is what its trial put aside: one density, in data and by rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.record.snapshots import snapshots
from analysis.results.density import POINTS, densities
from analysis.statistics.densities import kernel_density
from trainables.inspection import one_dimensional

X = np.linspace(-3, 3, 400)


@pytest.mark.parametrize("kind", ["normal", "two modes", "heavy", "collapsed", "mostly one point"])
def test_both_estimates_are_one(kind: str) -> None:
    draw = np.random.default_rng(0)
    samples = {
        "normal": draw.normal(0.5, 0.7, 300),
        "two modes": np.concatenate([draw.normal(-1, 0.1, 150), draw.normal(1, 0.1, 150)]),
        "heavy": draw.standard_cauchy(300),
        "collapsed": np.zeros(300),
        "mostly one point": np.concatenate([np.zeros(290), draw.normal(0, 1, 10)]),
    }[kind]
    ours, theirs = one_dimensional.kernel_density(samples, X), kernel_density(samples, X)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_the_report_takes_the_densities_of_the_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "trials" / "t" / "pictures"
    folder.mkdir(parents=True)
    drawn = np.random.default_rng(1).random((2, 2, 400))
    common = {"samples": np.zeros((2, 10, 1)), "means": [[0.0]], "stds": [1.0], "weights": [1.0]}
    for step, one in zip((10, 20), drawn, strict=True):
        np.savez(folder / f"{step:08d}.npz", **common, line_x=X, line_generator_density=one)
    row = snapshots(tmp_path, "a", "t", 1)
    assert row is not None
    np.testing.assert_array_equal(densities(row).generated, drawn[:, 1])
    np.testing.assert_array_equal(densities(row).x, X)
    np.savez(folder / "00000030.npz", **common)
    older = snapshots(tmp_path, "a", "t", 1)
    assert older is not None
    assert older.generated is None
    assert densities(older).generated.shape == (3, POINTS)
