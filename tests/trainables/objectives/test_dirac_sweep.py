"""Where Dirac-GANs converge, simulated, against what the eigenvalues predict and what Mescheder et al. 2018 prove."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trainables.objectives.dirac_sweep import sweep


class TestSweep:
    step = np.logspace(-2, 0.5, 32)
    gamma = np.logspace(-2, 1.5, 32)

    @pytest.mark.golden
    @pytest.mark.parametrize(
        ("penalty", "order"),
        [
            ("r1", ("simultaneous", 1)),
            ("r1", ("alternating", 1)),
            ("r1", ("alternating", 5)),
            ("r1", ("sga", 1)),
            ("consensus", ("simultaneous", 1)),
            ("consensus", ("alternating", 1)),
            ("instance_noise", ("simultaneous", 1)),
            ("instance_noise", ("alternating", 1)),
        ],
    )
    def test_the_map_is_where_the_eigenvalues_say_it_is(self, penalty: str, order: tuple[str, int]) -> None:
        """From near the equilibrium; 99.4 to 100 % of 4096 cells agree, the rest lie at the map's edge."""
        sparse = slice(None, None, 2 if penalty == "instance_noise" else 1)  # each cell of which costs 24 nodes
        found = sweep("minimax", penalty, self.gamma[sparse], self.step[sparse], 500, *order, start=(1e-3, 1e-3))
        assert 0.05 < found.converged.mean() < 0.95
        assert found.agreement > 0.985
        amiss = found.predicted != found.converged
        edge = np.abs(found.steps * np.log(found.radius[amiss]) - math.log(found.tolerance))
        assert edge.max(initial=0) < 3.5  # radius^steps is within a factor e^3.5 of the tolerance

    @pytest.mark.golden
    def test_the_rate_is_the_spectral_radius(self) -> None:
        found = sweep("jeffrey", "r1", self.gamma, self.step, 800, start=(1e-2, 1e-2))
        inside = found.converged & (found.radius > 0.1)
        error = np.abs(np.log(found.rate[inside]) - np.log(found.radius[inside]))
        assert np.median(error) < 1e-4
        assert error.max() < 2e-2

    @pytest.mark.golden
    def test_the_border_of_r1_is_where_theory_puts_it(self) -> None:
        """Of a linear pair with g' = l' = -1 under simultaneous steps: h below gamma."""
        found = sweep("wasserstein", "r1", [0.5, 1.0], [0.1, 0.3, 0.45, 0.55, 0.9, 1.1], 4000, start=(1.0, 1.0))
        # lambda = -gamma/2 +- i sqrt(1 - gamma^2/4), and |1 + h lambda|^2 = 1 - h gamma + h^2.
        np.testing.assert_array_equal(found.converged, np.array(found.step)[:, None] < np.array([0.5, 1.0]))
        np.testing.assert_array_equal(found.converged, found.predicted)

    def test_nothing_converges_without_help(self) -> None:
        for order in ("simultaneous", "alternating"):
            found = sweep("minimax", None, [1.0], self.step, 500, order)
            assert not found.converged.any()
            assert not found.predicted.any()
            assert found.agreement == 1

    def test_wgan_gp_converges_nowhere(self) -> None:
        found = sweep("wasserstein", "gradient_penalty", self.gamma, self.step, 500, "alternating")
        assert not found.converged.any()
        assert not found.predicted.any()

    def test_overflow_is_not_convergence(self) -> None:
        found = sweep("wasserstein", None, [1.0], [0.1, 5.0], 500)
        assert found.rate[1, 0] == math.inf
        assert not found.converged.any()

    def test_a_nilpotent_map_is_predicted_too(self) -> None:
        # Critical damping at h gamma = 2: both eigenvalues of 1 + h lambda are 0, and two steps arrive.
        found = sweep("wasserstein", "r1", [2.0], [1.0], 10, start=(1.0, 1.0))
        np.testing.assert_allclose(found.radius, 0, atol=1e-7)
        assert found.distance.item() == 0
        assert found.rate.item() == 0
        assert found.agreement == 1

    def test_shapes(self) -> None:
        found = sweep("minimax", "r1", [0.1, 1.0, 2.0], [0.1, 0.2], 20)
        assert found.step.shape == (2,)
        assert found.gamma.shape == (3,)
        for part in (found.radius, found.distance, found.rate, found.predicted, found.converged):
            assert part.shape == (2, 3)
