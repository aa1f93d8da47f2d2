import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from study.ledger.entries import Floor, Look, Session, Stopped, trial_id_of
from study.ledger.ledger import Ledger, entries
from study.ledger.state import StudyState
from study.ledger.validation import InvalidEntry, from_json

SPEC = {"model": "gan", "objective": {"name": "hinge"}}


def about(kind, index=0, arm="hinge", repeat=0, **more):
    entry = {"kind": kind, "time": 1.0, "phase": "search", "arm": arm, "repeat": repeat, "index": index, **more}
    return from_json({"trial_id": trial_id_of(entry["phase"], arm, repeat, index), **entry})


def planned(seeds=(1, 2), spec=SPEC, **more):
    return about("planned", config={"beta1": 0.5}, spec=spec, seeds=list(seeds), **more)


def result(step, fid, seeds=(1, 2), wall_time=1.0, **more):
    return about("result", step=step, wall_time=wall_time, columns={"fid": list(fid)}, seeds=list(seeds), **more)


def ended(status="completed", **more):
    return about("ended", status=status, message=None, outcomes=["converged"] * 2, scores=[1.0, 2.0], **more)


def replayed(*found):
    state = StudyState()
    for entry in found:
        state.apply(entry)
    return state


def only(state):
    [trial] = state.trials.values()
    return trial


def test_a_trial_from_its_plan_to_its_end():
    state = replayed(planned(), result(100, [3.0, 4.0]), result(200, [1.0, 2.0], wall_time=2.5))
    trial = only(state)
    assert state.unfinished == [trial]
    assert (trial.trial_id, trial.seeds, trial.config) == ("search-hinge-0000", [1, 2], {"beta1": 0.5})
    assert (trial.last_step, trial.wall_time, trial.status) == (200, 2.5, None)
    curves = trial.curves()
    np.testing.assert_array_equal(curves.steps, [[100, 200]] * 2)
    np.testing.assert_array_equal(curves.values["fid"], [[3.0, 1.0], [4.0, 2.0]])
    state.apply(replace(ended(), time=9.0))
    assert (trial.status, trial.ended, trial.outcomes, trial.scores) == (
        "completed",
        9.0,
        ["converged"] * 2,
        [1.0, 2.0],
    )
    assert state.unfinished == []


def test_a_finished_trial_keeps_only_its_summary():
    trial = only(replayed(planned(), result(100, [3.0, 4.0]), ended()))
    assert trial.results == {}
    assert trial.last_step == 100


def test_sessions_and_floors():
    session = Session(config={"study": "a"}, versions={"torch": "2.15"}, host="h", pid=1)
    floor = Floor(
        values={"fid": 0.1}, spread={"fid": 0.01, "kid": [1.0]}, samples=30, classifier={"accuracy": 0.98, "seed": 0}
    )
    newer = replace(session, config={"study": "a", "replicas": 2}, pid=2)
    state = replayed(session, floor, newer, replace(floor, values={"fid": 0.2}))
    assert state.config == newer.config
    assert [entry.pid for entry in state.sessions] == [1, 2]
    assert all(not entry.config for entry in state.sessions)
    assert state.data == {}
    with_data = state.sessions[0].__class__(config={}, data={"name": "ring", "digest": "0f", "origin": "drawn"})
    for session in (with_data, state.sessions[0]):
        state.apply(session)
        assert state.data["digest"] == "0f"
    assert (state.floor, state.floor_spread, state.floor_samples) == ({"fid": 0.2}, {"fid": 0.01}, 30)
    assert state.classifier == {"accuracy": 0.98, "seed": 0}


def test_why_a_session_stopped_is_known_until_the_next_begins():
    session, stopped = Session(config={"study": "a"}), Stopped(time=2.0, reason="SIGTERM")
    assert replayed(session).stopped is None
    assert replayed(session, stopped).stopped == stopped
    assert replayed(session, stopped, session).stopped is None


