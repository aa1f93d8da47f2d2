from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from trainables import objectives
from trainables.batches import Batch
from trainables.data import load
from trainables.data.dataset import DataSet
from trainables.models import jacobian
from trainables.models.gan import GAN
from trainables.models.players import Players
from trainables.models.updates import ORDERS
from trainables.networks.layered import LayeredNetwork
from trainables.networks.layers import DrawnWeight, Layer
from trainables.objectives.dirac import eigenvalues
from trainables.penalties import PENALTIES, Term
from trainables.population import StackedParameters
from trainables.spec import Spec
from trainables.training import Training

RING: dict[str, Any] = {"name": "ring", "points": 1000, "heldout": 200}


def training(seeds: tuple[int, ...] = (3, 4), **changes: Any) -> Training:
    values: dict[str, Any] = {
        "data": RING, "steps": 4, "evaluations": 2, "batch_size": 16, "measure": ["jacobian"], "beta1": 0.0,
        "generator": {"hidden": [3], "activation": "tanh"}, "critic": {"hidden": [4], "activation": "tanh"},
        "evaluation": {"samples": 100, "neighbour_samples": 50}, **changes,
    }  # fmt: skip
    return Training(Spec(**values), seeds)


def game(run: Training, replica: int = 0) -> tuple[Players, Batch]:
    assert isinstance(run.model, GAN)
    return jacobian.alone(run.model.players, run._fixed_batch(), replica)


def by_differences(players: Players, batch: Batch) -> np.ndarray:
    """J (P, P) by central differences of the field: an independent way to it."""
    stacks = [players.generator, players.critic]
    starts = [stack.flat.clone() for stack in stacks]
    spectral = [vector.clone() for vector in players.spectral]
    parameters = [stack.leaf for stack in stacks]
    size, step = sum(start.numel() for start in starts), 1e-6

    def field(at: Tensor) -> Tensor:
        for stack, piece, start in zip(stacks, at.split([s.numel() for s in starts]), starts, strict=True):
            stack.flat.copy_(piece.view_as(start))
        for vector, old in zip(players.spectral, spectral, strict=True):
            vector.copy_(old)
        return jacobian.vector_field(players, batch, parameters).detach()

    centre = torch.cat([start.flatten() for start in starts])
    columns = []
    for axis in range(size):
        shift = torch.zeros(size, dtype=torch.float64)
        shift[axis] = step
        columns.append((field(centre + shift) - field(centre - shift)) / (2 * step))
    field(centre)
    return torch.stack(columns, 1).numpy()


@pytest.mark.parametrize("penalty", [name for name in PENALTIES if name != "spectral_norm"])
def test_products_are_those_of_the_dense_jacobian(penalty: str) -> None:
    settings = {"name": "clip", "bound": 1.0} if penalty == "clip" else penalty
    players, batch = game(training(penalty=settings, updates="simultaneous"))
    dense = by_differences(players, batch)
    product, size = jacobian.jacobian(players, batch)
    transposed = np.stack([product(row) for row in np.eye(size)], 1)
    assert pytest.approx(dense, rel=1e-4, abs=1e-6) == transposed.T


def test_the_iteration_finds_what_dense_algebra_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    players, batch = game(training(critic={"hidden": [8], "activation": "tanh"}))
    product, size = jacobian.jacobian(players, batch)
    dense = jacobian.ends(product, size)
    values = np.linalg.eigvals(np.stack([product(row) for row in np.eye(size)]))
    assert dense.real == pytest.approx(values.real.max())
    assert dense.radius == pytest.approx(np.abs(values).max())
    monkeypatch.setattr(jacobian, "DENSE", 0)
    found = jacobian.ends(product, size)
    assert (found.real, found.radius) == pytest.approx((dense.real, dense.radius), rel=1e-4, abs=1e-6)
    assert found.imaginary == pytest.approx(dense.imaginary, rel=1e-3, abs=1e-5)


def test_a_matrix_of_known_spectrum() -> None:
    """A large rotation that shrinks, among real eigenvalues further left."""
    size = 300
    matrix = np.diag(-2 - np.arange(size) / size)
    matrix[:2, :2] = [[-0.5, -3.0], [3.0, -0.5]]
    found = jacobian.ends(lambda w: matrix.T @ w.ravel(), size)
    assert (found.real, found.imaginary) == pytest.approx((-0.5, 3.0), rel=1e-5)
    assert found.radius == pytest.approx(math.hypot(0.5, 3.0), rel=1e-5)


