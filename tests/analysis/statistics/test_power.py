from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import barnard_exact, binom, hypergeom, norm

from analysis.statistics.power import Design, Parts, least, power_of_ranks, power_of_shares, two_shares
from analysis.statistics.ranks import rank_test
from analysis.statistics.repeats import by_mean, by_rank

PARTS = Parts(0.3, 0.05)


def test_one_pair_of_six_is_tested_at_the_hardest_of_holms_steps():
    design = Design(arms=4, repeats=3, seeds=16)
    assert (design.pairs, design.level) == (6, 0.05 / 6)


@pytest.mark.parametrize(("name", "least"), [("arms", 2), ("repeats", 1), ("seeds", 1)])
def test_a_design_that_compares_nothing_is_refused(name, least):
    with pytest.raises(ValueError, match=f"{name}: expected {least} or more, got 0"):
        Design(**{"arms": 2, "repeats": 1, "seeds": 8, name: 0})


@pytest.mark.golden
def test_barnard_finds_05_against_35_of_16_in_six_tenths():
    """The number in `analysis.statistics.two_shares`; Fisher's and Boschloo's tests find less."""
    assert power_of_shares(Design(2, 1, 16), 0.3, PARTS, centre=0.2) == pytest.approx(0.60, abs=0.005)


def test_the_power_of_barnards_test_is_that_of_scipys():
    n, design = 7, Design(3, 1, 7)
    first, second = (binom.pmf(np.arange(n + 1), n, share) for share in two_shares(0.7))
    expected = sum(
        first[x] * second[y]
        for x in range(n + 1)
        for y in range(x + 1, n + 1)
        if barnard_exact([[x, y], [n - x, n - y]], n=64).pvalue <= design.level
    )
    assert power_of_shares(design, 0.7, PARTS) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("apart", "centre"), [(0.2, 0.5), (0.25, 0.5), (0.15, 0.2)])
def test_past_the_largest_tables_power_is_about_that_of_fishers_test(apart, centre):
    n, design = 150, Design(4, 1, 150)
    x, y = np.ogrid[: n + 1, : n + 1]
    p = 2 * hypergeom.sf(y - 1, 2 * n, x + y, n)  # symmetric, as the samples are of one size
    first, second = (binom.pmf(np.arange(n + 1), n, share) for share in two_shares(apart, centre))
    expected = first @ ((p <= design.level) & (y > x)) @ second
    assert power_of_shares(design, apart, PARTS, centre) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(("arms", "replicas", "beyond"), [(2, 8, 0.38), (4, 16, 0.34), (4, 32, 0.25), (2, 64, 0.14)])
def test_ranks_of_one_search_are_found_about_as_often_as_predicted(arms, replicas, beyond):
    generator = np.random.default_rng(0)
    design, away = Design(arms, 1, replicas), np.sqrt(2) * norm.ppf(0.5 + beyond)
    drawn = generator.normal(size=(500, 2, replicas))
    found = np.mean([rank_test(a - away, b)[1] <= design.level for a, b in drawn])
    assert found == pytest.approx(power_of_ranks(design, beyond, PARTS), abs=0.07)


def scores(generator, shape, parts):
    """Normal scores of variance 1 within arms, whose parts are as given."""
    studies, k, m, seeds = shape
    between, common, rest = (np.sqrt(part) for part in (parts.repeat, parts.interaction, parts.rest))
    drawn = between * generator.normal(size=(studies, k, m, 1)) + common * generator.normal(size=(studies, k, 1, seeds))
    return drawn + rest * generator.normal(size=shape)