def test_looks_come_in_order_and_spend_no_more_than_there_is():
    state, about = StudyState(), {"planned": 2, "extents": {}, "pairs": [], "open": []}
    looks = [Look(number=number, level=0.45, **about) for number in range(2)]
    for look in looks:
        state.apply(look)
    assert state.looks == looks
    with pytest.raises(InvalidEntry, match="number: expected at most 2, the looks before it, got 3"):
        state.apply(Look(number=3, level=0.1, **about))
    with pytest.raises(InvalidEntry, match=r"level: expected at most 0\.1, what others have left, got 0.2"):
        state.apply(Look(number=2, level=0.2, **about))
    state.apply(replace(looks[0], level=0.9))
    assert [look.level for look in state.looks] == [0.9]


def test_the_last_write_of_a_step_wins():
    trial = only(replayed(planned(), result(100, [3.0, 4.0]), result(200, [9.0, 9.0]), result(100, [5.0, 6.0])))
    np.testing.assert_array_equal(trial.curves().values["fid"], [[5.0, 9.0], [6.0, 9.0]])
    assert trial.last_step == 200


def test_the_last_write_wins_seed_by_seed():
    whole = result(100, [1.0, 2.0, 3.0], seeds=(1, 2, 3))
    part = about("result", step=100, wall_time=1.0, columns={"kid": [7.0, 8.0], "fid": [20.0, 40.0]}, seeds=[2, 4])
    trial = only(replayed(planned(seeds=(1, 2, 3, 4)), whole, part))
    np.testing.assert_array_equal(trial.curves().values["fid"], [[1.0], [20.0], [3.0], [40.0]])
    np.testing.assert_array_equal(trial.curves().values["kid"], [[math.nan], [7.0], [math.nan], [8.0]])


def test_seeds_in_another_order_are_put_in_their_places():
    trial = only(replayed(planned(), result(100, [1.0, 2.0]), result(200, [4.0, 3.0], seeds=(2, 1))))
    assert trial.column("fid") == [1.0, 3.0, 2.0, 4.0]


def test_steps_come_in_order_however_they_were_written():
    trial = only(replayed(planned(), result(200, [2.0, 2.0]), result(100, [1.0, 1.0])))
    np.testing.assert_array_equal(trial.curves().values["fid"], [[1.0, 2.0]] * 2)
    assert (trial.last_step, trial.wall_time) == (200, 1.0)


def test_an_unfinished_trial_planned_again_goes_on():
    trial = only(replayed(planned(), result(100, [1.0, 2.0]), replace(planned(), time=5.0)))
    assert trial.steps() == [100]
    assert trial.planned == 1.0


@pytest.mark.parametrize("again", [planned(spec={**SPEC, "model": "cgan"}), planned(seeds=(1, 3))])
def test_a_trial_planned_otherwise_begins_anew(again):
    trial = only(replayed(planned(), result(100, [1.0, 2.0]), again))
    assert (trial.spec, trial.seeds) == (again.spec, again.seeds)
    assert (trial.steps(), trial.last_step) == ([], 0)


def test_an_ended_trial_planned_again_begins_anew():
    state = replayed(planned(), result(100, [1.0, 2.0]), ended("failed"), replace(planned(), time=2.0))
    trial = only(state)
    assert state.unfinished == [trial]
    assert (trial.status, trial.ended, trial.outcomes, trial.last_step) == (None, None, [], 0)


def test_a_plan_whose_line_is_doubled_behind_the_ending_costs_nothing():
    state = replayed(planned(), result(100, [1.0, 2.0]), ended(), planned())
    assert (only(state).status, state.unfinished) == ("completed", [])


def test_a_trial_whose_plan_was_damaged_is_known_and_takes_its_plan_later():
    trial = only(replayed(result(100, [1.0, 2.0])))
    assert trial.unplanned
    assert trial.seeds == [1, 2]
    trial.apply(planned())
    assert not trial.unplanned
    assert trial.steps() == [100]


def test_a_trial_is_known_by_phase_arm_repeat_and_index():
    confirm = replace(planned(), phase="confirm")
    again = planned(repeat=1, seeds=(3, 4))
    state = replayed(planned(), planned(index=1), planned(arm="minimax"), confirm, again, replace(again, repeat=2))
    assert list(state.trials) == [
        ("search", "hinge", 0, 0, 0),
        ("search", "hinge", 0, 1, 0),
        ("search", "minimax", 0, 0, 0),
        ("confirm", "hinge", 0, 0, 0),
        ("search", "hinge", 1, 0, 0),
        ("search", "hinge", 2, 0, 0),
    ]
    assert [trial.trial_id for trial in state.trials.values()][-2:] == ["search-hinge-r1-0000", "search-hinge-r2-0000"]
    state.apply(replace(again, seeds=[5, 6]))
    assert state.trials["search", "hinge", 1, 0, 0].key == ("search", "hinge", 1, 0, 0)  # begun anew
    assert state.trials["search", "hinge", 1, 0, 0].seeds == [5, 6]


