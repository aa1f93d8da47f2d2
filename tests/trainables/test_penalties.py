"""Penalties against closed forms and a plain double-backward; spectral normalisation against the singular values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from trainables import networks
from trainables.penalties import (
    LAZY,
    PENALTIES,
    Penalty,
    Term,
    gradient_penalty,
    resolve,
    resolve_all,
    spectral_divide,
    spectral_start,
)
from trainables.population import StackedParameters, generators

REPLICAS, BATCH = 3, 40
ON_GRADIENTS = [row for row in PENALTIES.values() if row.points is not None]

# What each row charges for a gradient of norm n, straight from the papers.
CHARGES: dict[str, Callable[[Tensor], Tensor]] = {
    "gradient_penalty": lambda n: (n - 1) ** 2,
    "lipschitz_penalty": lambda n: n.sub(1).clamp(min=0) ** 2,
    "r1": lambda n: n**2 / 2,
    "r2": lambda n: n**2 / 2,
    "dragan": lambda n: (n - 1) ** 2,
    "max_gradient": lambda n: n**2,
}


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def batch(row: Penalty, *shape: int) -> tuple[Tensor, Tensor, Tensor]:
    """Real samples, generated samples and the uniform numbers the row asks for."""
    real, fake = randn(REPLICAS, BATCH, *shape, seed=1), 2 + 3 * randn(REPLICAS, BATCH, *shape, seed=2)
    return real, fake, rand(REPLICAS, BATCH, row.draws(shape), seed=3)


def by_hand(row: Penalty, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    """The points of one replica, written out."""
    if row.name in ("r1", "r2"):
        return real if row.name == "r1" else fake
    if row.name == "dragan":
        spread = real.numpy().std(ddof=1)
        return torch.stack([x + spread / 2 * u[0] * u[1:].view_as(x) for x, u in zip(real, uniform, strict=True)])
    return torch.stack([x + u[0] * (y - x) for x, y, u in zip(real, fake, uniform, strict=True)])


def over_the_batch(row: Penalty, costs: Tensor) -> Tensor:
    """What is charged of a batch's costs (B,): the mean, or the largest (LGAN)."""
    return costs.max() if row.name == "max_gradient" else costs.mean()


def test_the_table_is_complete() -> None:
    of_outputs = {"lecam", "consistency", "balanced_consistency"}
    assert set(PENALTIES) == {"none", "clip", "spectral_norm", "consensus", *CHARGES, *of_outputs}
    assert {name for name, row in PENALTIES.items() if row.charged} == {*CHARGES, *of_outputs}
    assert set(CHARGES) == {row.name for row in ON_GRADIENTS}
    assert all(row.source for row in PENALTIES.values() if row.name != "none")
    assert [row.name for row in PENALTIES.values() if row.generated] == ["r2"]


@pytest.mark.golden
@pytest.mark.parametrize("shape", [(2,), (1, 3, 3)])
@pytest.mark.parametrize("row", ON_GRADIENTS, ids=lambda row: row.name)
def test_a_linear_critic_has_one_slope_everywhere(row: Penalty, shape: tuple[int, ...]) -> None:
    direction = randn(REPLICAS, 1, *shape)
    lengths = torch.tensor([0.25, 1.0, 4.0], dtype=torch.float64)
    slopes = direction / direction.flatten(1).norm(dim=1).view(-1, *([1] * (direction.dim() - 1)))
    slopes = slopes * lengths.view(-1, *([1] * (direction.dim() - 1)))
    penalty = gradient_penalty(row, lambda x: (slopes * x).flatten(2).sum(2), *batch(row, *shape))
    torch.testing.assert_close(penalty, CHARGES[row.name](lengths), rtol=1e-6, atol=1e-10)


