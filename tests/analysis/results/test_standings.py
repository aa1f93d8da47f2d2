import numpy as np
import pytest

from analysis.results.standings import OverDataSets, PairOver, Unit
from analysis.statistics.friedman import friedman
from analysis.statistics.signed_rank import Credence


def pair(a, b, p_holm):
    return PairOver(a, b, 7, 1, 0.2, 30.0, p_holm / 3, p_holm, Credence(0.01, 0.0, 0.9, 0.0))


def standings(arms, told, count=8):
    """Arms in this order on every unit; those pairs told apart."""
    ranks = tuple(range(1, len(arms) + 1))
    found = [pair(a, b, 0.01 if (a, b) in told else 0.5) for place, a in enumerate(arms) for b in arms[place + 1 :]]
    return OverDataSets(
        endpoint="quality", phase="confirm", unit="data set", arms=tuple(arms),
        units=tuple(Unit(str(k), tuple(0.5 for _ in arms), ranks) for k in range(count)),
        test=friedman(-np.tile(ranks, (count, 1))), pairs=tuple(found), alpha=0.05, lacking={}, dropped={},
        planned=tuple(arms), drawn_alike=(),
    )  # fmt: skip


def test_the_first_and_those_not_told_from_it():
    found = standings("abc", {("a", "c")})
    assert found.indistinguishable == ("a", "b")
    assert found.told("c", "a")
    assert not found.told("b", "c")


@pytest.mark.parametrize(
    ("told", "groups"),
    [
        (set(), [("a", "b", "c", "d")]),
        ({("a", "d")}, [("a", "b", "c"), ("b", "c", "d")]),
        ({("a", "b"), ("a", "c"), ("a", "d")}, [("b", "c", "d")]),
        ({("a", "b")}, [("a", "c", "d"), ("b", "c", "d")]),  # a bar may pass over an arm
        ({(a, b) for a in "abc" for b in "bcd" if a < b}, []),
    ],
)
def test_groups_are_the_largest_sets_no_two_of_which_are_told_apart(told, groups):
    assert list(standings("abcd", told).groups) == groups


@pytest.mark.parametrize(("arms", "needed"), [("ab", 6), ("abc", 7), ("abcd", 8), ("abcdef", 10)])
def test_so_many_units_are_needed_that_the_least_p_survives_holm(arms, needed):
    assert standings(arms, set()).needed == needed
    pairs = len(arms) * (len(arms) - 1) / 2
    assert pairs * 2.0 ** (1 - needed) <= 0.05 < pairs * 2.0 ** (2 - needed)


def test_a_pair_turns():
    found = standings("ab", set())
    turned = found.pair("b", "a")
    assert (turned.a, turned.better, turned.worse, turned.effect, turned.statistic) == ("b", 1, 7, -0.2, -30)
    assert (turned.credence.below, turned.credence.above) == (0.9, 0.01)
    assert turned.turned() == found.pairs[0]
    with pytest.raises(KeyError, match="no pair of the arms 'a' and 'z'; there are a, b"):
        found.pair("a", "z")
