import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import barnard_exact, binom, fisher_exact

from analysis.statistics.intervals import Interval, proportion
from analysis.statistics.two_shares import barnard, clustered, difference, newcombe

COUNTS = st.integers(1, 20).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.golden
@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
    ],
)
def test_newcombes_table(counts, low, high):
    """Newcombe (1998), Interval estimation for the difference, table II, method 10."""
    found = newcombe(*counts)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
    assert (found.n, found.captures, found.method) == (counts[1] + counts[3], "seeds", "Newcombe, Wilson")


@pytest.mark.property
@given(COUNTS, COUNTS)
def test_turning_the_shares_turns_interval_and_test(a, b):
    one, other = newcombe(*a, *b), newcombe(*b, *a)
    assert (one.low, one.estimate, one.high) == pytest.approx((-other.high, -other.estimate, -other.low))
    assert -1 <= one.low <= one.estimate <= one.high <= 1
    assert barnard(*a, *b) == pytest.approx(barnard(*b, *a))
    assert barnard(*a, *b) == pytest.approx(barnard(a[1] - a[0], a[1], b[1] - b[0], b[1]))


def test_newcombe_covers_on_average():
    """Exactly, over all counts: the mean at shares of .02 to .98, and the least."""
    counts = np.arange(17)
    ends = [[newcombe(a, 16, b, 16) for b in counts] for a in counts]
    low, high = (np.array([[getattr(one, name) for one in row] for row in ends]) for name in ("low", "high"))
    shares = np.linspace(0.02, 0.98, 25)
    chances = binom.pmf(counts[:, None], 16, shares)
    covered = [
        chances[:, i] @ ((low <= p - q) & (p - q <= high)) @ chances[:, j]
        for i, p in enumerate(shares)
        for j, q in enumerate(shares)
    ]
    print(f"Newcombe, 16 against 16: mean {np.mean(covered):.3f}, least {np.min(covered):.3f}")
    assert np.mean(covered) == pytest.approx(0.95, abs=0.01)
    assert min(covered) > 0.88


def test_a_share_that_is_not_known_leaves_the_difference_unknown():
    found = newcombe(0, 0, 3, 8)
    assert math.isnan(found.estimate)
    assert (found.low, found.high) == (-1, 1)
    assert math.isnan(barnard(0, 0, 3, 8))


def test_intervals_of_another_kind_are_not_subtracted():
    seeds, both = (proportion([True, False], [0, 1], captures=captures) for captures in ("seeds", "both"))
    with pytest.raises(ValueError, match="second: expected an interval that captures and covers the same as the first"):
        difference(seeds, both)
    with pytest.raises(ValueError, match="counts: expected 0 <= a <= n and 0 <= b <= m, got 9 of 8 and 1 of 8"):
        barnard(9, 8, 1, 8)


def largest_chance(a, n, b, m):
    """Barnard's p-value in fractions, over a fine grid of common shares."""

    def apart(x, y):
        k = x + y
        return Fraction(0) if k in (0, n + m) else Fraction((x * m - y * n) ** 2, k * (n + m - k))

    further = np.array([[apart(x, y) >= apart(a, b) for y in range(m + 1)] for x in range(n + 1)], float)
    share = np.linspace(0, 1, 4001)
    rows, columns = (binom.pmf(np.arange(size + 1)[:, None], size, share) for size in (n, m))
    return ((further.T @ rows) * columns).sum(0).max()


@pytest.mark.golden
@pytest.mark.parametrize("counts", [(7, 15, 12, 15), (1, 16, 6, 16), (23, 33, 10, 27), (6, 15, 29, 35), (0, 3, 3, 3)])
def test_barnard_by_fractions(counts):
    assert barnard(*counts) == pytest.approx(largest_chance(*counts), rel=1e-4)


@pytest.mark.golden
@pytest.mark.parametrize("counts", [(1, 16, 6, 16), (1, 8, 5, 8), (2, 20, 9, 20)])
def test_barnard_is_scipys_where_that_does_not_miss_a_table(counts):
    a, n, b, m = counts
    assert barnard(*counts) == pytest.approx(barnard_exact([[a, b], [n - a, m - b]]).pvalue, rel=1e-4)


def test_large_samples_have_fishers_test():
    assert barnard(30, 200, 48, 200) == fisher_exact([[30, 170], [48, 152]]).pvalue
    assert barnard(16, 128, 31, 128) < fisher_exact([[16, 112], [31, 97]]).pvalue


def test_shares_that_are_equal_do_not_differ():
    assert barnard(2, 4, 4, 8) == barnard(0, 5, 0, 9) == barnard(5, 5, 9, 9) == 1


@pytest.mark.golden
def test_divergence_of_5_and_of_35_percent_is_found():
    """16 against 16, over all tables: as often as the t test (.60), whose level is no longer kept; Fisher's .44."""
    counts = np.arange(17)
    found = np.array([[barnard(a, 16, b, 16) <= 0.05 for b in counts.tolist()] for a in counts.tolist()], float)
    power = binom.pmf(counts, 16, 0.05) @ found @ binom.pmf(counts, 16, 0.35)
    level = [binom.pmf(counts, 16, share) @ found @ binom.pmf(counts, 16, share) for share in np.linspace(0, 1, 201)]
    print(f"Barnard, 16 against 16: power {power:.3f}, level {max(level):.4f}")
    assert power > 0.55
    assert max(level) <= 0.05


@pytest.mark.golden
def test_configurations_are_the_units():
    """All of two configurations against none of two: one of three ways to deal them; replicas alone would say 1e-9."""
    groups = np.repeat([0, 1], 16)
    held = [np.ones(32), np.zeros(32)]
    assert clustered(held, [groups, groups])[1:] == (1, pytest.approx(1 / 3))
    assert barnard(32, 32, 0, 32) < 1e-9
    assert clustered([held[0], held[0]], [groups, groups]) == (0, 1, 1)


def test_configurations_of_equal_shares_cannot_be_told_apart():
    """One of three in each, whatever their sizes."""
    arms = [np.tile([True, False, False], 8), np.tile([False, False, True], 8)]
    groups = np.repeat([0, 1, 2, 3], [3, 6, 6, 9])
    assert clustered(arms, [groups, groups]) == (0, 1, 1)


@pytest.mark.parametrize("configurations", [4, 8, 20])
def test_differences_are_covered_and_the_level_is_kept_over_configurations(configurations):
    """Of 8 replicas, with beta chances of mean .3 and an intraclass correlation of .5: few cover more than they say."""
    generator, groups = np.random.default_rng(1), np.repeat(range(configurations), 8)
    covered, wrong = [], []
    for _ in range(600):
        arms = [generator.random(len(groups)) < generator.beta(0.3, 0.7, configurations)[groups] for _ in range(2)]
        shares: list[Interval] = [proportion(arm, groups, captures="both") for arm in arms]
        found = difference(*shares)
        covered.append(found.low <= 0 <= found.high)
        wrong.append(clustered(arms, [groups, groups])[2] <= 0.05)
    print(f"difference over {configurations} configurations: {np.mean(covered):.3f}, level {np.mean(wrong):.3f}")
    assert 0.93 <= np.mean(covered) <= (0.98 if configurations >= 20 else 1)
    assert np.mean(wrong) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)
