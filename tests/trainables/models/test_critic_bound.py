from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.data import load
from trainables.data.mixture import gaussian
from trainables.metrics.divergences import of_mixtures
from trainables.models.critic_bound import CriticBound, at, on_line, readout, reads_ratios, share, weigher
from trainables.objectives import OBJECTIVES
from trainables.objectives.induced import resolved
from trainables.objectives.pairing import critic_value
from trainables.spec import Spec
from trainables.training import Training

MIXTURE: dict[str, Any] = {
    "name": "mixture", "weights": [0.33, 0.67], "means": [[-1.0], [2.0]], "variances": [0.065, 2.0],
    "points": 4000, "heldout": 2000,
}  # fmt: skip


P, Q = gaussian(0.0, 1.0), gaussian(1.0, 1.2)
KL = math.log(1.2) + (1 + 1) / (2 * 1.44) - 0.5
REVERSE = -math.log(1.2) + (1.44 + 1) / 2 - 0.5
HELLINGER = 2 - 2 * math.sqrt(2 * 1.2 / (1 + 1.44)) * math.exp(-1 / (4 * (1 + 1.44)))
# int q^2/p of Gaussians, finite as 1.44 < 2
NEYMAN = math.exp(1 / (2 - 1.44)) / (1.2 * math.sqrt(2 - 1.44)) - 1


@pytest.mark.golden
@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("kl", KL), ("reverse_kl", REVERSE), ("jeffrey", KL + REVERSE), ("squared_hellinger", HELLINGER),
        ("exponential", HELLINGER - 2), ("neyman_chi2", NEYMAN),
    ],
)  # fmt: skip
def test_two_gaussians_have_their_closed_forms(name: str, truth: float) -> None:
    weigh = weigher(resolved(name))
    assert weigh is not None
    assert on_line(P, Q, weigh).item() == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize(
    ("objective", "name", "scale"),
    [("kl", "kl", 1), ("jensen_shannon", "jensen_shannon", 2), ("total_variation", "total_variation", 1),
     ("jeffrey", "jeffrey", 1), ("squared_hellinger", "squared_hellinger", 1)],
)  # fmt: skip
def test_mixtures_agree_with_the_adaptive_quadrature(objective: str, name: str, scale: int) -> None:
    """Two implementations that share nothing: fixed panels of (p + q) phi/(1 + r) here, adaptive ones there."""
    p = load(**MIXTURE).mixture
    weigh = weigher(resolved(objective))
    assert p is not None
    assert weigh is not None
    found = scale * of_mixtures(name, p, gaussian(1.0, 1.8))
    assert on_line(p, gaussian(1.0, 1.8), weigh).item() == pytest.approx(found, rel=1e-3)


def test_total_variation_of_two_equal_gaussians_apart() -> None:
    weigh = weigher(resolved("total_variation"))
    assert weigh is not None
    apart = gaussian(1.0, 1.0)
    assert on_line(P, apart, weigh).item() == pytest.approx(math.erf(0.5 / math.sqrt(2)), abs=1e-3)


@pytest.mark.parametrize(("name", "wide"), [("pearson_chi2", False), ("neyman_chi2", True)])
def test_a_divergence_that_is_infinite_is_said_to_be(name: str, wide: bool) -> None:
    weigh = weigher(resolved(name))
    assert weigh is not None
    q = gaussian(0.0, 2.0 if wide else 0.5)
    assert on_line(P, q, weigh).item() == math.inf
    assert math.isfinite(on_line(q, P, weigh).item())


def test_equal_densities_are_at_the_value_of_equality() -> None:
    for name in OBJECTIVES:
        game = resolved(name)
        if (weigh := weigher(game)) is not None:
            at_one = 2 * weigh(torch.zeros((), dtype=torch.float64)).item()
            assert on_line(P, P, weigh).item() == pytest.approx(at_one, abs=1e-9)


def test_only_wasserstein_has_no_pointwise_optimum() -> None:
    assert [name for name in OBJECTIVES if weigher(resolved(name)) is None] == ["wasserstein"]


