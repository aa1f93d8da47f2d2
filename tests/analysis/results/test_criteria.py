"""A study's criteria are those of its configuration, and those of the present rule where an earlier one judged it."""

import pytest

from analysis.record.loading import RecordError
from analysis.results.criteria import judged_by_earlier_rule, thresholds_of
from analysis.results.thresholds import EARLIER, Thresholds

WRITTEN = dict.fromkeys(EARLIER, 0.5) | {"metric": "fid"}  # of whatever values


def about(*outcomes):
    studies = [{"config": {"outcomes": one}} for one in outcomes]
    return studies[0] if len(studies) == 1 else {"joined": studies}


def test_thresholds_are_those_of_the_configuration_the_others_the_defaults():
    assert thresholds_of({}) == thresholds_of(about({})) == Thresholds()
    assert thresholds_of(about({"modes": 0.5, "metric": "fid"})) == Thresholds(modes=0.5, metric="fid")


def test_those_of_the_earlier_rule_mean_nothing_to_this_one():
    assert thresholds_of(about(WRITTEN)) == Thresholds()
    with pytest.raises(RecordError, match=r"^config\.outcomes: expected of metric, .*, got 'oscillation'$"):
        thresholds_of(about({"oscillation": 1.0}))


def test_a_study_of_either_rule_joins_one_of_the_other_if_that_has_the_defaults():
    assert thresholds_of(about(WRITTEN, {})) == Thresholds()
    with pytest.raises(
        RecordError, match=r"outcomes\.modes: the joined studies differ, \[0\.5, 0\.75\]; report each alone"
    ):
        thresholds_of(about(WRITTEN, {"modes": 0.5}))
    with pytest.raises(
        RecordError, match=r"outcomes\.metric: the joined studies differ, \[None, 'fid'\]; report each alone"
    ):
        thresholds_of(about({"metric": "fid"}, {}))


def test_a_join_of_studies_was_judged_by_the_earlier_rule_if_one_of_them_was():
    assert judged_by_earlier_rule({"earlier_rule": True})
    assert judged_by_earlier_rule({"joined": [{}, {"earlier_rule": True}]})
    assert not judged_by_earlier_rule({})
    assert not judged_by_earlier_rule({"joined": [{}, {"earlier_rule": False}]})
    assert judged_by_earlier_rule(about(WRITTEN))  # a record from before that was noted
