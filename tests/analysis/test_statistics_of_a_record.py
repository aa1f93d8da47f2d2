"""Every statistic on a record as `load` gives it: categoricals, nullable integers, truncated and failed trials."""

import numpy as np
import pytest

from analysis.record.join import join
from analysis.record.loading import RecordError, load
from analysis.results import (
    best_of_k,
    compare,
    profiles,
    selection_bias,
    sensitivity,
    survival,
    threshold_table,
)
from analysis.results.design import scales_of
from analysis.results.selection import select
from analysis.statistics.bootstrap import Resampling


@pytest.fixture(scope="module")
def record(simulate, tmp_path_factory):
    return load(simulate(tmp_path_factory.mktemp("record"), failed=1, truncated=2, running=1))


def resampling():
    return Resampling(np.random.default_rng(0))


@pytest.mark.parametrize("phase", ["search", "confirm"])
def test_every_arm_is_in_every_result(record, phase):
    arms = list(dict.fromkeys(record.trials["arm"].astype(str)))
    assert len(arms) == 3
    selected = select(record, phase)
    results = [
        compare.outcomes(selected),
        compare.quality(selected, "fid", resampling=resampling()),
        compare.quality(selected, "high_quality", resampling=resampling()),
        profiles.profiles(selected, "fid"),
        survival.survival(selected, "diverged").curves,
        survival.survival(selected, "failure").curves,
    ]
    for found in results:
        assert sorted(one.arm for one in found) == sorted(arms)
    comparison = compare.compare(selected, "fid")
    assert sorted(comparison.arms) == sorted(arms)
    assert len(comparison.pairs) == 3
    assert {one.signal for one in compare.signals(selected, resampling=resampling())} == set(compare.STABILITY_SIGNALS)


def test_the_simulated_order_is_found(record):
    """Arm k has a median of 0.02 (1 + k) and diverges and collapses with chance 0.05 (1 + k)."""
    assert compare.compare(select(record, "confirm"), "fid").best == "non_saturating"
    found = compare.quality(select(record, "search"), "fid", resampling=resampling())
    medians = {one.arm: one.median.estimate for one in found}
    assert medians["non_saturating"] < medians["least_squares"] < medians["hinge"]


def test_budget_sensitivity_and_thresholds(record):
    searched, confirmed = select(record, "search"), select(record, "confirm")
    curves = best_of_k.best_of_k(searched, "fid", resampling=resampling())
    assert {one.n for one in curves} <= {17, 18, 19, 20}
    winners = selection_bias.selection_bias(searched, confirmed, "fid", resampling=resampling())
    assert {one.arm for one in winners} == {one.arm for one in curves}
    scales = scales_of(record.about)
    found = sensitivity.sensitivity(searched, "fid", generator=np.random.default_rng(0), scales=scales, refits=3)
    assert len(found) == 6
    assert {one.scale for result in found for one in result.importances} == {"log"}
    table = threshold_table.threshold_table(searched)
    assert set(table.table["arm"]) == {one.arm for one in curves}


def test_a_study_is_not_joined_with_itself_but_with_another(record, simulate, tmp_path):
    with pytest.raises(RecordError, match="join: studies that stand twice: simulated"):
        join([record, record])
    other = load(simulate(tmp_path, seed=1))
    other.trials["study"] = other.trials["study"].cat.rename_categories({"simulated": "again"})
    other.history["study"] = other.history["study"].cat.rename_categories({"simulated": "again"})
    both = join([record, other])
    assert len(compare.outcomes(select(both, "confirm"))) == 6
    assert len(survival.survival(select(both, "confirm"), "failure").curves) == 6
    assert both.history["mode_histogram"].dtype == record.history["mode_histogram"].dtype
