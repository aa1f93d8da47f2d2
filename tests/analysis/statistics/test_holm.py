import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.holm import holm

CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@pytest.mark.golden
def test_by_hand():
    # ascending: 0.01 × 4, 0.02 × 3, 0.03 × 2, 0.04 × 1, each at least the one before
    np.testing.assert_allclose(holm([0.03, 0.01, 0.04, 0.02]), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.6, 0.7]), [1.0, 1.0])


@pytest.mark.property
@given(CHANCES)
def test_never_below_the_plain_p_nor_above_bonferroni(p):
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(np.array(p) * len(p), 1) + 1e-15).all()


@pytest.mark.property
@given(CHANCES, st.randoms())
def test_the_order_of_the_tests_does_not_matter(p, random):
    shuffled = random.sample(range(len(p)), len(p))
    np.testing.assert_array_equal(holm(p)[shuffled], holm(np.array(p)[shuffled]))


def test_a_test_that_could_not_be_made_does_not_count():
    np.testing.assert_array_equal(holm([0.01, np.nan, 0.02]), [0.02, np.nan, 0.02])
    assert len(holm([])) == 0


def test_what_is_no_probability_is_refused():
    with pytest.raises(ValueError, match=r"p: expected \(M,\) probabilities, got shape \(1,\)"):
        holm([1.5])


def test_the_family_wise_error_is_at_most_five_per_cent_under_the_null():
    generator = np.random.default_rng(0)
    wrong = np.mean([(holm(generator.random(15)) <= 0.05).any() for _ in range(4000)])
    assert wrong <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)
