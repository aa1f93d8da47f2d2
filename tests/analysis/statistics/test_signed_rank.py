from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import PermutationMethod, beta, wilcoxon

from analysis.statistics.signed_rank import DRAWS, STRENGTH, credence, posterior, signed_rank

# Table 2 of Demšar (2006), C4.5 with m tuned less C4.5, in thousandths of the area under the curve.
DEMSAR = [5, -8, 17, 33, 6, -5, 7, 0, 63, 0, 22, 47, 9, 21]
FEW = [0.1, 0.3, -0.05, 0.2, 0.25, -0.12, 0.02]
DIFFERENCES = arrays(np.float64, 6, elements=st.integers(-4, 4).map(float))
ERROR = 4 * 0.5 / sqrt(DRAWS)


@pytest.mark.golden
def test_demsars_example():
    """R⁺ = 93 and R⁻ = 12, each with half of the zeros' ranks; significant at 5 %."""
    statistic, p = signed_rank(DEMSAR)
    assert statistic == 93 - 12
    assert p < 0.05


def test_without_ties_it_is_scipys():
    for n in (5, 12, 25):
        differences = np.random.default_rng(n).normal(0.3, 1, n)
        assert signed_rank(differences)[1] == pytest.approx(wilcoxon(differences, method="exact").pvalue)


def test_with_ties_and_zeros_it_is_scipys_by_all_signs():
    for differences in ([1.0, 1, -1, 2, 2, 3], [0.0, 1, 1, -2, 3, 0, 4], DEMSAR[:10]):
        every = PermutationMethod(n_resamples=10_000)
        expected = wilcoxon(differences, zero_method="pratt", method=every).pvalue
        assert signed_rank(differences)[1] == pytest.approx(expected)


def test_few_differences_find_nothing():
    assert [signed_rank([1.0] * n)[1] for n in range(1, 7)] == [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32]
    assert signed_rank([0.0, 0.0]) == (0, 1)


@pytest.mark.property
@given(DIFFERENCES)
def test_turning_the_signs_turns_the_statistic(differences):
    statistic, p = signed_rank(differences)
    assert signed_rank(-differences) == (-statistic, p)
    assert 0 < p <= 1


def by_hand(differences, weights, rope, place):
    """The same by loops over pairs of differences, as Benavoli et al. (2017) write it."""
    values, wins = [place, *differences], np.zeros(3)
    for one in weights:
        regions = np.zeros(3)
        for w, x in zip(one, values, strict=True):
            for v, y in zip(one, values, strict=True):
                below, above = x + y < -2 * rope, x + y > 2 * rope
                regions[0 if below else 2 if above else 1] += w * v
        wins[regions.argmax()] += 1
    return wins / len(weights)


def test_the_posterior_is_that_of_loops_over_pairs():
    weights = np.random.default_rng(0).dirichlet([STRENGTH, *np.ones(7)], 500)
    for rope in (0.051, 0.101):
        for place in (-inf, 0.0, inf):
            expected = by_hand(FEW, weights, rope, place)
            np.testing.assert_allclose(posterior(np.array(FEW), weights, rope, place), expected)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("differences", "rope", "expected"),
    [
        (DEMSAR, 0, [0.001, 0, 0.999]),
        (DEMSAR, 10, [0, 0.333, 0.667]),
        (FEW, 0, [0.063, 0, 0.937]),
        (FEW, 0.1, [0.001, 0.531, 0.469]),
    ],
)
def test_with_the_pseudo_observation_at_0_it_is_the_authors(differences, rope, expected):
    """Of baycomp 1.0.3, `SignedRankTest` with prior = STRENGTH and 100,000 draws.

    With a rope of .05 it has .020, .102 and .878, as its sums of floats miss the border, on which some of these lie; of
    the same differences in thousandths, which are added exactly, the regions have .027, .084 and .889.
    """
    weights = np.random.default_rng(1).dirichlet([STRENGTH, *np.ones(len(differences))], 50_000)
    np.testing.assert_allclose(posterior(np.array(differences), weights, rope, 0.0), expected, atol=0.01)


@pytest.mark.golden
@pytest.mark.parametrize("n", [1, 2, 3, 6, 12])
def test_differences_of_one_sign_have_a_closed_form(n):
    """Above is most probable where the square of what is not the pseudo-observation's exceeds one half."""
    found = credence(np.linspace(1, 2, n), generator=np.random.default_rng(n))
    assert found.above == pytest.approx(beta.cdf(1 - sqrt(0.5), STRENGTH, n), abs=ERROR)
    assert found.below == 0
    assert (n > 1) == (found.above > 0.55)


def test_what_is_within_the_rope_is_within():
    found = credence([0.01, -0.02, 0.03] * 10, generator=np.random.default_rng(0), rope=0.05)
    assert (found.below, found.above, found.rope) == (0, 0, 0.05)
    assert found.within > 0.99


@pytest.mark.parametrize(
    ("differences", "rope"),
    [([3, 3, 3, -1, -1, -1], 1), ([3, -1, 2, -4, 7], 1), ([7, -5], 1), ([100, 300, -50, 200, 250, -120, 20], 50)],
)
def test_a_sum_on_a_border_is_on_it_in_any_unit(differences, rope):
    def found(unit):  # of 3 - 1 = 2 · 1 tenths, or of .3 - .1 and 2 · .1
        one = credence(np.array(differences) / unit, generator=np.random.default_rng(0), rope=rope / unit)
        return one.below, one.within, one.above

    assert found(10) == found(1) == found(1000) == found(7)


def test_what_the_data_do_not_decide_is_left_open():
    found = credence([1.0, -1.0], generator=np.random.default_rng(0))
    assert found.below == pytest.approx(found.above, abs=ERROR)
    assert found.below + found.above < 0.6
    assert found.within == 0


@pytest.mark.property
@given(DIFFERENCES)
def test_turning_the_signs_turns_the_regions(differences):
    found = credence(differences, generator=np.random.default_rng(0), rope=1.0)
    turned = credence(-differences, generator=np.random.default_rng(0), rope=1.0)
    assert (turned.below, turned.within, turned.above) == (found.above, found.within, found.below)
    assert found.below + found.within + found.above <= 1 + 1e-12


def test_the_generator_fixes_the_result():
    one, other = (credence(FEW, generator=np.random.default_rng(3)) for _ in range(2))
    assert one == other


def test_what_is_no_sample_is_refused():
    with pytest.raises(ValueError, match=r"differences: expected \(N,\) finite numbers, N > 0, got shape \(0,\)"):
        signed_rank([])
    with pytest.raises(ValueError, match="differences: expected"):
        credence([1.0, np.nan], generator=np.random.default_rng(0))
    with pytest.raises(ValueError, match="rope: expected a number >= 0, got -1"):
        credence([1.0], generator=np.random.default_rng(0), rope=-1)


@pytest.mark.parametrize("n", [6, 10, 20])
def test_differences_about_0_are_told_from_it_in_at_most_five_of_a_hundred(n):
    generator, count = np.random.default_rng(2), 200
    samples = generator.standard_t(3, size=(count, n))
    wrong = np.mean([signed_rank(one)[1] <= 0.05 for one in samples])
    certain = [credence(one, generator=generator) for one in samples]
    either = np.mean([max(one.below, one.above) > 0.975 for one in certain])
    print(f"{n} differences about 0: p in {wrong:.3f}, a probability over 97.5 % in {either:.3f}")
    assert wrong <= 0.05 + 3 * sqrt(0.05 * 0.95 / count)
    assert either <= 0.05 + 3 * sqrt(0.05 * 0.95 / count)
