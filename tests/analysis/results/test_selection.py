import pandas as pd
import pytest

from analysis.results.selection import SPAN, arms_in_order, captured, configurations, units


def test_phases_are_never_pooled(trial, frame, of_phase):
    rows = frame(trial(phase="search"), trial(phase="confirm", fid=(9.0,)))
    assert of_phase(rows, "confirm").trials["fid"].tolist() == [9.0]
    for phase in ("", "both", "all"):
        with pytest.raises(
            ValueError, match=f"phase: expected one of search, confirm, got '{phase}'; the two are never"
        ):
            of_phase(rows, phase)


def test_intervals_capture_configurations_where_a_search_drew_several(trial, frame, of_phase):
    several = frame(trial(index=0), trial(index=1), trial(phase="confirm"), trial("hinge"))
    assert (of_phase(several, "search").captures, of_phase(several, "confirm").captures) == ("both", "seeds")
    single = frame(trial(), trial("hinge"))
    assert of_phase(single, "search").captures == "seeds"  # nothing but seeds was drawn


def test_arms_keep_the_records_order(trial, frame, of_phase):
    rows = frame(trial("wasserstein"), trial("minimax"), trial("hinge"))
    assert [arm for arm, _ in of_phase(rows, "search").arms()] == ["wasserstein", "minimax", "hinge"]
    assert of_phase(rows, "confirm").arms() == []


def test_a_configuration_has_one_number_in_both_phases_and_repeats_do_not_share_it(trial, frame):
    rows = frame(trial(index=3), trial(index=3, repeat=2), trial(index=3, repeat=2, phase="confirm"))
    assert configurations(rows).tolist() == [3] * 2 + [2 * SPAN + 3] * 4
    assert divmod(2 * SPAN + 3, SPAN) == (2, 3)


def test_only_replicas_at_the_end_of_their_budget_are_finished(of_phase, four):
    ((arm, rows),) = of_phase(four, "search").finished()
    assert arm == "a"
    assert rows["seed"].tolist() == [0]


def test_a_lone_configuration_was_drawn_from_nothing(four):
    assert captured(four, "search") == "both"
    assert captured(four[four["trial_id"] == "t"], "search") == "seeds"
    assert captured(four, "confirm") == "seeds"


def test_arms_can_be_left_out(trial, frame, of_phase):
    rows = frame(trial("wasserstein"), trial("minimax"))
    assert [arm for arm, _ in of_phase(rows, "search").without(("wasserstein",)).arms()] == ["minimax"]


def planned(arms, started, study="s"):
    return pd.DataFrame(
        {"study": study, "arm": arms, "started": pd.to_datetime(started, utc=True), "repeat": 0, "index": 0}
    )


def test_arms_stand_in_the_order_in_which_they_were_planned():
    before = planned(["b", "a"], ["2026-01-01", "2026-01-02"])
    after = pd.concat([planned(["0 new"], ["2026-02-01"]), before])
    assert arms_in_order(before) == ["b", "a"]
    assert arms_in_order(after) == ["b", "a", "0 new"]


def test_arms_of_joined_studies_stand_study_by_study():
    both = pd.concat([planned(["one/a"], ["2026-01-02"], "one"), planned(["two/a"], ["2026-01-01"], "two")])
    assert arms_in_order(both) == ["one/a", "two/a"]


def test_units_have_the_same_names_where_studies_are_joined():
    """By them resamples are drawn, which are then the same."""
    rows = pd.DataFrame({"study": "one", "arm": "a", "repeat": [0, 1], "trial_id": ["c-0", "c-1"]})
    joined = rows.assign(arm="one/a", trial_id=["one/c-0", "one/c-1"])
    for phase in ("confirm", "search"):
        assert units(rows, phase).tolist() == units(joined, phase).tolist()
    assert units(rows, "confirm").tolist() == ["one/a/r0", "one/a/r1"]
