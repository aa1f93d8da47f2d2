"""Leading eigenvalues by arm, counted by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from analysis.record.loading import Record
from analysis.results.jacobian import imaginary_share, spectra
from analysis.results.selection import select
from analysis.statistics.bootstrap import Resampling

N = np.nan


def trials(**columns):
    """Five replicas of one configuration; of the fourth no eigenvalue was found, the last has diverged."""
    rows = {
        "study": "s", "phase": "confirm", "arm": "a", "repeat": 0, "trial_id": "confirm-a-0000", "seed": range(5),
        "status": "completed", "outcome": ["converged"] * 4 + ["diverged"],
        "jacobian_real": [-3.0, -1.0, 2.0, N, 50.0], "jacobian_imaginary": [4.0, 0.0, 2.0, N, 50.0],
        "jacobian_radius": [5.0, 6.0, 7.0, N, 500.0],
    }  # fmt: skip
    return pd.DataFrame(rows | columns)


def found(rows, phase="confirm"):
    return spectra(select(Record(rows, rows, {}), phase), resampling=Resampling(np.random.default_rng(0)))


@pytest.mark.golden
def test_shares_and_medians_of_the_replicas_whose_spectrum_is_known():
    (arm,) = found(trials())
    assert (arm.n, arm.unfound) == (3, 1)
    exact = binomtest(1, 3).proportion_ci(0.95, method="wilson")
    assert (arm.unstable.estimate, arm.unstable.low, arm.unstable.high) == pytest.approx((1 / 3, *exact))
    medians = (arm.real_median.estimate, arm.imaginary_share_median.estimate, arm.radius_median.estimate)
    assert medians == pytest.approx((-1.0, np.sqrt(0.5), 6.0))  # turns 4/5, 0 and 1/sqrt 2


@pytest.mark.golden
def test_the_dirac_gans_own_eigenvalues_turn_without_a_penalty_and_settle_with_one():
    # Mescheder et al. 2018: +-i/2 without, -gamma/2 +- sqrt(gamma^2/4 - 1/4) with R1 of gamma = 1/2, for minimax.
    gamma = 0.5
    with_r1 = np.roots([1, gamma, 0.25])
    rows = pd.concat(
        [
            trials(arm="none", jacobian_real=0.0, jacobian_imaginary=0.5, jacobian_radius=0.5),
            trials(
                arm="r1", jacobian_real=with_r1.real.max(), jacobian_imaginary=abs(with_r1.imag[0]), jacobian_radius=0.5
            ),
        ]
    )
    none, r1 = found(rows)
    assert (none.real_median.estimate, none.imaginary_share_median.estimate, none.unstable.estimate) == (0.0, 1.0, 0.0)
    assert (r1.real_median.estimate, r1.unstable.estimate) == (pytest.approx(-0.25), 0.0)
    assert r1.imaginary_share_median.estimate == pytest.approx(np.sqrt(0.1875) / 0.5)


def test_what_is_within_the_error_of_finding_it_does_not_leave():
    tiny = trials(jacobian_real=[4e-6, 6e-6, 0.0, N, 0.0], jacobian_radius=5.0)
    assert found(tiny)[0].unstable.estimate == pytest.approx(1 / 3)


def test_an_eigenvalue_of_0_does_not_turn():
    np.testing.assert_allclose(
        imaginary_share(np.array([0.0, 0.0, -1.0]), np.array([0.0, 2.0, -1.0])), [0, 1, np.sqrt(0.5)]
    )


def test_where_nothing_was_measured_there_is_nothing():
    assert found(trials(jacobian_real=N)) == ()
    assert found(trials(outcome="diverged")) == ()
    assert found(trials(), "search") == ()
