"""The Dirac-GAN against what Mescheder et al. 2018 (arXiv 1801.04406) prove of it, and against its own eigenvalues."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainables.objectives.dirac import STABILISERS, UPDATES, eigenvalues, simulate
from trainables.objectives.dirac_sweep import sweep
from trainables.objectives.induced import dirac_eigenvalues, resolved
from trainables.objectives.table import GENERATOR_LOSSES, OBJECTIVES, Objective, resolve

Array = NDArray[np.float64]

# g'(0) and l'(0) of every row with its default numbers and generator, by hand.
SLOPES: dict[str, tuple[float, float]] = {
    "minimax": (-1 / 2, -1 / 2),
    "non_saturating": (-1 / 2, -1 / 2),
    "least_squares": (0, -1),
    "hinge": (-1, -1),
    "wasserstein": (-1, -1),
    "absolute_error": (-1 / 8, -1 / 8),
    "total_variation": (-1 / 2, -1 / 2),
    "kl": (-math.exp(-1), -math.exp(-1)),
    "reverse_kl": (-1, -1),
    "pearson_chi2": (-1, -1),
    "neyman_chi2": (-1, -1),
    "squared_hellinger": (-1, -1),
    "jensen_shannon": (-1 / 2, -1 / 2),
    "jeffrey": (-2, -2),
    "exponential": (-1, -1),
    "alpha": (-2 / math.log(2) ** 2, -2 / math.log(2) ** 2),  # of g = 2 - 4/softplus(-d)
    "alpha_loss": (-1, -1 / 2),
    "energy": (1, 1),
}


def distances(trajectory: Array) -> Array:
    return np.linalg.norm(trajectory, axis=-1)


def pair(first: complex, second: complex) -> NDArray[np.complex128]:
    return np.sort_complex(np.array([first, second]))


@pytest.mark.golden
@pytest.mark.parametrize("name", OBJECTIVES)
def test_eigenvalues_of_the_unregularised_flow(name: str) -> None:
    """+-i sqrt(g'(0) l'(0)), for the paper's one function +-i f'(0)."""
    g, loss = SLOPES[name]
    root = 1j * math.sqrt(g * loss)
    np.testing.assert_allclose(np.sort_complex(eigenvalues(name)), pair(-root, root), atol=1e-14)
    np.testing.assert_allclose(np.sort_complex(dirac_eigenvalues(resolved(name))), pair(-root, root), atol=1e-14)


@pytest.mark.golden
@pytest.mark.parametrize("penalty", ["r1", "r2"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_eigenvalues_under_r1(name: str, penalty: str) -> None:
    """-gamma/2 +- sqrt(gamma^2/4 - g'(0) l'(0)): the paper's zero-centred gradient penalties."""
    gamma = np.array([0.03, 0.3, 1.0, 3.0, 30.0])
    g, loss = SLOPES[name]
    root = np.sqrt((gamma**2 / 4 - g * loss).astype(complex))
    expected = np.stack([-gamma / 2 + root, -gamma / 2 - root], -1)
    np.testing.assert_allclose(eigenvalues(name, penalty, gamma), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.golden
@pytest.mark.parametrize("rule", GENERATOR_LOSSES)
def test_eigenvalues_follow_the_generators_loss(rule: str) -> None:
    # kl: g'(0) = -1/e; l'(0) is g'(0), -f'(0) = -1 and -1.
    loss = {"saturating": math.exp(-1), "non_saturating": 1.0, "critic_mean": 1.0}[rule]
    found = eigenvalues("kl", generator_loss=rule)
    np.testing.assert_allclose(np.abs(found.imag), math.sqrt(math.exp(-1) * loss), rtol=1e-12)


@pytest.mark.golden
def test_eigenvalues_under_instance_noise() -> None:
    """f''(0) s^2 +- sqrt(f''(0)^2 s^4 - f'(0)^2) in the paper; minimax has f'(0) = 1/2 and f''(0) = -1/4."""
    std = np.array([0.2, 1.0, 1.4, 1.5, 2.0, 5.0])
    root = np.sqrt((std**4 / 16 - 1 / 4).astype(complex))
    expected = np.stack([-(std**2) / 4 + root, -(std**2) / 4 - root], -1)
    np.testing.assert_allclose(eigenvalues("minimax", "instance_noise", std), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.golden
@pytest.mark.parametrize("name", ["minimax", "jeffrey", "pearson_chi2", "wasserstein"])
def test_eigenvalues_under_consensus(name: str) -> None:
    """-gamma g'(0)^2 +- i g'(0) for a zero-sum pair (Mescheder et al. 2017, the field v - gamma J^T v)."""
    g = SLOPES[name][0]
    for gamma in (0.1, 1.0):
        expected = pair(-gamma * g * g - 1j * abs(g), -gamma * g * g + 1j * abs(g))
        np.testing.assert_allclose(np.sort_complex(eigenvalues(name, "consensus", gamma)), expected, rtol=1e-12)


@pytest.mark.golden
@pytest.mark.parametrize("critic_steps", [1, 2, 5])
@pytest.mark.parametrize("name", ["minimax", "hinge", "jeffrey"])
def test_eigenvalues_of_alternating_updates(name: str, critic_steps: int) -> None:
    """1 - a^2/2 +- sqrt((1 - a^2/2)^2 - 1) with a = sqrt(n) h f'(0), on the unit circle up to a = 2."""
    step = np.array([0.01, 0.1, 0.5, 1.0, 3.0, 10.0])
    a = math.sqrt(critic_steps) * step * abs(SLOPES[name][0])
    root = np.sqrt(((1 - a**2 / 2) ** 2 - 1).astype(complex))
    expected = np.stack([1 - a**2 / 2 + root, 1 - a**2 / 2 - root], -1)
    found = eigenvalues(name, step=step, updates="alternating", critic_steps=critic_steps)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(np.abs(found[a < 2]), 1, rtol=1e-9)


@pytest.mark.golden
def test_eigenvalues_of_simultaneous_updates() -> None:
    """1 + h times the flow's."""
    step = np.array([0.01, 0.3, 2.0])
    for penalty in ("none", "r1", "consensus", "instance_noise"):
        expected = 1 + step[:, None] * eigenvalues("minimax", penalty, 0.7)
        np.testing.assert_allclose(eigenvalues("minimax", penalty, 0.7, step), expected, rtol=1e-12)


@pytest.mark.golden
@pytest.mark.parametrize("name", ["minimax", "wasserstein", "jeffrey", "hinge"])
def test_eigenvalues_of_symplectic_gradient_adjustment(name: str) -> None:
    """Of ξ = c (-psi, theta) in a zero-sum game A is c times a quarter turn, and the adjustment c^2 (theta, psi)."""
    step, c = np.array([0.01, 0.3, 2.0]), abs(SLOPES[name][0])
    assert SLOPES[name] == (-c, -c)
    expected = np.stack([1 - step * (c**2 - 1j * c), 1 - step * (c**2 + 1j * c)], -1)
    np.testing.assert_allclose(eigenvalues(name, step=step, updates="sga"), expected, rtol=1e-12)


def symplectic(
    name: str, penalty: str | None, gamma: float, generator_loss: str, theta: float, psi: float
) -> tuple[float, float, float]:
    """The adjusted field of a Dirac-GAN, and λ, from the plain field by central differences."""

    def xi(at: Array) -> Array:
        path = simulate(name, penalty, gamma, 1.0, 1, start=(at[0], at[1]), generator_loss=generator_loss)
        return path[0] - path[1]

    here, small = np.array([theta, psi]), 1e-6
    columns = [(xi(here + d) - xi(here - d)) / (2 * small) for d in small * np.eye(2)]
    jacobian, now = np.stack(columns, 1), xi(here)
    adjustment, slope = (jacobian - jacobian.T).T @ now / 2, jacobian.T @ now
    sign = np.sign((now @ slope) * (adjustment @ slope) / 2 + 0.1)
    found = now + sign * adjustment
    return found[0], found[1], sign


def test_the_adjusted_field_is_that_of_differences_with_either_sign() -> None:
    signs = set()
    for theta, psi in ((0.4, -1.0), (1.5, 0.7), (-2.0, 1.1), (3.0, 2.0), (0.2, 3.0)):
        for rule in ("default", "non_saturating"):
            for penalty in (None, "r1"):
                first, second, sign = symplectic("jeffrey", penalty, 0.4, rule, theta, psi)
                path = simulate("jeffrey", penalty, 0.4, 1e-3, 1, "sga", start=(theta, psi), generator_loss=rule)
                np.testing.assert_allclose((path[0] - path[1]) / 1e-3, [first, second], rtol=1e-6, atol=1e-6)
                signs.add(sign)
    assert signs == {-1.0, 1.0}


def differences(**arguments: Any) -> NDArray[np.complex128]:
    """Eigenvalues of the map's Jacobian by central differences of one iteration, of fourth order: three critic steps
    with noise bend the map enough for a second-order difference to be off by 1e-6."""
    small = 3e-5

    def apart(theta: float, psi: float) -> NDArray[np.float64]:
        ends = [simulate(**arguments, steps=1, start=(s * theta, s * psi))[1] for s in (1, -1)]
        return np.asarray(ends[0] - ends[1])

    columns = [
        (8 * apart(*axis) - apart(2 * axis[0], 2 * axis[1])) / (12 * small) for axis in ((small, 0.0), (0.0, small))
    ]
    return np.sort_complex(np.linalg.eigvals(np.stack(columns, 1)))


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(OBJECTIVES)),
    penalty=st.sampled_from([None, "r1", "r2", "lipschitz_penalty", "clip", "instance_noise", "consensus"]),
    gamma=st.floats(0.05, 2),
    step=st.floats(0.01, 0.5),
    order=st.sampled_from([("simultaneous", 1), ("alternating", 1), ("alternating", 3), ("sga", 1)]),
    rule=st.sampled_from(["default", *GENERATOR_LOSSES]),
)
def test_the_jacobian_is_that_of_the_simulated_map(
    name: str, penalty: str | None, gamma: float, step: float, order: tuple[str, int], rule: str
) -> None:
    arguments: dict[str, Any] = {
        "objective": name, "penalty": penalty, "gamma": gamma, "step": step,
        "updates": order[0], "critic_steps": order[1], "generator_loss": rule,
    }  # fmt: skip
    assume(penalty != "consensus" or order[0] != "sga")
    found, expected = eigenvalues(**arguments), differences(**arguments)
    # The trace and the determinant: eigenvalues themselves are ill conditioned where they meet.
    assert found.sum() == pytest.approx(expected.sum(), abs=1e-7)
    assert found.prod() == pytest.approx(expected.prod(), abs=1e-7)


