"""Confusion, agreement and kappa, beside scikit-learn's and scipy's."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from analysis.record.schema import OUTCOMES
from analysis.results.agreement import CANNOT_TELL, CHOICES, NO_INTERVAL, ONE_ALONE, agreement, cohens_kappa
from analysis.statistics.bootstrap import Resampling


def frame(column, values):
    seeds = range(len(values))
    return pd.DataFrame({"study": "rings", "trial_id": "search-hinge-0000", "seed": seeds, column: values})


def compared(by_eye, rule, resamples=1000, **options):
    resampling = Resampling(np.random.default_rng(0), resamples, **options)
    return agreement(frame("label", by_eye), frame("outcome", rule), resampling=resampling)


@pytest.fixture(scope="module")
def drawn():
    """Labels and verdicts that agree on about three of four."""
    random = np.random.default_rng(1)
    by_eye = random.choice(CHOICES[:4], 120)
    return by_eye, np.where(random.random(120) < 0.7, by_eye, random.choice(OUTCOMES, 120))


def test_kappa_and_table_are_scikit_learns(drawn):
    found = compared(*drawn)
    assert found.kappa.estimate == pytest.approx(cohen_kappa_score(*drawn), abs=1e-12)
    names = list(found.table.columns)
    assert names == [name for name in OUTCOMES if name in {*drawn[0], *drawn[1]}] == list(found.table.index)
    np.testing.assert_array_equal(found.table, confusion_matrix(*drawn, labels=names))
    assert found.agreement.estimate == np.mean(drawn[0] == drawn[1])


def test_the_interval_is_the_bootstraps_over_replicas(drawn):
    found = compared(*drawn, resamples=20_000)
    codes = [pd.Categorical(values, OUTCOMES).codes for values in drawn]
    theirs = bootstrap(
        codes, cohen_kappa_score, paired=True, vectorized=False, n_resamples=2000, method="percentile", rng=0
    ).confidence_interval
    assert (found.kappa.low, found.kappa.high) == pytest.approx((theirs.low, theirs.high), abs=0.015)
    assert found.kappa.captures == found.agreement.captures == "replicas"


def test_kappa_by_hand():
    # Cohen (1960): agreement (a - e) / (1 - e); here a = .7 and e = .5 · .6 + .5 · .4 = .5.
    assert cohens_kappa([[20, 5], [10, 15]]) == pytest.approx(0.4)
    assert cohens_kappa(np.array([[[5, 0], [0, 5]], [[0, 5], [5, 0]]])).tolist() == [1, -1]


@pytest.mark.parametrize("other", ["converged", "collapsed"])
def test_kappa_says_nothing_where_a_judge_uses_one_outcome_alone(other):
    for judges in ((["converged"] * 5, ["converged"] * 4 + [other]), (["converged"] * 4 + [other], ["converged"] * 5)):
        found = compared(*judges)
        assert found.agreement.estimate == (1 if other == "converged" else 0.8)
        assert np.isnan([found.kappa.estimate, found.kappa.low, found.kappa.high]).all()
        assert (found.kappa.method, found.kappa.n) == (ONE_ALONE, 5)


def test_full_agreement_has_no_interval():
    found = compared(["converged", "collapsed"], ["converged", "collapsed"])
    assert (found.kappa.estimate, found.kappa.method) == (1, NO_INTERVAL)
    assert np.isnan([found.kappa.low, found.kappa.high]).all()


def test_what_a_person_left_open_is_left_out_and_counted():
    found = compared(["converged", CANNOT_TELL, "", "collapsed"], ["converged", "collapsed", None, "converged"])
    assert (found.n, found.left_out) == (2, 2)
    assert found.disagreements.to_dict("records") == [
        {"study": "rings", "trial_id": "search-hinge-0000", "seed": 3, "by_eye": "collapsed", "rule": "converged"}
    ]


def test_nothing_told_is_no_agreement():
    found = compared([CANNOT_TELL], ["converged"])
    assert (found.n, found.left_out, found.table.shape) == (0, 1, (0, 0))
    assert np.isnan([found.agreement.estimate, found.kappa.estimate]).all()


def test_replicas_are_matched_by_their_names_not_their_order():
    labels = frame("label", ["converged", "collapsed", "diverged"])
    judged = frame("outcome", ["converged", "collapsed", "diverged"]).iloc[::-1]
    assert agreement(labels, judged, resampling=Resampling(np.random.default_rng(0))).agreement.estimate == 1


def test_a_verdict_that_nobody_can_see_is_a_column():
    found = compared(["converged", "converged"], ["truncated", "converged"])
    assert found.table.loc["converged", "truncated"] == 1


def test_the_seed_fixes_the_interval(drawn):
    assert compared(*drawn).kappa == compared(*drawn).kappa


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match=r"label: expected one of .*converged.*got 'fine'"):
        compared(["fine"], ["converged"])
    with pytest.raises(ValueError, match="expected of a replica with an outcome, got trial search-hinge-0000, seed 0"):
        compared(["converged"], [None])