def test_histograms_and_what_is_missing_become_arrays():
    counts = about(
        "result", step=1, wall_time=0.1, seeds=[1, 2], columns={"mode_histogram": [[3, 1], None], "fid": [None, 2]}
    )
    curves = only(replayed(planned(), counts)).curves(("mode_histogram", "fid", "kid"))
    assert set(curves.values) == {"mode_histogram", "fid"}
    np.testing.assert_array_equal(curves.values["mode_histogram"], [[[3, 1]], [[math.nan, math.nan]]])
    np.testing.assert_array_equal(curves.values["fid"], [[math.nan], [2.0]])
    assert np.isnan(curves.value("kid")).all()


def test_replay_is_apply_over_the_ledger_with_or_without_results(tmp_path):
    with Ledger.open(tmp_path) as book:
        book.append(planned(), result(100, [1.0, 2.0]), ended(), planned(index=1), result(50, [1.0, 2.0], index=1))
    state = StudyState.replay(tmp_path)
    assert state.trials == replayed(*(entry for _, entry in entries(tmp_path))).trials
    assert list(entries(tmp_path, state.position)) == []
    summary = StudyState.replay(tmp_path, results=False)
    assert [trial.trial_id for trial in summary.unfinished] == ["search-hinge-0001"]
    assert [trial.last_step for trial in summary.trials.values()] == [0, 0]
    with pytest.raises(FileNotFoundError, match="no study there"):
        StudyState.replay(tmp_path / "elsewhere")


STEPPED = SPEC | {"steps": 200, "evaluations": 2}


def test_a_result_that_is_gone_is_missed_at_the_end_and_no_longer_once_it_comes():
    state = replayed(planned(spec=STEPPED), result(200, [1.0, 2.0]))
    gone = ["search-hinge-0000: what was measured at step 100 is not in the ledger"]
    assert state.lacking == gone  # while it trains
    state.apply(ended())
    assert (only(state).lost, state.lacking) == ([100], gone)
    state.apply(ended())  # its line doubled
    assert state.lacking == gone
    state.apply(result(100, [3.0, 4.0]))  # its segment out of order
    assert state.lacking == []
    whole = replayed(planned(spec=STEPPED), result(100, [3.0, 4.0]), result(200, [1.0, 2.0]), ended())
    assert (only(whole).lost, whole.lacking) == ([], [])


def test_a_search_trial_whose_plan_is_gone_has_its_configuration_from_its_confirmation(tmp_path):
    name = trial_id_of("confirm", "hinge", 0, 0)
    confirm = {"phase": "confirm", "trial_id": name}
    rest = (result(100, [1.0, 2.0]), ended())
    with Ledger.open(tmp_path) as book:
        book.append(*rest, about("planned", config={"beta1": 0.5}, spec=SPEC, seeds=[8, 9], **confirm))
    found = StudyState.replay(tmp_path)
    trial = found.trials["search", "hinge", 0, 0, 0]
    assert (trial.config, trial.spec, trial.seeds) == ({"beta1": 0.5}, SPEC, [1, 2])
    assert found.lacking == []
    assert replayed(*rest).lacking == ["search-hinge-0000: its plan is not in the ledger"]


def test_memory_is_that_of_summaries():
    def study(trials, evaluations):
        state = StudyState()
        for index in range(trials):
            state.apply(planned(index=index))
            for step in range(evaluations):
                state.apply(result(step, np.random.rand(2).tolist(), index=index))
            state.apply(ended(index=index))
        return state

    sizes = []
    for evaluations in (1, 50):
        tracemalloc.start()
        kept = study(100, evaluations)
        sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert len(kept.trials) == 100
    assert (sizes[1] - sizes[0]) / (100 * 49) < 16  # bytes a result: less than one number of Python's
