import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.holm import holm
from analysis.statistics.looks import SPENT, next_level, over_looks

PS = st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=5)


def test_p_over_looks_is_the_least_in_units_of_what_each_may_spend() -> None:
    p = [[0.01, 0.5, np.nan], [0.2, 0.02, np.nan]]
    np.testing.assert_allclose(over_looks(p, [0.25, 0.5]), [0.04, 0.04, np.nan])
    np.testing.assert_allclose(over_looks([[0.4, np.nan]], [1.0]), [0.4, np.nan])


@pytest.mark.property
@given(PS)
def test_it_never_grows_from_look_to_look_nor_does_its_correction(p: list[list[float]]) -> None:
    levels = [0.2] * len(p)
    found = [holm(over_looks(p[:count], levels[:count])) for count in range(1, len(p) + 1)]
    assert (np.diff(found, axis=0) <= 1e-15).all()


def test_the_chance_that_it_is_ever_small_is_at_most_that() -> None:
    """Uniform p-values of looks at sums of normal numbers, a quarter of a million studies, four looks."""
    steps = np.random.default_rng(0).normal(size=(250_000, 8)).cumsum(1)[:, [0, 1, 3, 7]] / np.sqrt([1, 2, 4, 8])
    from scipy.stats import norm

    p = 2 * norm.sf(np.abs(steps)).T
    ever = over_looks(p, [0.25] * 4) <= 0.05
    assert 0.03 < ever.mean() < 0.05


@pytest.mark.parametrize("levels", [[0.5], [0.6, 0.6], [0.0, 0.5]])
def test_parts_that_cannot_be_are_refused(levels: list[float]) -> None:
    with pytest.raises(ValueError, match=r"levels: expected \(L,\) parts of 1"):
        over_looks(np.ones((2, 3)), levels)


def test_looks_that_are_planned_share_the_level_and_leave_some_for_others() -> None:
    levels: list[float] = []
    for _ in range(4):
        levels.append(next_level(levels, [4] * len(levels), 4))
    assert levels == pytest.approx([SPENT / 4] * 4)
    more = next_level(levels, [4] * 4, 6)
    assert more == pytest.approx(SPENT * (1 - SPENT) / 2)
    assert next_level([*levels, more], [4] * 4 + [6], 6) == more