class TestWhatMeschederFound:
    @pytest.mark.golden
    @pytest.mark.parametrize("name", ["minimax", "squared_hellinger", "wasserstein"])
    def test_simultaneous_descent_without_a_penalty_spirals_out(self, name: str) -> None:
        """A zero-sum step multiplies the squared distance by exactly 1 + h^2 g'(psi theta)^2."""
        step = 0.1
        path = simulate(name, step=step, steps=200, generator_loss="saturating")
        growth = (distances(path[1:]) / distances(path[:-1])) ** 2
        d = path[:-1].prod(-1)
        slopes = {
            "minimax": -1 / (1 + np.exp(-d)),
            "squared_hellinger": -np.exp(d),
            "wasserstein": -np.ones_like(d),
        }
        np.testing.assert_allclose(growth, 1 + step**2 * slopes[name] ** 2, rtol=1e-10)
        assert distances(path)[-1] > 1.2 * distances(path)[0]

    @pytest.mark.parametrize("name", ["minimax", "wasserstein", "reverse_kl"])
    def test_alternating_descent_without_a_penalty_stays_on_a_cycle(self, name: str) -> None:
        path = distances(simulate(name, step=0.1, steps=3000, updates="alternating"))
        assert path.max() < 2.2
        assert path[-1000:].min() > 0.9
        assert path[-1000:].mean() == pytest.approx(path[:1000].mean(), rel=5e-2)

    @pytest.mark.golden
    def test_the_bilinear_game_has_an_invariant(self) -> None:
        """Alternating steps of h conserve theta^2 + psi^2 - h theta psi: the cycle is an ellipse."""
        theta, psi = simulate("wasserstein", step=0.3, steps=5000, updates="alternating").T
        kept = theta**2 + psi**2 - 0.3 * theta * psi
        np.testing.assert_allclose(kept, kept[0], rtol=1e-9)

    @pytest.mark.parametrize("updates", ["simultaneous", "alternating"])
    @pytest.mark.parametrize("name", [name for name in OBJECTIVES if name not in ("least_squares", "energy")])
    def test_r1_converges(self, name: str, updates: str) -> None:
        speed = math.sqrt(math.prod(SLOPES[name]))
        path = distances(simulate(name, "r1", 2 * speed, step=0.2 / speed, steps=250, updates=updates))
        assert path[-1] < 1e-10

    @pytest.mark.parametrize(
        ("name", "penalty"),
        [("wasserstein", "gradient_penalty"), ("non_saturating", "gradient_penalty"), ("wasserstein", "dragan")],
    )
    def test_wgan_gp_does_not_converge_to_the_equilibrium(self, name: str, penalty: str) -> None:
        """The penalty holds psi near +-1, and theta is driven past 0 for ever."""
        path = simulate(name, penalty, 1.0, step=0.1, steps=2000, updates="alternating")
        assert distances(path)[500:].min() > 0.3
        assert path[500:, 0].min() < -0.3 < 0.3 < path[500:, 0].max()

    def test_the_one_sided_penalty_leaves_the_cycle_alone(self) -> None:
        path = distances(simulate("wasserstein", "lipschitz_penalty", 1.0, step=0.1, steps=2500, updates="alternating"))
        assert 0.5 < path[-1000:].min() < path[-1000:].max() < 1.2

    def test_clipping_does_not_converge(self) -> None:
        path = simulate("wasserstein", "clip", 0.3, step=0.1, steps=2000, updates="alternating")
        assert np.abs(path[1:, 1]).max() <= 0.3
        assert distances(path)[-1000:].min() > 0.2

    @pytest.mark.parametrize("name", ["minimax", "non_saturating"])
    def test_instance_noise_converges(self, name: str) -> None:
        path = distances(simulate(name, "instance_noise", 1.0, step=0.5, steps=240, updates="alternating"))
        assert path[-1] < 1e-10

    def test_instance_noise_is_blind_to_a_linear_pair(self) -> None:
        # f'' = g'' = 0, so noise of mean 0 changes nothing.
        plain, noisy = simulate("wasserstein", steps=300), simulate("wasserstein", "instance_noise", 2.0, steps=300)
        np.testing.assert_allclose(noisy, plain, rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize("name", ["minimax", "wasserstein", "kl"])
    def test_consensus_converges(self, name: str) -> None:
        path = distances(simulate(name, "consensus", 1.0, step=0.5, steps=600))
        assert path[-1] < 1e-9

    @pytest.mark.golden
    def test_the_non_saturating_flow_converges_below_any_rate(self) -> None:
        """d/dt of half the squared distance is -d tanh(d/2) with d = psi theta, of fourth order in the distance."""
        step = 1e-3
        path = simulate("non_saturating", step=step, steps=1500)
        d = path.prod(-1)
        slope = np.diff((path**2).sum(-1) / 2) / step
        np.testing.assert_allclose(slope, (-d * np.tanh(d / 2))[:-1], atol=2e-3)
        far = distances(simulate("non_saturating", step=0.2, steps=8000, updates="alternating"))
        assert far[1000] < 0.5 * far[0]
        assert far[8000] < 0.5 * far[1000]
        assert far[8000] > 0.01  # at the first thousand steps' rate it would be below 0.005

    def test_the_invariant_circle_of_the_zero_sum_flow(self) -> None:
        path = distances(simulate("minimax", step=1e-4, steps=3000))
        np.testing.assert_allclose(path, path[0], rtol=1e-5)


class TestSimulate:
    def test_the_trajectory_starts_at_the_start(self) -> None:
        path = simulate("minimax", steps=7, start=(0.5, -2.0))
        assert path.shape == (8, 2)
        assert path.dtype == np.float64
        np.testing.assert_array_equal(path[0], [0.5, -2.0])

    @pytest.mark.golden
    def test_one_simultaneous_step_by_hand(self) -> None:
        # hinge at d = 1/2: g' = -1, and l' = -1 of critic_mean.
        path = simulate("hinge", step=0.1, steps=1, start=(0.5, 1.0))
        np.testing.assert_allclose(path[1], [0.5 + 0.1 * 1.0, 1.0 - 0.1 * 0.5])

    @pytest.mark.golden
    def test_alternating_takes_the_critics_steps_first(self) -> None:
        theta, psi = simulate("wasserstein", "r1", 2.0, 0.1, 1, "alternating", 3, (1.0, 0.5))[1]
        expected = 0.5
        for _ in range(3):
            expected += 0.1 * (-1.0 - 2.0 * expected)
        assert psi == pytest.approx(expected, rel=1e-14)
        assert theta == pytest.approx(1.0 + 0.1 * expected, rel=1e-14)

    @pytest.mark.parametrize("penalty", STABILISERS)
    @pytest.mark.parametrize("updates", UPDATES)
    def test_cells_are_games_of_their_own(self, penalty: str, updates: str) -> None:
        if penalty == "consensus" and updates == "sga":
            pytest.skip("refused")
        step, gamma = np.array([[0.05], [0.2]]), np.array([0.1, 0.7, 1.5])
        together = simulate("jeffrey", penalty, gamma, step, 50, updates)
        assert together.shape == (51, 2, 3, 2)
        for i, j in ((0, 0), (1, 2)):
            alone = simulate("jeffrey", penalty, gamma[j], step[i, 0], 50, updates)
            np.testing.assert_allclose(together[:, i, j], alone, rtol=1e-9, atol=1e-12)

    def test_an_overflow_shows_and_stops_nothing(self) -> None:
        path = simulate("wasserstein", step=np.array([5.0, 0.1]), steps=500)
        assert not np.isfinite(path[-1, 0]).all()
        assert np.isfinite(path[:, 1]).all()

    def test_a_mapping_may_hold_an_objectives_numbers(self) -> None:
        # D_2 is half of pearson_chi2 under d -> 2 d, so its critic need only be half as large.
        halved = simulate({"name": "alpha", "alpha": 2.0}, step=0.1, steps=1, start=(1.0, 0.5))[1]
        whole = simulate("pearson_chi2", step=0.1, steps=1, start=(1.0, 1.0))[1]
        assert halved[1] - 0.5 == pytest.approx(whole[1] - 1.0, rel=1e-12)

    @pytest.mark.parametrize("penalty", [name for name in STABILISERS if name != "clip"])
    def test_strength_0_is_no_penalty(self, penalty: str) -> None:
        for updates in UPDATES[:2] if penalty == "consensus" else UPDATES:
            plain = simulate("minimax", steps=50, updates=updates)
            np.testing.assert_allclose(simulate("minimax", penalty, 0.0, steps=50, updates=updates), plain, rtol=1e-12)
            found = eigenvalues("minimax", penalty, 0.0, 0.1, updates)
            np.testing.assert_allclose(found, eigenvalues("minimax", step=0.1, updates=updates), rtol=1e-12)

    def test_an_objective_may_be_a_row_of_ones_own(self) -> None:
        by_name = simulate("minimax", steps=20)
        row = Objective("mine", "-softplus(-d)", lambda d: -torch.nn.functional.softplus(d))
        for same in (OBJECTIVES["minimax"], row, resolve(row), {"name": "minimax"}):
            np.testing.assert_allclose(simulate(same, steps=20), by_name, rtol=1e-12)
        assert np.array_equal(eigenvalues(OBJECTIVES["hinge"]), eigenvalues("hinge"))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"objective": "hinges"}, "objective: unknown name 'hinges'; did you mean 'hinge'"),
            ({"penalty": "r3"}, "penalty: unknown name 'r3'; expected one of none, clip"),
            ({"penalty": "spectral_norm"}, "penalty: unknown name 'spectral_norm'"),
            ({"penalty": "instance_nose"}, "did you mean 'instance_noise'"),
            ({"updates": "both"}, "updates: unknown name 'both'; expected one of simultaneous, alternating"),
            ({"gamma": -1.0}, "gamma: expected finite numbers >= 0, got -1.0"),
            ({"gamma": np.nan, "penalty": "r1"}, "gamma: expected finite numbers >= 0, got nan"),
            ({"gamma": 0.0, "penalty": "clip"}, "gamma: expected positive finite numbers, got 0.0"),
            ({"step": [0.1, 0.0]}, r"step: expected positive finite numbers, got \[0.1, 0.0\]"),
            ({"steps": 0}, "steps: expected at least 1, got 0"),
            ({"critic_steps": 2}, "critic_steps: expected 1 with simultaneous updates, got 2"),
            ({"critic_steps": 2, "updates": "sga"}, "critic_steps: expected 1 with sga updates, got 2"),
            ({"penalty": "consensus", "updates": "sga"}, "penalty: expected no consensus with sga, which adjusts both"),
            ({"critic_steps": 0, "updates": "alternating"}, "critic_steps: expected at least 1, got 0"),
            (
                {"step": [0.1, 0.2], "gamma": [1.0, 2.0, 3.0]},
                r"gamma: expected a shape .* of step, got \(3,\) and \(2,\)",
            ),
            ({"start": (1.0,)}, r"start: expected two finite numbers, got \(1.0,\)"),
            ({"start": (np.nan, 1.0)}, r"start: expected two finite numbers, got \(nan, 1.0\)"),
        ],
    )
    def test_wrong_arguments_are_refused(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            simulate(**{"objective": "minimax", **arguments})

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"objective": 3}, "objective: expected a name, a mapping or an Objective, got 3"),
            ({"objective": None}, "objective: expected a name, a mapping or an Objective, got null"),
            ({"generator_loss": 3}, "generator_loss: expected one of saturating, non_saturating, critic_mean, got 3"),
            ({"generator_loss": ["d"]}, "generator_loss: expected one of saturating, non_saturating, critic_mean, got"),
            ({"gamma": True}, "gamma: expected a number or an array of numbers, got True"),
            ({"gamma": [[1.0], [2.0, 3.0]]}, "gamma: expected a number or an array of numbers, got"),
            ({"step": "0.1"}, "step: expected a number or an array of numbers, got '0.1'"),
            ({"start": "ab"}, "start: expected a number or an array of numbers, got 'ab'"),
        ],
    )
    def test_arguments_of_a_wrong_type_are_refused(self, arguments: dict[str, Any], message: str) -> None:
        for play in (simulate, sweep):
            with pytest.raises(TypeError, match=message):
                play(**{"objective": "minimax", **arguments})