@pytest.mark.golden
@pytest.mark.parametrize("shape", [(2,), (1, 3, 3)])
@pytest.mark.parametrize("row", ON_GRADIENTS, ids=lambda row: row.name)
def test_a_quadratic_critics_slope_is_the_point(row: Penalty, shape: tuple[int, ...]) -> None:
    # d(x) = k |x|^2 / 2 has the gradient k x.
    k = torch.tensor([0.1, 1.0, 3.0], dtype=torch.float64)
    real, fake, uniform = batch(row, *shape)
    penalty = gradient_penalty(row, lambda x: k[:, None] * x.flatten(2).square().sum(2) / 2, real, fake, uniform)
    for i in range(REPLICAS):
        points = by_hand(row, real[i], fake[i], uniform[i])
        expected = over_the_batch(row, CHARGES[row.name](k[i] * points.flatten(1).norm(dim=1)))
        torch.testing.assert_close(penalty[i], expected, rtol=1e-6, atol=1e-10)


def transposed(weight: Tensor) -> Tensor:
    """A dense layer's weight in torch's layout, or back; biases stay."""
    return weight.T if weight.dim() == 2 else weight


@pytest.mark.parametrize("row", ON_GRADIENTS, ids=lambda row: row.name)
def test_gradient_of_the_weights_is_torchs_double_backward(row: Penalty) -> None:
    network = networks.critic(networks.settings("critic", {"hidden": [8, 6]}), (2,))
    stacked = StackedParameters(
        network, 3 * StackedParameters.drawn(network, generators(range(REPLICAS), 0, "cpu")).flat.double()
    )
    real, fake, uniform = batch(row, 2)
    penalty = gradient_penalty(row, lambda x: network(stacked.views, x), real, fake, uniform)
    gradient = stacked.gradient(penalty)
    for i in range(REPLICAS):
        plain = nn.Sequential(
            nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 6), nn.LeakyReLU(0.2), nn.Linear(6, 1)
        ).double()
        for parameter, view in zip(plain.parameters(), stacked.views, strict=True):
            parameter.data = transposed(view[i].detach()).clone()
        points = by_hand(row, real[i], fake[i], uniform[i]).requires_grad_()
        (slope,) = torch.autograd.grad(plain(points).sum(), points, create_graph=True)
        expected = over_the_batch(row, CHARGES[row.name](slope.norm(dim=1)))
        torch.testing.assert_close(penalty[i], expected, rtol=1e-6, atol=1e-10)
        own = torch.autograd.grad(expected, list(plain.parameters()), allow_unused=True)
        flat = [
            torch.zeros(v[0].numel()) if g is None else transposed(g).flatten()
            for g, v in zip(own, stacked.views, strict=True)
        ]
        torch.testing.assert_close(gradient[i], torch.cat(flat).double(), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("row", ON_GRADIENTS, ids=lambda row: row.name)
def test_a_flat_critic_has_a_finite_gradient(row: Penalty) -> None:
    k = torch.zeros(REPLICAS, 1, dtype=torch.float64, requires_grad=True)
    penalty = gradient_penalty(row, lambda x: k * x.square().sum(2), *batch(row, 2))
    torch.testing.assert_close(penalty, CHARGES[row.name](torch.zeros(3, dtype=torch.float64)), rtol=1e-5, atol=1e-10)
    (gradient,) = torch.autograd.grad(penalty.sum(), k)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("row", ON_GRADIENTS, ids=lambda row: row.name)
def test_replicas_do_not_see_each_other(row: Penalty) -> None:
    real, fake, uniform = batch(row, 2)

    def cubic(x: Tensor) -> Tensor:
        return x.pow(3).sum(2)

    whole = gradient_penalty(row, cubic, real, fake, uniform)
    real[1, 0, 0], fake[1, 0, 0] = math.nan, math.inf
    spoiled = gradient_penalty(row, cubic, real, fake, uniform)
    assert not spoiled[1].isfinite()
    assert torch.equal(whole[[0, 2]], spoiled[[0, 2]])
    alone = gradient_penalty(row, cubic, real[[2]], fake[[2]], uniform[[2]])
    torch.testing.assert_close(alone[0], whole[2])


@pytest.mark.parametrize("row", ON_GRADIENTS, ids=lambda row: row.name)
def test_the_samples_are_left_alone(row: Penalty) -> None:
    real, fake, uniform = batch(row, 2)
    fake.requires_grad_()
    copies = real.clone(), fake.detach().clone()
    gradient_penalty(row, lambda x: x.square().sum(2), real, fake, uniform)
    assert not real.requires_grad
    assert torch.equal(real, copies[0])
    assert torch.equal(fake.detach(), copies[1])


def points(name: str, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    row = PENALTIES[name].points
    assert row is not None
    return row(real, fake, uniform)


@pytest.mark.parametrize("name", ["gradient_penalty", "lipschitz_penalty"])
def test_interpolates_lie_between(name: str) -> None:
    real, fake, uniform = batch(PENALTIES[name], 1, 4, 4)
    assert uniform.shape[-1] == 1
    found = points(name, real, fake, uniform)
    share = ((found - real) / (fake - real)).flatten(2)
    torch.testing.assert_close(share, uniform.expand_as(share))  # one share for all of a sample
    assert torch.equal(points(name, real, fake, torch.zeros_like(uniform)), real)
    assert torch.equal(points(name, real, fake, torch.ones_like(uniform)), fake)


def test_dragans_points_have_the_stated_distribution() -> None:
    row = PENALTIES["dragan"]
    assert row.draws((2,)) == 3
    spreads = torch.tensor([0.1, 5.0], dtype=torch.float64)
    real = 7 + spreads[:, None, None] * randn(2, 50_000, 2)
    step = points("dragan", real, torch.full_like(real, math.nan), rand(2, 50_000, 3)) - real
    for i in range(2):
        unit = step[i] / (real[i].std() / 2)  # u v, with u shared by the coordinates
        assert float(unit.min()) >= 0
        assert float(unit.max()) <= 1
        moments = torch.cov(unit.T)
        torch.testing.assert_close(unit.mean(0), torch.full((2,), 1 / 4, dtype=torch.float64), rtol=0.02, atol=0)
        torch.testing.assert_close(moments.diag(), torch.full((2,), 7 / 144, dtype=torch.float64), rtol=0.03, atol=0)
        assert float(moments[0, 1]) == pytest.approx(1 / 48, rel=0.05)


@pytest.mark.parametrize("name", PENALTIES)
def test_defaults(name: str) -> None:
    needed = {setting: 0.5 for setting, default in PENALTIES[name].settings.items() if default is None}
    row, values = resolve({"name": name, **needed})
    assert row is PENALTIES[name]
    assert set(values) == {*row.settings, *(LAZY if row.points else {})}
    assert all(values[name] > 0 for name in row.settings if name != "flip")
    assert {name: value for name, value in values.items() if name in LAZY} in ({}, LAZY)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "lecam", "decay": 1}, r"penalty\.decay: expected a number in \[0, 1\), got 1"),
        ({"name": "consistency", "shift": 0.6}, r"penalty\.shift: expected a number in \(0, 0.5\], got 0.6"),
        ({"name": "balanced_consistency", "flip": 2}, r"penalty\.flip: expected a number in \[0, 1\], got 2"),
        ({"name": "lecam", "every": 2}, r"penalty lecam\.every: unknown setting"),
    ],
)
def test_settings_of_penalties_on_outputs_have_their_ranges(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve(given)


def test_published_weights() -> None:
    weights = {name: resolve({"name": name})[1].get("weight") for name in CHARGES}
    assert weights == {
        "gradient_penalty": 10,
        "lipschitz_penalty": 10,
        "r1": 1,
        "r2": 1,
        "dragan": 10,
        "max_gradient": 1,
    }
    assert resolve({"name": "consensus"})[1] == {"weight": 0.1}


@pytest.mark.parametrize(
    ("given_penalty", "error", "message"),
    [
        ({"name": "wgan_gp"}, ValueError, "penalty: unknown name 'wgan_gp'"),
        ({"name": "gradient_penalti"}, ValueError, "did you mean 'gradient_penalty'"),
        ({}, TypeError, "penalty: expected one of none, clip, .*got null"),
        ({"name": "clip"}, ValueError, "penalty.bound: clip needs it, expected a positive number, got nothing"),
        ({"name": "clip", "bound": None}, ValueError, "penalty.bound: clip needs it"),
        ({"name": "clip", "bound": -1}, ValueError, r"penalty.bound: expected a number in \(0, inf\), got -1"),
        ({"name": "r1", "weight": 0}, ValueError, r"penalty.weight: expected a number in \(0, inf\), got 0"),
        ({"name": "r1", "weight": math.nan}, ValueError, "penalty.weight: expected a finite number, got nan"),
        ({"name": "r1", "weight": "big"}, TypeError, "penalty.weight: expected a number, got 'big'"),
        (
            {"name": "r1", "gamma": 1},
            ValueError,
            "penalty r1.gamma: unknown setting; did you mean 'weight'",
        ),
        ({"name": "none", "weight": 1}, ValueError, "penalty none.weight: unknown setting; it takes none$"),
        ({"name": "clip", "bound": 1, "every": 4}, ValueError, "penalty clip.every: unknown setting"),
        ({"name": "r1", "every": 0}, ValueError, "penalty.every: expected at least 1, got 0"),
        ({"name": "r1", "every": 2.0}, TypeError, "penalty.every: expected a whole number, got 2.0"),
        ({"name": "r1", "compensated": 1}, TypeError, "penalty.compensated: expected true or false, got 1"),
    ],
)
def test_wrong_settings_are_refused(given_penalty: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        resolve(given_penalty)


@pytest.mark.parametrize(
    ("several", "message"),
    [
        ([{"name": "r1"}, {"name": "r1", "weight": 2}], "penalty: expected each once, got r1 twice"),
        ([{"name": "r1"}, {"name": "none"}], "penalty: expected none alone, got r1, none"),
        (
            [{"name": "r1"}, {"name": "r2", "weight": -1}],
            r"penalty\.r2\.weight: expected a number in \(0, inf\), got -1",
        ),
        ([{"name": "r1"}, {"name": "r3"}], "penalty: unknown name 'r3'"),
    ],
)
def test_wrong_company_is_refused(several: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve_all(several)


@pytest.mark.parametrize(("compensated", "expected"), [(True, [12, 0, 0, 0, 12]), (False, [3, 0, 0, 0, 3])])
def test_a_lazy_penalty_has_its_turns(compensated: bool, expected: list[float]) -> None:
    term = Term(PENALTIES["r1"], torch.tensor([3.0]), 4, compensated, slice(0, 0))
    assert [float(term.present(torch.tensor(updates))) for updates in range(5)] == expected
    assert float(term.averaged().weight) == sum(expected[:4]) / 4


def largest(matrix: Tensor) -> Tensor:
    values: Tensor = torch.linalg.svdvals(matrix.flatten(2))[:, 0]
    return values


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (6, 1), (4, 3, 4, 4)])
def test_power_iteration_finds_the_largest_singular_value(shape: tuple[int, ...]) -> None:
    matrix = randn(REPLICAS, *shape)
    (vector,) = [v.double() for v in spectral_start([shape], generators(range(REPLICAS), 5, "cpu"))]
    for _ in range(300):
        divided = spectral_divide(matrix, vector, iterate=True)
    sigma = (matrix / divided).flatten(1).mean(1)
    torch.testing.assert_close(sigma, largest(matrix), rtol=1e-8, atol=0)
    torch.testing.assert_close(largest(divided), torch.ones(REPLICAS, dtype=torch.float64), rtol=1e-8, atol=0)


def test_one_iteration_at_a_time() -> None:
    matrix, (vector,) = randn(1, 4, 6), [v.double() for v in spectral_start([(4, 6)], generators([0], 5, "cpu"))]
    w, u = matrix[0].numpy(), vector[0].numpy().copy()
    for _ in range(3):
        v = w.T @ u / np.linalg.norm(w.T @ u)
        u = w @ v / np.linalg.norm(w @ v)
        divided = spectral_divide(matrix, vector, iterate=True)
        np.testing.assert_allclose(vector[0].numpy(), u, rtol=1e-12)
        np.testing.assert_allclose(divided[0].numpy(), w / (u @ w @ v), rtol=1e-12)


def test_the_vector_moves_only_when_asked() -> None:
    matrix, vector = randn(2, 4, 6), nn.functional.normalize(randn(2, 4, seed=1), dim=1)
    before = vector.clone()
    first = spectral_divide(matrix, vector, iterate=False)
    assert torch.equal(vector, before)
    assert torch.equal(spectral_divide(matrix, vector, iterate=False), first)
    memory = vector.data_ptr()
    spectral_divide(matrix, vector, iterate=True)
    assert not torch.equal(vector, before)
    assert vector.data_ptr() == memory


def test_spectral_gradient_holds_the_singular_vectors_fixed() -> None:
    # Miyato et al. 2018, eq. 12, checked by autograd on u^T W v with constants u and v.
    matrix, vector = randn(2, 4, 6).requires_grad_(), nn.functional.normalize(randn(2, 4, seed=1), dim=1)
    weights = randn(2, 4, 6, seed=2)
    (gradient,) = torch.autograd.grad((spectral_divide(matrix, vector, iterate=True) * weights).sum(), matrix)
    for i in range(2):
        start = nn.functional.normalize(randn(2, 4, seed=1), dim=1)[i]
        v = nn.functional.normalize(matrix[i].detach().T @ start, dim=0)
        u = nn.functional.normalize(matrix[i].detach() @ v, dim=0)
        sigma = u @ matrix[i].detach() @ v
        share = (weights[i] * matrix[i].detach() / sigma).sum()
        torch.testing.assert_close(gradient[i], (weights[i] - share * torch.outer(u, v)) / sigma)


def test_starting_vectors_are_unit_and_each_replicas_own() -> None:
    shapes = [(5, 3), (7, 2, 4, 4)]
    together = spectral_start(shapes, generators([3, 4], 5, "cpu"))
    alone = spectral_start(shapes, generators([4], 5, "cpu"))
    for many, one, shape in zip(together, alone, shapes, strict=True):
        assert many.shape == (2, shape[0])
        torch.testing.assert_close(many.norm(dim=1), torch.ones(2))
        assert torch.equal(many[1], one[0])
        assert not torch.equal(many[0], many[1])


def test_a_spoiled_matrix_leaves_the_others_alone() -> None:
    matrix = randn(3, 4, 6)
    vectors = nn.functional.normalize(randn(3, 4, seed=1), dim=1)
    whole, kept = spectral_divide(matrix, vectors.clone(), iterate=True), vectors.clone()
    matrix[1, 0, 0] = math.nan
    spoiled = spectral_divide(matrix, kept, iterate=True)
    assert torch.equal(whole[[0, 2]], spoiled[[0, 2]])
    assert kept[[0, 2]].isfinite().all()


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10_000), st.floats(1e-3, 1e3))
def test_division_removes_the_scale(rows: int, columns: int, seed: int, scale: float) -> None:
    matrix, vector = randn(1, rows, columns, seed=seed), nn.functional.normalize(randn(1, rows, seed=seed + 1), dim=1)
    divided = spectral_divide(matrix, vector.clone(), iterate=True)
    torch.testing.assert_close(
        spectral_divide(scale * matrix, vector.clone(), iterate=True), divided, rtol=1e-6, atol=1e-9
    )
    # Power iteration approaches sigma from below, so what is divided by it is never too small.
    assert float(largest(divided)) >= 1 - 1e-9
