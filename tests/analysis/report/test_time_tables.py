from dataclasses import replace

import numpy as np
import pytest

from analysis.report.time_tables import incidence_table, survival_table, time_table
from analysis.results.effects import Sample, by_time
from analysis.results.incidence import Incidences
from analysis.results.pairs import compared
from analysis.results.survival import LogRank, Survival
from analysis.statistics.incidence import incidence
from analysis.statistics.kaplan_meier import kaplan_meier
from analysis.statistics.restricted_mean import restricted_mean

FALLEN = {"a": 2, "b": 6}


def survival(clock="updates", arms=FALLEN):
    """Eight replicas an arm, of which some fall at half of the time."""
    end = 400.0 if clock == "updates" else 1.0
    met = {arm: np.arange(8) < count for arm, count in arms.items()}
    time = {arm: np.where(own, end / 2, end) for arm, own in met.items()}
    means = tuple(restricted_mean(time[arm], met[arm], end, arm=arm, event="failure") for arm in arms)
    curves = tuple(kaplan_meier(time[arm], met[arm], arm=arm, event="failure") for arm in arms)
    samples = [Sample(arm, time[arm], np.full(8, arm), np.zeros(8, int), np.arange(8)) for arm in arms]
    pairs = by_time(samples, list(met.values()), end, "replica")
    comparison = compared(pairs, list(arms), "failure", "confirm", "replica", "a test", 0.05) if len(arms) > 1 else None
    logrank = (LogRank(("b", "a"), 4.0, 1, 0.05, 0.06, "log-rank", "seeds"),)
    return Survival("failure", "confirm", curves, None, logrank, clock, means, comparison)


def test_arms_have_medians_and_means():
    table = survival_table(survival(), " A note.")
    assert [head.name for head in table.heads][3:] == ["median step", "mean until step 400"]
    assert [(row[0], row[2], row[4].estimate) for row in table.rows] == [("a", 2, 350.0), ("b", 6, 250.0)]
    assert table.caption.endswith("which capture seeds. A note.")
    shares = survival_table(survival("budget"))
    assert (shares.heads[4].name, shares.heads[4].kind) == ("mean until 100\u00a0% of the budget", "share")


def test_the_log_rank_test_of_all_arms_has_its_own_p():
    """Where repeats are dealt out anew, chi-squared with its degrees of freedom does not give it."""
    overall = LogRank(("b", "a"), 4.0, 1, 0.1, 0.1, "log-rank scores of repeats, dealt out anew", "both")
    caption = survival_table(replace(survival(), overall=overall)).caption
    assert caption.endswith("chi-squared 4.00 on 1, p 0.10 (log-rank scores of repeats, dealt out anew).")


def test_pairs_are_tested_by_their_means_and_the_log_rank_test_stands_beside():
    result = survival()
    table = time_table(result)
    [pair] = result.comparison.pairs
    assert table.rows == (("a", "b", 8, 8, pair.effect, pair.p, pair.p_holm, 0.06),)
    assert pair.effect.estimate == 100
    with pytest.raises(ValueError, match="result: expected a time of two arms or more, got one of a single arm"):
        time_table(survival(arms={"a": 2}))


def test_times_of_repeats_are_given_by_searches_alone_as_well_and_what_is_assumed_is_said():
    result = survival()
    [pair] = result.comparison.pairs
    alone = replace(pair.effect, low=-300.0, high=400.0)
    comparison = replace(result.comparison, unit="repeat", pairs=(replace(pair, alone=alone, n_a=3, n_b=3),))
    table = time_table(replace(result, comparison=comparison))
    place = [head.name for head in table.heads].index("by searches alone")
    assert (table.rows[0][place], table.heads[place].kind) == (alone, "number")
    assert "A mean's own interval knows how much searches differ from its arm alone" in table.caption
    assert "3 searches end alike in 25\u00a0% of studies" in table.caption
    assert "by searches alone" not in time_table(result).caption


def test_each_kind_of_failure_has_a_column():
    def one(event):
        curves = tuple(
            incidence(np.full(8, 100.0), np.where(np.arange(8) < count, event, "other"), event, arm=arm)
            for arm, count in FALLEN.items()
        )
        return Incidences(event, "confirm", curves, 100.0, tuple(curve.at(100.0) for curve in curves), 0.03)

    table = incidence_table([one("diverged"), one("collapsed")])
    assert [head.name for head in table.heads][2:] == ["divergence", "a collapse that lasts"]
    assert [(row[0], row[1], row[2].estimate) for row in table.rows] == [("a", 8, 0.25), ("b", 8, 0.75)]
    assert "(Gray), p: divergence 0.030, a collapse that lasts 0.030." in table.caption
