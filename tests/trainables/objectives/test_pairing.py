"""Relativistic pairings: what is known of them before training, against a search for the best critic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor

from trainables import objectives
from trainables.objectives import OBJECTIVES, Objective
from trainables.objectives.pairing import PAIRINGS, check_pairing, critic_value, explain_pairing, generator_loss

RELATIVISTIC = [name for name in PAIRINGS if name != "independent"]
# Pairs that are no divergences: one whose critic finds p apart from p, and one in which a small critic gains nothing.
FINDS_ITSELF = {"name": "finds_itself", "f": "exp(d)", "g": "-d"}
FINDS_NOTHING = {"name": "finds_nothing", "f": "-d**2", "g": "-d**2"}


def best(given: dict[str, Any], pairing: str, p: list[float], q: list[float]) -> float:
    """sup_C V for p and q on three points, by Nelder-Mead from several starts, written with sums over the points."""
    game, p_, q_ = objectives.resolve(given), torch.tensor(p).double(), torch.tensor(q).double()

    def value(c: np.ndarray) -> float:
        output = torch.tensor(np.clip(c, -20, 20), dtype=torch.float64)
        if pairing == "relativistic":
            ahead = output[:, None] - output
            whole = (game.f(game.link(ahead)) + game.g(game.link(-ahead))) / 2
            return float((p_[:, None] * q_ * whole).sum())
        real, fake = output - (q_ * output).sum(), output - (p_ * output).sum()
        return float((p_ * game.f(game.link(real))).sum() + (q_ * game.g(game.link(fake))).sum())

    random = np.random.default_rng(0)
    starts = [np.zeros(3), *(scale * random.standard_normal(3) for scale in (0.1, 1, 5))]
    return max(-minimize(lambda c: -value(c), start, method="Nelder-Mead").fun for start in starts)


@pytest.mark.golden
@pytest.mark.parametrize("pairing", RELATIVISTIC)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_what_is_called_a_divergence_is_one_on_three_points(name: str, pairing: str) -> None:
    found = explain_pairing(objectives.resolve({"name": name}), pairing)
    assert found.is_divergence
    p, q = [0.2, 0.3, 0.5], [0.5, 0.3, 0.2]
    assert best({"name": name}, pairing, p, p) == pytest.approx(found.value_at_equality, abs=1e-6)
    assert best({"name": name}, pairing, p, q) > found.value_at_equality + 1e-3


@pytest.mark.parametrize("pairing", RELATIVISTIC)
def test_what_is_none_is_none_on_three_points(pairing: str) -> None:
    itself, nothing = (explain_pairing(objectives.resolve(one), pairing) for one in (FINDS_ITSELF, FINDS_NOTHING))
    assert (itself.none_at_equality, itself.is_divergence) == (False, False)
    assert best(FINDS_ITSELF, pairing, [0.2, 0.3, 0.5], [0.2, 0.3, 0.5]) > itself.value_at_equality + 0.1
    assert (nothing.none_at_equality, nothing.is_divergence) == (True, False)
    assert best(FINDS_NOTHING, pairing, [0.2, 0.3, 0.5], [0.5, 0.3, 0.2]) <= nothing.value_at_equality
    assert "between p and p" in itself.sentence
    assert "not shown to be a divergence" in nothing.sentence


@pytest.mark.parametrize("pairing", RELATIVISTIC)
def test_only_linear_pairs_are_infinite(pairing: str) -> None:
    found = {name: explain_pairing(objectives.resolve({"name": name}), pairing) for name in OBJECTIVES}
    assert {name for name, one in found.items() if not one.finite} == {"wasserstein"}


@pytest.mark.parametrize(
    ("f", "g", "pairing"),
    [
        ("square(d)", "square(d)", "relativistic"),
        ("square(d)", "-square(d)", "relativistic_average"),
        ("d", "-d", "relativistic_average"),
    ],
)
def test_what_grows_with_the_critic_is_infinite(f: str, g: str, pairing: str) -> None:
    """As E (C(x) - C(y))², Var_p C - Var_q C and E_p C - E_q C do."""
    assert not explain_pairing(objectives.resolve({"name": "grows", "f": f, "g": g}), pairing).finite


@pytest.mark.parametrize("pairing", RELATIVISTIC)
@pytest.mark.parametrize(
    "objective",
    [
        *[{"name": "alpha", "alpha": order} for order in (-60.0, -1.0, -0.1, 0.1, 0.9, 1.01, 2.5, 3.0, 12.0, 100.0)],
        *[{"name": "alpha_loss", "alpha_d": order} for order in (0.02, 0.3, 2.0, 100.0)],
        {"name": "energy", "m": 1e6},
        {"name": "least_squares", "a": -5.0, "b": 1e5},
    ],
)
def test_no_row_but_wasserstein_is_infinite_whatever_its_numbers(objective: dict[str, object], pairing: str) -> None:
    """What a critic gains on one side falls behind what it loses on the other, as of d - d^p, p = alpha/(alpha - 1)."""
    assert explain_pairing(objectives.resolve(objective), pairing).finite is True
    assert explain_pairing(objectives.resolve(objective, "saturating"), pairing).zero_sum


def test_whether_it_is_infinite_may_not_be_found() -> None:
    """t (1 + t^-1/2) on one side and t on the other: no power by which the one falls behind."""
    found = explain_pairing(
        objectives.resolve({"name": "mine", "f": "d + sqrt(1 + abs(d))", "g": "-d"}), "relativistic"
    )
    assert found.finite is None
    assert "infinite" not in found.sentence


def outputs(seed: int) -> Tensor:
    return 3 * torch.randn(4, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("pairing", RELATIVISTIC)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_saturating_game_is_zero_sum(name: str, pairing: str) -> None:
    game, real, fake = objectives.resolve({"name": name}, "saturating"), outputs(0), outputs(1)
    torch.testing.assert_close(generator_loss(game, pairing, real, fake), critic_value(game, pairing, real, fake))
    assert explain_pairing(game, pairing).zero_sum
    assert not explain_pairing(objectives.resolve({"name": "minimax"}, "non_saturating"), pairing).zero_sum


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_replicas_do_not_see_each_other(pairing: str) -> None:
    game, real, fake = objectives.resolve({"name": "hinge"}), outputs(0), outputs(1)
    whole, alone = critic_value(game, pairing, real, fake), critic_value(game, pairing, real[2:3], fake[2:3])
    assert torch.equal(whole[2:3], alone)
    shifted = critic_value(game, pairing, real + 7, fake + 7)
    assert bool(((shifted - whole).abs() < 1e-9).all()) == (pairing != "independent")


def test_formulas_are_mirrored_by_exchanging_f_and_g_and_the_sign_of_d() -> None:
    d = outputs(2)
    game = objectives.resolve({"name": "reverse_kl"}, "2*f - g + d")
    assert game.mirrored is not None
    torch.testing.assert_close(game.mirrored(d), 2 * game.g(d) - game.f(d) - d)


def test_a_loss_in_python_has_no_mirror() -> None:
    game = objectives.resolve(Objective("mine", "d", "-d", generator=torch.square))
    with pytest.raises(ValueError, match=r"generator_loss: expected a name or a formula with .* square"):
        check_pairing(game, "relativistic")
    check_pairing(game, "independent")
