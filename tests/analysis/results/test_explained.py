import numpy as np

from analysis.results.explained import above_tangent


def test_what_a_tangent_adds_is_taken_off():
    r = np.logspace(-2, 2, 401)
    kl = r * np.log(r)
    found = above_tangent(r, 3 * kl + 7 * r - 2)
    near = (r > 0.5) & (r < 2)
    np.testing.assert_allclose(found[near], 3 * (kl - r + 1)[near], atol=1e-3)
    assert found[200] == 0
    assert found.min() > -1e-3


def test_a_kink_has_a_middle_slope():
    r = np.logspace(-2, 2, 41)
    found = above_tangent(r, np.abs(r - 1))
    assert found.min() > -1e-12
    assert (found[:20] > 0).all()
    assert (found[21:] > 0).all()


def test_an_unbounded_divergence_has_none():
    r = np.logspace(-2, 2, 5)
    assert np.isnan(above_tangent(r, np.full(5, np.inf))).all()
    assert np.isnan(above_tangent(r, np.array([np.inf, np.inf, 0, np.inf, np.inf]))).all()


def test_one_that_is_infinite_far_from_1_has_one():
    found = above_tangent(np.logspace(-2, 2, 5), np.array([0.98, 0.81, 0, 81, np.inf]))
    np.testing.assert_array_equal(np.isnan(found), [False, False, False, False, True])
