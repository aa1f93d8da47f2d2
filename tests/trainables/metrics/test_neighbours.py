import pytest
import torch
from prdc import compute_prdc
from torch import Tensor

from trainables.metrics import distances
from trainables.metrics.neighbours import expected_coverage, neighbourhood, prdc, squared_radii


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("width", "real", "fake", "k"), [(2, 300, 300, 5), (64, 200, 150, 3), (5, 100, 250, 1)])
def test_as_the_prdc_package(width: int, real: int, fake: int, k: int) -> None:
    x, y = normal(real, width), 0.8 * normal(3, fake, width, seed=1) + 0.3
    ours = prdc(y, neighbourhood(x, k))
    for i in range(3):
        theirs = compute_prdc(x.double().numpy(), y[i].double().numpy(), nearest_k=k)
        assert {name: values[i].item() for name, values in ours.items()} == pytest.approx(theirs, abs=1e-12)


def test_the_radius_reaches_the_kth_other_point() -> None:
    line = torch.tensor([[[0.0], [1.0], [3.0], [7.0]]], dtype=torch.float64)
    torch.testing.assert_close(squared_radii(line, 1), torch.tensor([[1.0, 1.0, 4.0, 16.0]], dtype=torch.float64))
    torch.testing.assert_close(squared_radii(line, 2), torch.tensor([[9.0, 4.0, 9.0, 36.0]], dtype=torch.float64))


def test_small_blocks_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = normal(120, 3), normal(4, 90, 3, seed=1)
    whole = prdc(y, neighbourhood(x, 4))
    monkeypatch.setitem(distances._ELEMENTS, "cpu", 1000)
    pieces = prdc(y, neighbourhood(x, 4))
    for name, values in whole.items():
        torch.testing.assert_close(pieces[name], values)


@pytest.mark.parametrize("width", [2, 64])
def test_duplicated_points_lie_in_their_own_balls(width: int) -> None:
    # Every ball has radius 0; a strict `<` would answer 0 to all four.
    points = (10 * normal(20, width)).repeat(6, 1)
    measured = prdc(points.unsqueeze(0), neighbourhood(points, 5))
    assert {name: values.item() for name, values in measured.items()} == {
        "precision": 1.0,
        "recall": 1.0,
        "density": pytest.approx(6 / 5),
        "coverage": 1.0,
    }


def test_the_same_distribution_scores_high() -> None:
    measured = prdc(normal(1, 1000, 2, seed=1), neighbourhood(normal(1000, 2), 5))
    assert measured["precision"].item() > 0.95
    assert measured["recall"].item() > 0.95
    assert measured["density"].item() == pytest.approx(1, abs=0.1)
    assert measured["coverage"].item() > 0.95


@pytest.mark.parametrize(("samples", "real", "k"), [(300, 300, 5), (100, 300, 5), (300, 100, 3), (50, 40, 1)])
@pytest.mark.parametrize("width", [1, 3])
def test_the_expected_coverage_is_that_of_any_distribution(samples: int, real: int, k: int, width: int) -> None:
    found = [
        prdc(
            normal(20, samples, width, seed=2 * turn).exp(),
            neighbourhood(normal(real, width, seed=2 * turn + 1).exp(), k),
        )
        for turn in range(20)
    ]
    of_turns = torch.stack([one["coverage"].mean() for one in found])
    error = of_turns.std().item() / 20**0.5
    assert of_turns.mean().item() == pytest.approx(expected_coverage(samples, real, k), abs=4 * error)


def test_a_collapsed_generator_is_precise_and_recalls_nothing() -> None:
    real = neighbourhood(normal(1000, 2), 5)
    measured = prdc(1e-3 * normal(1, 1000, 2, seed=1), real)
    assert measured["precision"].item() == 1
    assert measured["recall"].item() < 0.01
    assert measured["coverage"].item() < 0.02


def test_a_scattered_generator_recalls_but_is_not_precise() -> None:
    measured = prdc(10 * normal(1, 1000, 2, seed=1), neighbourhood(normal(1000, 2), 5))
    assert measured["precision"].item() < 0.2
    assert measured["recall"].item() > 0.9
    assert measured["density"].item() < 0.1


def test_dropping_half_of_the_modes_halves_recall_and_coverage() -> None:
    modes = torch.tensor([[-10.0, 0.0], [10.0, 0.0]])
    x = normal(1000, 2) + modes[torch.arange(1000) % 2]
    measured = prdc((normal(1000, 2, seed=1) + modes[0]).unsqueeze(0), neighbourhood(x, 5))
    assert measured["precision"].item() > 0.9
    assert measured["recall"].item() == pytest.approx(0.5, abs=0.03)
    assert measured["coverage"].item() == pytest.approx(0.5, abs=0.03)


def test_a_replica_that_is_not_finite_is_nan_alone() -> None:
    samples = normal(3, 50, 2)
    samples[1, 0, 0] = torch.nan
    for values in prdc(samples, neighbourhood(normal(60, 2), 3)).values():
        assert values.isnan().tolist() == [False, True, False]


def test_neighbours_need_enough_points() -> None:
    with pytest.raises(ValueError, match="5 neighbours need at least 6 points, got 5"):
        neighbourhood(normal(5, 2), 5)
    with pytest.raises(ValueError, match="3 neighbours need at least 4 points, got 2"):
        prdc(normal(1, 2, 2), neighbourhood(normal(10, 2), 3))
