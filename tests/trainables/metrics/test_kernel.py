import math

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_kid import kernel_poly, kernel_rbf, mmd2

from trainables.metrics.kernel import cubic_kernel, gaussian_kernel, in_blocks, median_gaussian, mmd


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_kid_as_torch_fidelity_has_it_block_by_block() -> None:
    x, y = normal(1, 80, 6), 1.3 * normal(80, 6, seed=1)
    settings = {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}
    theirs = []
    for a, b in zip(x[0].numpy().reshape(4, 20, 6), y.numpy().reshape(4, 20, 6), strict=True):
        theirs.append(mmd2(*(kernel_poly(*pair, **settings) for pair in ((a, a), (a, b), (b, b)))))
    ours = mmd(x, in_blocks(y, cubic_kernel, 4, 20))["estimate"].item()
    assert ours == pytest.approx(sum(theirs) / 4, rel=1e-10)


def test_the_gaussian_kernel_is_the_mean_of_three() -> None:
    x, y = normal(15, 3), normal(10, 3, seed=1)
    each = [kernel_rbf(x.numpy(), y.numpy(), kid_kernel_rbf_sigma=1.7 * factor) for factor in (0.5, 1, 2)]
    torch.testing.assert_close(gaussian_kernel(x, y, 1.7), torch.tensor(sum(each) / 3))


def test_the_bandwidth_is_the_median_distance() -> None:
    points = torch.tensor([[0.0], [1.0], [3.0]])
    x, y = torch.zeros(1, 1, dtype=torch.float64), torch.full((1, 1), 2.0, dtype=torch.float64)
    torch.testing.assert_close(median_gaussian(points)(x, y), gaussian_kernel(x, y, 2.0))


def test_a_reference_in_one_point_has_a_kernel_all_the_same() -> None:
    kernel = median_gaussian(torch.ones(20, 2))
    assert kernel(torch.ones(1, 2).double(), torch.ones(1, 2).double()).item() == 1


@pytest.mark.golden
def test_the_cubic_mmd_of_shifted_gaussians() -> None:
    # In 1-D MMD² = Σ_j C(3, j) (E x^j − E y^j)²: moments of N(0, 1) and N(1, 1) are 0, 1, 0 and 1, 2, 4.
    exact = 3 * 1**2 + 3 * 1**2 + 4**2
    estimates = mmd(normal(4, 20_000, 1), in_blocks(normal(20_000, 1, seed=1) + 1, cubic_kernel, 100, 200))["estimate"]
    assert estimates.mean().item() == pytest.approx(exact, rel=0.05)


def test_unbiased_where_distributions_agree() -> None:
    kernel = median_gaussian(normal(100, 2))
    estimates = torch.cat(
        [
            mmd(normal(1, 200, 2, seed=2 * i), in_blocks(normal(200, 2, seed=2 * i + 1), kernel, 10, 20))["estimate"]
            for i in range(200)
        ]
    )
    error = estimates.std().item() / math.sqrt(200)
    assert abs(estimates.mean().item()) < 4 * error
    assert 0.2 < (estimates < 0).double().mean().item() < 0.8


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for i in range(300):
        reference = in_blocks(normal(300, 1, seed=2 * i + 1) + 1, gaussian_at_one, 10, 30)
        found = mmd(normal(1, 300, 1, seed=2 * i), reference)
        held += bool(found["low"] <= truth_at_one() <= found["high"])
    assert held / 300 == pytest.approx(0.95, abs=0.05)


def gaussian_at_one(x: Tensor, y: Tensor) -> Tensor:
    return gaussian_kernel(x, y, 1.0)


def truth_at_one() -> float:
    # E exp(−(x − y)²/2σ²) with x − y ~ N(m, 2) is σ/√(σ² + 2)·exp(−m²/2(σ² + 2)).
    def mean(shift: float) -> float:
        widths = [s / math.sqrt(s**2 + 2) * math.exp(-(shift**2) / (2 * (s**2 + 2))) for s in (0.5, 1.0, 2.0)]
        return sum(widths) / 3

    return 2 * mean(0) - 2 * mean(1)


def test_a_wider_confidence_a_wider_interval() -> None:
    reference = in_blocks(normal(200, 2, seed=1), cubic_kernel, 10, 20)
    narrow, wide = mmd(normal(3, 200, 2), reference, 0.5), mmd(normal(3, 200, 2), reference, 0.99)
    assert (wide["low"] < narrow["low"]).all()
    assert (narrow["high"] < wide["high"]).all()


def test_fewer_samples_use_fewer_blocks() -> None:
    reference, x = in_blocks(normal(200, 2, seed=1), cubic_kernel, 10, 20), normal(1, 70, 2)
    torch.testing.assert_close(mmd(x, reference), mmd(x, in_blocks(normal(200, 2, seed=1), cubic_kernel, 3, 20)))
    with pytest.raises(ValueError, match="2 blocks of 20 need 40 samples, got 39"):
        mmd(x[:, :39], reference)


def test_a_reference_too_small_for_its_blocks() -> None:
    with pytest.raises(ValueError, match="at least 2 blocks of 2 points out of 10, got 10 of 2"):
        in_blocks(normal(10, 2), cubic_kernel, 10, 2)


def test_a_replica_that_is_not_finite_is_nan_alone() -> None:
    x = normal(3, 40, 2)
    x[2, 0, 0] = torch.inf
    for values in mmd(x, in_blocks(normal(40, 2, seed=1), cubic_kernel, 2, 20)).values():
        assert values.isnan().tolist() == [False, False, True]