def dirac(objective: str, penalty: str, weight: float, every: int = 1) -> jacobian.SpectrumEnds:
    """The Dirac-GAN as players of ordinary networks: G = theta, d(x) = psi x, both 0."""
    product: Layer = lambda w, x: (x * w[0][:, None]).squeeze(-1)  # noqa: E731
    point: Layer = lambda w, z: w[0][:, None] + 0 * z  # noqa: E731
    made = [LayeredNetwork((DrawnWeight("only", (1,)),), ((1, layer),)) for layer in (point, product)]
    stacks = [StackedParameters(network, torch.zeros(1, 1)) for network in made]
    row, given = PENALTIES[penalty], torch.tensor([weight])
    terms = [] if row.points is None else [Term(row, given, every, True, slice(0, 0))]
    consensus = given if penalty == "consensus" else None
    players = Players(objectives.resolve({"name": objective}), *stacks, terms=terms, consensus=consensus)
    zeros = torch.zeros(8, 1)
    data = DataSet("point", zeros, None, zeros, None, 0)
    nothing = torch.zeros(1, 8, 0)
    batch = Batch(
        data, torch.zeros(1, 8, dtype=torch.int64), torch.zeros(1, 8, 1), None, nothing, nothing, torch.tensor(0.0)
    )
    return jacobian.spectrum(players, batch, 0)


@pytest.mark.golden
@pytest.mark.parametrize("objective", ["minimax", "non_saturating", "reverse_kl", "squared_hellinger"])
@pytest.mark.parametrize(
    ("penalty", "weight"), [("none", 1.0), ("r1", 0.3), ("r1", 3.0), ("r2", 0.3), ("consensus", 0.2)]
)
def test_the_dirac_gan_has_its_known_eigenvalues(objective: str, penalty: str, weight: float) -> None:
    found = dirac(objective, penalty, weight)
    known = eigenvalues(objective, penalty, weight)
    top = known[known.real.argmax()]
    assert found.real == pytest.approx(top.real, abs=1e-6)
    assert found.imaginary == pytest.approx(abs(top.imag), abs=1e-6)
    assert found.radius == pytest.approx(np.abs(known).max(), abs=1e-6)


def test_a_lazy_penalty_counts_at_its_average_weight() -> None:
    assert dirac("minimax", "r1", 0.3, every=8) == dirac("minimax", "r1", 0.3)


def test_spectra_stand_at_the_end_of_training_alone() -> None:
    run = training()
    first, last = run.advance().columns, run.advance().columns
    names = {"jacobian_real", "jacobian_imaginary", "jacobian_radius"}
    assert not names & first.keys()
    assert all(math.isfinite(value) for name in names for value in last[name])
    for real, radius in zip(last["jacobian_real"], last["jacobian_radius"], strict=True):
        assert radius >= abs(real)


def test_a_replicas_spectrum_is_its_own_and_measuring_disturbs_nothing() -> None:
    run, alone, hurt, plain = training(), training((4,)), training(), training(measure=[])
    for each in (run, alone, hurt, plain):
        each.advance()
    hurt.model.stacks[0].flat[0, 0] = math.nan
    ours, theirs, spoilt = (each.advance().columns["jacobian_real"] for each in (run, alone, hurt))
    assert theirs[0] == pytest.approx(ours[1], rel=1e-3, abs=1e-5)
    assert spoilt[1] == ours[1]
    assert math.isnan(spoilt[0])
    plain.advance()
    for mine, theirs in zip(run.model.stacks, plain.model.stacks, strict=True):
        assert torch.equal(mine.flat, theirs.flat)


@pytest.mark.parametrize("updates", ORDERS)
@pytest.mark.parametrize(
    "changes", [{}, {"penalty": "spectral_norm"}, {"model": "cgan"}, {"instance_noise": 0.1, "packing": 2}]
)
def test_every_game_has_a_spectrum(updates: str, changes: dict[str, Any]) -> None:
    run = training(evaluations=1, updates=updates, **changes)
    before = [buffer.clone() for buffer in run.model.buffers]
    assert math.isfinite(run.advance().columns["jacobian_real"][0])
    assert len(before) == len(run.model.buffers)


def test_reference_models_play_no_game() -> None:
    assert "jacobian_real" not in training(model="matching", evaluations=1).advance().columns


def test_networks_that_are_too_large_are_refused() -> None:
    with pytest.raises(ValueError, match="measure: jacobian is for small networks, 200,000 parameters at most, got"):
        training(critic={"hidden": [500, 500]})


def test_what_is_not_finite_is_nan() -> None:
    for size in (3, 300):
        assert math.isnan(jacobian.ends(lambda w: w * math.nan, size).real)


def test_batches_do_not_depend_on_company() -> None:
    company, alone = training()._fixed_batch(), training((4,))._fixed_batch()
    assert torch.equal(company.latents[1:], alone.latents)
    assert company.latents.shape == (2, 1024, 2)
    assert load(**RING).train.shape[0] > int(company.indices.max())
