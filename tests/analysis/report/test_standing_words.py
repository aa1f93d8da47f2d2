"""The sentences on data sets, against what so many of them allow to be said."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.report.standing_words import alternative, drawn_alike, scope, verdict
from analysis.results.standings import OverDataSets, PairOver, Unit
from analysis.statistics.friedman import friedman
from analysis.statistics.signed_rank import Credence


def standings(ranks, told=(), **changes):
    """Arms a, b, …, by their ranks on each data set, those pairs told apart; a pair's first is the better."""
    arms = "abcdefgh"[: len(ranks[0])]
    pairs = [
        PairOver(a, b, 7, 1, 0.2, 30.0, 0.01, 0.01 if a + b in told else 0.5, Credence(0.01, 0.0, 0.9, 0.0))
        for place, a in enumerate(arms)
        for b in arms[place + 1 :]
    ]
    units = tuple(Unit(f"ring-{k}", tuple(row), tuple(row)) for k, row in enumerate(ranks))
    settings = {
        "endpoint": "quality", "phase": "confirm", "unit": "data set", "arms": tuple(arms), "units": units,
        "test": friedman(-np.array(ranks, float)), "pairs": tuple(pairs), "alpha": 0.05, "lacking": {}, "dropped": {},
        "planned": tuple(arms), "drawn_alike": (),
    }  # fmt: skip
    return OverDataSets(**{**settings, **changes})


def said(found):
    return verdict(found).replace("\u00a0", " ")


@pytest.mark.parametrize("count", [2, 3])
def test_two_or_three_data_sets_say_nothing_of_others(count):
    assert said(standings([[1, 2, 3]] * count)) == (
        f"Over {count} data sets, a has the best average rank in quality, 1.00 of 3 arms. So few data sets cannot tell"
        " any two of 3 arms apart, whatever the results: that takes 7 at least."
    )


def test_from_four_on_all_arms_together_are_tested():
    assert said(standings([[1, 2, 3]] * 5)) == (
        "Over 5 data sets, a has the best average rank in quality, 1.00 of 3 arms; the arms differ (Friedman's test of"
        " all, p < 0.001). So few data sets cannot tell any two of 3 arms apart, whatever the results: that takes 7 at"
        " least."
    )
    mixed = said(standings([[1, 2, 3], [3, 2, 1], [1, 3, 2], [2, 1, 3]]))
    assert "; the arms do not differ measurably (Friedman's test of all, p = 0.93)" in mixed


def test_where_all_are_tied_nobody_has_the_best_rank():
    assert said(standings([[1, 2], [2, 1]])) == (
        "Over 2 data sets, no arm is ahead of another in quality: all have the same average rank. So few data sets"
        " cannot tell two arms apart, whatever the results: that takes 6 at least."
    )
    assert said(standings([[1, 2], [2, 1], [1.5, 1.5]] * 3)).endswith(
        "; at 5 % after Holm's correction none of 1 pair can be told apart."
    )


def test_two_arms_are_compared_by_their_pair_alone():
    assert said(standings([[1, 2]] * 5)) == (
        "Over 5 data sets, a has the best average rank in quality, 1.00 of 2 arms. So few data sets cannot tell two"
        " arms apart, whatever the results: that takes 6 at least."
    )
    assert said(standings([[1, 2]] * 6, {"ab"})).endswith(
        "of 2 arms; it is told apart from the other arm at 5 % (Holm)."
    )


@pytest.mark.parametrize(
    ("told", "ending"),
    [
        (set(), "; at 5 % no other arm can be told from it."),
        ({"ab", "ac"}, "; it is told apart from every other arm at 5 % (Holm)."),
        ({"ac"}, "; it cannot be told from b and is told apart from c at 5 % (Holm)."),
    ],
)
def test_no_more_is_claimed_than_the_pairs_own_tests_say(told, ending):
    lead = "Over 8 data sets, a has the best average rank in quality, 1.00 of 3 arms; the arms differ (Friedman's test"
    found = said(standings([[1, 2, 3]] * 8, told))
    assert found.startswith(lead)
    assert found.endswith(ending)


def test_an_arm_that_beats_the_best_of_the_ranks_is_not_passed_over():
    found = standings([[1, 2, 3]] * 8, {"ab", "ac"})
    behind = replace(found, pairs=(found.pairs[0], found.pairs[1].turned().turned(), found.pairs[2]))
    turned = replace(behind.pairs[1], statistic=-30.0)
    behind = replace(behind, pairs=(found.pairs[0], turned, found.pairs[2]))
    assert said(behind).endswith("; it is told apart from b and falls behind c in the test of the pair at 5 % (Holm).")


def test_arms_that_share_the_best_rank_are_named_together():
    found = said(standings([[1, 2, 3], [2, 1, 3]] * 4, {"ac", "bc"}))
    assert found.startswith("Over 8 data sets, a and b have the best average rank in quality, 1.50 of 3 arms;")
    assert found.endswith("; at 5 % after Holm's correction 2 of 3 pairs can be told apart.")


def test_studies_of_one_data_set_are_called_so():
    one = standings([[1, 2]] * 6, unit="study", endpoint="converged")
    assert said(one).startswith(
        "Over 6 studies of one data set, a has the best average rank in the share of replicas that"
    )
    assert scope(one) == [
        "All these studies are of one data set. Each counts as one result: what is said here is of more such studies,"
        " not of other data."
    ]


def test_what_counts_as_one_and_what_is_left_out_is_said():
    several = Unit("ring + rings", (1, 2), (1, 2))
    found = standings([[1, 2]] * 6, lacking={"grid": {"b", "a"}}, dropped={"ring": {"c"}, "m": {"d"}})
    assert scope(replace(found, units=(several, *found.units))) == [
        "Studies of one data set count as one result, by their mean: ring + rings.",
        "Left out: grid, which has no score of a and b.",
        "Left out, as not every study has a score of each: c and d.",
    ]
    assert scope(standings([[1, 2]] * 6)) == []


def test_searches_that_began_alike_are_a_warning():
    found = standings([[1, 2, 3]] * 8, {"ab"}, drawn_alike=("ring-0", "ring-1"))
    (warning,) = drawn_alike(found)
    assert warning.startswith(
        "ring-0 and ring-1 were searched with one search.seed, so that an arm's searches began with"
    )
    assert verdict(found).endswith(" All this is of what one search.seed drew for each arm.")
    assert drawn_alike(standings([[1, 2]] * 6)) == []


def test_the_picture_is_told_in_words():
    assert alternative(standings([[1, 2, 3]] * 8, {"ac"})) == (
        "Average ranks in quality over 8 data sets: a 1.00, b 2.00, c 3.00. Cannot be told apart: a and b; b and c."
    )
    assert alternative(standings([[1, 2]] * 8, {"ab"})).endswith(" Cannot be told apart: none.")
