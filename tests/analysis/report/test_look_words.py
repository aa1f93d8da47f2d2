from analysis.report.look_words import ALONE, JOINED, looked

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