@pytest.mark.parametrize(
    ("arms", "repeats", "seeds", "parts", "beyond"),
    [
        (2, 3, 16, Parts(0.3, 0.1), 0.38),
        (4, 3, 8, Parts(0.1, 0.0), 0.42),
        (4, 5, 16, PARTS, 0.35),
        (4, 10, 16, Parts(0.5, 0.1), 0.31),
    ],
)
def test_ranks_of_repeats_are_found_about_as_often_as_predicted(arms, repeats, seeds, parts, beyond):
    design = Design(arms, repeats, seeds)
    drawn = scores(np.random.default_rng(0), (800, arms, repeats, seeds), parts)
    drawn[:, 0] -= np.sqrt(2) * norm.ppf(0.5 + beyond)
    found = by_rank(drawn)
    told = (found.p[:, 0] <= design.level) & (found.estimate[:, 0] > 0.5)
    assert told.mean() == pytest.approx(power_of_ranks(design, beyond, parts), abs=0.1)


@pytest.mark.parametrize(
    ("arms", "repeats", "seeds", "part", "apart"),
    [(2, 3, 16, 0.3, 0.7), (4, 5, 16, 0.3, 0.6), (4, 10, 16, 0.5, 0.55), (4, 5, 8, 0.1, 0.5)],
)
def test_shares_of_repeats_are_found_about_as_often_as_predicted(arms, repeats, seeds, part, apart):
    generator = np.random.default_rng(0)
    design, size = Design(arms, repeats, seeds), 1 / part - 1
    low, high = two_shares(apart)
    share = np.array([high, low, *[0.5] * (arms - 2)])[:, None] * np.ones((800, arms, repeats))
    chance = generator.beta(share * size, (1 - share) * size)[..., None]
    found = by_mean((generator.random((800, arms, repeats, seeds)) < chance).astype(float))
    told = (found.p[:, 0] <= design.level) & (found.estimate[:, 0] > 0)
    assert told.mean() == pytest.approx(power_of_shares(design, apart, Parts(part, 0.0)), abs=0.1)


def test_what_cannot_be_dealt_out_often_enough_is_never_found():
    """Of 4 against 4 the least p is 2/70, more than .05/6; two repeats that are all of the variance have 2/6."""
    assert power_of_ranks(Design(4, 1, 4), 0.49, PARTS) == 0
    assert power_of_shares(Design(4, 2, 16), 1.0, Parts(1.0, 0.0)) == 0
    assert power_of_shares(Design(4, 1, 3), 1.0, PARTS) == 0


def test_repeats_that_differ_little_find_as_much_as_independent_replicas():
    many = Design(2, 20, 1)
    assert power_of_ranks(many, 0.3, Parts(0.0, 0.0)) == pytest.approx(
        power_of_ranks(Design(2, 1, 20), 0.3, PARTS), abs=0.06
    )


@pytest.mark.parametrize("power", [power_of_shares, power_of_ranks])
@pytest.mark.parametrize("repeats", [1, 3])
def test_more_is_found_of_larger_differences_and_of_larger_studies(power, repeats):
    found = [power(Design(3, repeats, 12), size, PARTS) for size in (0.1, 0.2, 0.3, 0.4, 0.49)]
    assert (np.diff(found) >= 0).all()
    larger = Design(3, repeats + (repeats > 1), 12 if repeats > 1 else 18)
    assert power(larger, 0.4, PARTS) > found[3]


def test_shares_lie_around_the_centre_as_far_as_there_is_room():
    assert two_shares(0.2) == pytest.approx((0.4, 0.6))
    assert two_shares(0.2, 0.05) == (0.0, 0.2)
    assert two_shares(0.2, 0.95) == pytest.approx((0.8, 1.0))


def test_the_least_size_is_the_first_with_enough_power():
    assert least(lambda size: size / 10, 2, 10) == 8
    assert least(lambda size: 1.0, 2, 10) == 2
    assert least(lambda size: 0.7, 2, 10) is None


def test_two_repeats_find_no_difference_of_shares_however_many_the_seeds():
    alike = Parts(0.01, 0.0)
    assert power_of_shares(Design(2, 2, 512), 0.9, alike) == 0
    assert power_of_shares(Design(2, 3, 512), 0.9, alike) > 0.9
    assert power_of_ranks(Design(2, 2, 512), 0.4, alike) > 0
