"""One set of samples, measured as by others and as a study measures it; what does not fit is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch

from trainables.data import DataSet, load
from trainables.metrics.evaluator import Evaluator
from trainables.metrics.one_set import evaluate

RANDOM = np.random.default_rng(0)
REAL, MADE = RANDOM.normal(size=(120, 3)), RANDOM.normal(0.3, 1.2, size=(90, 3))
RING = {"name": "ring", "modes": 8, "std": 0.02, "points": 500, "heldout": 100}


@pytest.fixture(scope="module")
def ring() -> DataSet:
    return load(**RING)


def test_fid_is_that_of_its_formula() -> None:
    """By SciPy's matrix square root."""
    (a, b), (p, q) = (MADE.mean(0), REAL.mean(0)), (np.cov(MADE.T), np.cov(REAL.T))
    expected = ((a - b) ** 2).sum() + np.trace(p + q - 2 * scipy.linalg.sqrtm(p @ q).real)
    assert evaluate(MADE, REAL)["fid"] == pytest.approx(expected, rel=1e-5)


def test_prdc_is_that_of_its_authors() -> None:
    prdc = pytest.importorskip("prdc")
    made = MADE[RANDOM.integers(0, 90, 120)]
    made += RANDOM.normal(0, 1e-3, made.shape)
    theirs = prdc.compute_prdc(REAL, made, nearest_k=4)
    ours = evaluate(made, REAL, neighbours=4)
    assert {name: ours[name] for name in theirs} == pytest.approx(theirs)


def test_numbers_are_those_of_an_evaluator(ring: DataSet) -> None:
    samples = ring.heldout
    ours = evaluate(samples.numpy(), ring, measure=["sliced"], neighbour_samples=60)
    evaluator = Evaluator(ring, {"samples": 100, "neighbour_samples": 60}, ["sliced"])
    theirs = evaluator(samples[torch.randperm(100, generator=torch.Generator().manual_seed(0))][None])
    assert ours == {name: values[0].tolist() for name, values in theirs.items()}
    assert sum(ours["mode_histogram"]) == 100


def test_a_named_data_set_is_what_it_stands_for(ring: DataSet) -> None:
    assert evaluate(ring.heldout, RING) == evaluate(ring.heldout, ring)


def test_the_order_of_samples_does_not_matter(ring: DataSet) -> None:
    """Sorted samples are as good as shuffled ones: a metric of the first few sees them all."""
    few = {"neighbour_samples": 50}
    in_order = ring.train[ring.train[:, 0].argsort()]
    assert evaluate(in_order, ring, **few)["coverage"] > 0.8


def test_labels_requested_of_the_samples_are_measured(ring: DataSet) -> None:
    assert ring.heldout_labels is not None
    right = evaluate(ring.heldout, ring, labels=ring.heldout_labels)
    wrong = evaluate(ring.heldout, ring, labels=((ring.heldout_labels + 1) % 8).numpy())
    assert right["label_fidelity"] == 1
    assert wrong["label_fidelity"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": MADE[:19]}, "samples: expected at least 20, got 19"),
        ({"samples": MADE[None]}, r"samples: expected points \(n, d\) or images .* got shape \(1, 90, 3\)"),
        ({"samples": MADE[:, :2]}, r"samples: expected each of shape \(3,\), as the data, got \(2,\)"),
        ({"samples": MADE * np.inf}, "samples: expected finite numbers, got 90 of 90 rows with others"),
        ({"data": REAL[0]}, r"data: expected points .* got shape \(3,\)"),
        ({"data": "rings"}, "data.name: expected one of gaussian, ring.* got 'rings'; did you mean 'ring'"),
        ({"labels": np.zeros(90, int)}, "labels were requested of samples of 'data', which has none"),
        ({"labels": np.zeros(8, int)}, "labels: expected 90 whole numbers"),
        ({"measure": ["memorisation"]}, "measure: memorisation needs held-out points; expected a data set as data"),
        ({"measure": ["kernels"]}, "measure: unknown group 'kernels'; did you mean 'kernel'"),
        ({"feature": "raw"}, "evaluation.feature: unknown setting; did you mean 'features'"),
        ({"features": "inception"}, "evaluation.features: 'inception' needs images, and 'data' has none"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(**{"samples": MADE, "data": REAL, **arguments})