@pytest.mark.parametrize(("name", "f", "g"), [("minimax", "-softplus(-d)", "-softplus(d)"), ("kl", "d", "-exp(d-1)")])
def test_a_users_own_pair_is_as_the_built_in_one(name: str, f: str, g: str) -> None:
    theirs, ours = weigher(resolved(name)), weigher(resolved({"name": "mine", "f": f, "g": g}))
    assert theirs is not None
    assert ours is not None
    t = torch.linspace(-60, 60, 77, dtype=torch.float64)
    torch.testing.assert_close(ours(t), theirs(t), rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_optimal_critic_attains_the_bound_and_reads_the_ratio(name: str) -> None:
    """Where d*(r) has a formula: F(d*) on many points is sup F, and the ratio comes back."""
    game = resolved(name)
    weigh = weigher(game)
    if game.objective.optimal is None or weigh is None or "inf" in str(game.objective.optimal):
        pytest.skip("no finite optimum")
    from trainables.objectives.expression import parse

    optimal = parse(game.objective.optimal, ("r",), game.parameters)
    generator = torch.Generator().manual_seed(0)
    real, fake = (which.sample(200_000, generator)[0] for which in (P, Q))
    pairs = [at(P, Q, points) for points in (real, fake)]
    d = [optimal(r=(pair.log_p - pair.log_q).exp()) for pair in pairs]
    if name != "neyman_chi2":  # whose mean over points has no variance
        assert critic_value(game, "independent", *d).item() == pytest.approx(on_line(P, Q, weigh).item(), abs=0.02)
    if reads_ratios(game) and name not in ("hinge", "energy"):
        torch.testing.assert_close(readout(game, d[0]), share(pairs[0]), rtol=1e-6, atol=1e-9)


def test_what_a_critic_can_tell_of_ratios() -> None:
    blind = [name for name in OBJECTIVES if not reads_ratios(resolved(name))]
    assert blind == ["wasserstein", "absolute_error", "total_variation"]
    d = torch.tensor([-800.0, -1.0, 0.0, 800.0])
    assert readout(resolved("minimax"), d).tolist() == pytest.approx([0, 1 / (1 + math.e), 0.5, 1])
    assert readout(resolved("hinge"), torch.tensor([-2.0, 0.0, 2.0])).tolist() == [0, 0.5, 1]


def judged(name: str, count: int, known: bool) -> dict[str, Tensor]:
    """Columns for two replicas, the second not finite, judged by the optimal critic of minimax."""
    generator = torch.Generator().manual_seed(1)
    heldout, samples = P.sample(count, generator)[0], Q.sample(count, generator)[0]
    d = [at(P, Q, points).log_p - at(P, Q, points).log_q for points in (heldout, samples)]
    both = torch.stack([samples, samples])
    both[1, 0] = math.nan
    stacked = (torch.stack([d[0], d[0]]), torch.stack([d[1], d[1]]))
    return CriticBound(resolved(name), P).columns(heldout, both, stacked, [Q if known else None] * 2)


@pytest.mark.parametrize("known", [True, False])
def test_an_optimal_critic_leaves_no_gap_and_no_ratio_error(known: bool) -> None:
    found = judged("minimax", 20_000, known)
    assert found.keys() == {"induced_divergence", "bound_gap", "ratio_error"}
    assert found["bound_gap"][0].item() == pytest.approx(0, abs=0.02)
    assert found["ratio_error"][0].item() == pytest.approx(0, abs=1e-12 if known else 0.03)
    assert all(values[1].isnan() and values.dtype == torch.float64 for values in found.values())


def test_what_cannot_be_known_is_left_out() -> None:
    assert judged("wasserstein", 100, known=True) == {}
    assert judged("total_variation", 100, known=True).keys() == {"induced_divergence", "bound_gap"}


def training(**changes: Any) -> Training:
    values: dict[str, Any] = {
        "data": MIXTURE, "steps": 4, "evaluations": 2, "batch_size": 16, "measure": ["divergences"],
        "critic": {"hidden": [8]}, "latent_dim": 1, "generator": {"kind": "affine"},
        "evaluation": {"samples": 300, "neighbour_samples": 100}, **changes,
    }  # fmt: skip
    return Training(Spec(**values), [3, 4])


def test_an_affine_generators_training_is_measured_against_the_exact_truth() -> None:
    run = training()
    found = run.advance().columns
    assert {"critic_bound", "bound_gap", "ratio_error", "generator_mean", "generator_std", "density_js"} <= found.keys()
    flat = run.model.stacks[0].flat
    assert found["generator_mean"] == pytest.approx(flat[:, 0].tolist())
    assert found["generator_std"] == pytest.approx(flat[:, 1].abs().tolist())
    weigh, mixture = weigher(resolved("non_saturating")), load(**MIXTURE).mixture
    assert weigh is not None
    assert mixture is not None
    exact = on_line(mixture, gaussian(found["generator_mean"][0], found["generator_std"][0]), weigh).item()
    assert found["induced_divergence"][0] == pytest.approx(exact)
    assert found["bound_gap"][0] == pytest.approx(exact - found["critic_bound"][0])


def test_a_uniform_latent_is_not_taken_for_a_normal_one() -> None:
    found = training(latent="uniform").advance().columns
    assert found["generator_std"][0] == pytest.approx(3**-0.5, rel=0.05)
    assert math.isfinite(found["induced_divergence"][0])


@pytest.mark.parametrize(
    ("changes", "columns"),
    [
        ({"packing": 2}, {"critic_bound"}),
        ({"objective": "wasserstein"}, {"critic_bound"}),
        ({"model": "cgan", "generator": {"hidden": [8]}}, {"critic_bound"}),
        ({"model": "matching"}, set()),
        ({"generator": {"hidden": [8]}}, {"critic_bound", "induced_divergence", "bound_gap", "ratio_error"}),
        ({"measure": []}, set()),
    ],
)
def test_what_is_reported_when(changes: dict[str, Any], columns: set[str]) -> None:
    found = training(**changes).advance().columns
    assert found.keys() & {"critic_bound", "induced_divergence", "bound_gap", "ratio_error"} == columns


def test_alone_is_in_company_and_a_fallen_replica_is_nan() -> None:
    company, alone, hurt = training(), Training(training().spec, [4]), training()
    hurt.model.stacks[0].flat[0, 0] = math.nan
    found = [run.advance().columns for run in (company, alone, hurt)]
    for name in ("critic_bound", "bound_gap", "ratio_error", "density_kl", "generator_std"):
        assert found[1][name][0] == pytest.approx(found[0][name][1], rel=1e-4, abs=1e-5)
        assert found[2][name][1] == found[0][name][1]
        assert math.isnan(found[2][name][0])


def test_resuming_is_bit_for_bit_with_every_group_measured() -> None:
    groups = {"measure": ["kernel", "sliced", "divergences", "memorisation", "jacobian"]}
    whole, resumed = training(**groups), training(**groups)
    whole.advance()
    resumed.load_state_dict(whole.state_dict())
    last = whole.advance()
    assert last == resumed.advance()
    assert {"jacobian_real", "bound_gap", "memorisation", "kid"} <= last.columns.keys()
