"""FID of infinitely many samples: unbiased where the FID of n samples is not, with an interval that covers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainables.data import load
from trainables.metrics.evaluator import Evaluator
from trainables.metrics.frechet import FactoredGaussian, frechet_distance, gaussian_from_moments
from trainables.metrics.infinity import fid_infinity

DIMENSIONS, COUNT, REPLICAS = 8, 600, 120


def drawn(scale: float, shift: float) -> tuple[Tensor, FactoredGaussian, float]:
    """Samples (R, n, d) of N(shift, scale²), the reference N(0, 1), and their exact Fréchet distance."""
    generator = torch.Generator().manual_seed(0)
    samples = scale * torch.randn(REPLICAS, COUNT, DIMENSIONS, generator=generator, dtype=torch.float64) + shift
    reference = gaussian_from_moments(torch.zeros(DIMENSIONS), torch.eye(DIMENSIONS))
    return samples, reference, DIMENSIONS * ((1 - scale) ** 2 + shift**2)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.95, 0.05), (0.7, 0.3)])
def test_the_extrapolation_meets_the_exact_distance_and_its_interval_covers_it(scale: float, shift: float) -> None:
    samples, reference, exact = drawn(scale, shift)
    found = fid_infinity(samples, reference)
    estimate = found["estimate"]
    error = float(estimate.std()) / REPLICAS**0.5
    assert float(estimate.mean()) == pytest.approx(exact, abs=3 * error)
    plain = frechet_distance(samples, reference)
    assert float(plain.mean()) > exact + 3 * error
    covered = ((found["low"] <= exact) & (exact <= found["high"])).double().mean()
    assert covered >= 0.9  # 95 % less three standard errors of a share of 120 is 0.89


def test_it_is_less_noisy_than_a_line_through_nested_subsets() -> None:
    """As the paper has it: 15 sizes from a tenth to all of the samples, each a part of the next."""
    samples, reference, _ = drawn(0.95, 0.05)
    sizes = torch.linspace(COUNT / 10, COUNT, 15).long()
    curves = torch.stack([frechet_distance(samples[:, :size], reference) for size in sizes], 1)
    design = torch.stack([torch.ones(15), 1 / sizes], 1).double()
    theirs = curves @ torch.linalg.pinv(design)[0]
    ours = fid_infinity(samples, reference)["estimate"]
    assert float(ours.mean()) == pytest.approx(float(theirs.mean()), abs=3 * float(theirs.std()) / REPLICAS**0.5)
    assert ours.std() < theirs.std()


def test_too_few_samples_are_nan_and_refused_beforehand() -> None:
    samples, reference, _ = drawn(1.0, 0.0)
    few = fid_infinity(samples[:, : 3 * DIMENSIONS], reference)
    assert few["estimate"].isnan().all()
    some = fid_infinity(samples[:, : 6 * DIMENSIONS], reference)
    assert some["estimate"].isfinite().all()
    assert some["low"].isnan().all()
    digits = load("digits")
    with pytest.raises(ValueError, match=r"evaluation.samples: expected more than 3 times the 64 features for measure"):
        Evaluator(digits, {"samples": 150}, ["infinity"])


def test_an_evaluator_measures_it_against_the_exact_mixture() -> None:
    ring = load("ring", points=500, heldout=100)
    columns = Evaluator(ring, {"samples": 400}, ["infinity"])(ring.train[:400].unsqueeze(0))
    low, middle, high = (float(columns[f"fid_infinity{end}"]) for end in ("_low", "", "_high"))
    assert low < middle < high
    assert middle < float(columns["fid"])
