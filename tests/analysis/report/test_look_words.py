import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.report.look_words import ALONE, JOINED, extended, looked

FIRST = {"level": 0.225, "planned": 4, "extents": {"a": [1, 8], "b": [1, 8]}, "open": ["a"], "more_seeds": True}
SECOND = {**FIRST, "extents": {"a": [1, 16], "b": [1, 8]}}
CONFIG = {"search": {"repeats": 1}, "confirm": {"replicas": 8, "most": 16}}


def test_a_study_without_looks_says_nothing():
    assert looked({"study": "rings"}) == []


def test_how_many_looks_there_were_why_they_ended_and_how_they_are_paid_for():
    said = looked({"study": "rings", "looks": [FIRST, SECOND], "config": CONFIG})
    assert said == [
        "The pairs of arms were looked at 2 times, by quality, after 8 seeds and 16 seeds; then the study ended, as"
        " there may be no more than 16 seeds. Each look may spend 1.1\u00a0% of the 5\u00a0%; no more was trained of"
        " arms whose pairs were all told apart (b).",
        ALONE,
    ]


def test_a_study_that_goes_on_says_so_and_joined_ones_are_named():
    on = {"study": "rings", "looks": [FIRST], "config": CONFIG}
    assert looked(on)[0].startswith(
        "The pairs of arms were looked at 1 time, by quality, after 8 seeds, and the study goes"
    )
    both = looked({"joined": [on, {"study": "other"}]})
    assert both[0].startswith("rings: the pairs of arms")
    assert both[1:] == [JOINED]


@pytest.mark.parametrize(
    ("time", "more", "expected"),
    [
        (200.0, {}, "What was to be done was extended (scientific and search.repeats) after trials had ended."),
        (50.0, {}, None),  # before any had
        (200.0, {"looks": [FIRST]}, None),  # looks are planned, and paid for
    ],
)
def test_a_study_that_was_extended_when_it_had_results_may_have_been_looked_at(time, more, expected):
    sessions = [{"time": 1.0}, {"time": time, "extended": ["scientific", "search.repeats"]}, {"time": 300.0}]
    ends = pd.to_datetime([100.0, 150.0], unit="s", utc=True)
    trials = pd.DataFrame({"study": ["rings", "rings"], "ended": ends})
    about = {"study": "rings", "sessions": sessions, **more}
    said = extended(Record(pd.DataFrame(), trials, about))
    assert [one.split(" If that")[0] for one in said] == ([] if expected is None else [expected])
    other = {"study": "other", "sessions": sessions}  # of which nothing has ended
    assert extended(Record(pd.DataFrame(), trials, {"joined": [about, other]})) == said
