import errno
import json
import math
import os
import re
import resource
import threading
import zlib
from dataclasses import asdict, replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from analysis.record import schema
from analysis.record.loading import RecordError, load
from analysis.record.own import higher_is_better, own_meanings, own_measurements
from analysis.results.criteria import judged_by_earlier_rule
from analysis.results.hops import hops
from analysis.results.nearness import Floor as RealScores
from analysis.results.outcomes import SHOWN, judge_record
from analysis.results.thresholds import EARLIER, Thresholds
from study.ledger import ledger
from study.ledger.damage import Damage
from study.ledger.entries import Floor, Session, to_json
from study.ledger.ledger import Ledger
from study.ledger.lock import lock_file
from study.ledger.state import StudyState, TrialState
from study.ledger.validation import from_json
from study.record import build as record
from study.record.columns import TrialColumns
from trainables.changes import Change
from trainables.spec import Spec

SPEC = {
    "model": "gan", "objective": {"name": "hinge"}, "penalty": {"name": "r1", "weight": 1.0},
    "generator_loss": "default", "data": {"name": "ring", "modes": 4},
    "generator": {"hidden": [64, 64], "weight_std": None},
}  # fmt: skip
SESSION = Session(time=1e9, config={"study": "rings"}, versions={"torch": "2.15"}, host="h", pid=1)
FLOOR = Floor(time=1e9, values={"fid": 0.01, "modes": 4.0, "unheard": 1.0}, spread={"fid": 0.002}, samples=30)


def about(kind, index=0, **more):
    entry = {"kind": kind, "time": 1e9 + index, "phase": "search", "arm": "hinge", "index": index}
    return from_json({**entry, "trial_id": f"search-hinge-{index:04d}", **more})


def planned(index=0, seeds=(1, 2), config=None, **more):
    config = {"generator_lr": 1e-3} if config is None else config
    return about("planned", index, config=config, spec=SPEC, seeds=list(seeds), **more)


def result(step, index=0, seeds=(1, 2), **columns):
    every = {"fid": [1.0 / step, 2.0 / step], "diverged": [False, False], "diverged_step": [None, None]} | columns
    return about("result", index, step=step, wall_time=step / 10, columns=every, seeds=list(seeds), pictures=None)


def ended(index=0, status="completed", outcomes=("converged", "oscillating"), message=None):
    return about("ended", index, status=status, message=message, outcomes=[*outcomes], scores=[1.0, 2.0])


def trial(index=0, steps=(100, 200), seeds=(1, 2)):
    return [planned(index, seeds), *(result(step, index, seeds) for step in steps), ended(index)]


def built(folder, *entries):
    with Ledger.open(folder) as book:
        book.append(*entries)
    written = record.build_record(folder)
    return written, load(folder)


def test_a_study_becomes_both_tables(tmp_path):
    written, found = built(tmp_path, SESSION, FLOOR, *trial(0), *trial(1))
    assert written == (8, 4, Damage(at=written.damage.at), (), ())
    history, trials = found.history, found.trials
    assert history[["trial_id", "seed", "step", "fid", "wall_time"]].values.tolist()[:4] == [
        ["search-hinge-0000", 1, 100, 0.01, 10.0],
        ["search-hinge-0000", 1, 200, 0.005, 20.0],
        ["search-hinge-0000", 2, 100, 0.02, 10.0],
        ["search-hinge-0000", 2, 200, 0.01, 20.0],
    ]
    for name, value in {"study": "rings", "phase": "search", "arm": "hinge", "model": "gan", "objective": "hinge",
                        "penalty": "r1", "generator_loss": "default"}.items():  # fmt: skip
        assert set(history[name]) == set(trials[name]) == {value}
    assert trials["outcome"].tolist() == ["converged", "converged"] * 2  # afresh, as fid is near the floor
    assert trials[["index", "steps", "wall_time"]].values.tolist() == [[0, 200, 20.0]] * 2 + [[1, 200, 20.0]] * 2
    assert trials["fid"].tolist() == [0.005, 0.01] * 2
    assert trials["floor.fid"].tolist() == [0.01] * 4
    assert trials["floor_spread.fid"].tolist() == [0.002] * 4
    assert trials["floor.kid"].isna().all()
    assert trials["status"].tolist() == ["completed"] * 4
    assert trials["started"].iloc[2].timestamp() == trials["ended"].iloc[2].timestamp() == 1e9 + 1


def test_the_same_index_of_two_repeats_is_two_trials(tmp_path):
    again = [replace(entry, repeat=1) for entry in trial(seeds=(3, 4))]
    _, found = built(tmp_path, SESSION, *trial(), *again)
    names = ["search-hinge-0000"] * 2 + ["search-hinge-r1-0000"] * 2
    expected = [list(row) for row in zip([0, 0, 1, 1], [0] * 4, names, [1, 2, 3, 4], strict=True)]
    assert found.trials[["repeat", "index", "trial_id", "seed"]].values.tolist() == expected
    assert found.history.groupby("trial_id", observed=True)["repeat"].unique().map(list).tolist() == [[0], [1]]


def test_the_files_are_exactly_as_declared(tmp_path):
    built(tmp_path, SESSION, *trial())
    assert pq.read_schema(tmp_path / "history.parquet").equals(schema.history_schema())
    found = pq.read_schema(tmp_path / "trials.parquet")
    chosen = {f.name.removeprefix("config."): "float64" for f in found if f.name.startswith("config.")}
    assert [f.name for f in found] == schema.trials_schema(chosen).names


def test_the_users_own_measurements_have_columns_like_any_other(tmp_path):
    own = {"own.blur": {"better": "low", "meaning": "How blurred."}}
    asked = replace(planned(), spec={**SPEC, "measure": ["kernel", "my_metrics:blur"]})
    floor = Floor(time=1e9, values={"own.blur": 0.5, "own.sharp": 1.0}, spread={"own.blur": 0.25})
    told = [result(step, **{"own.blur": [step, None], "own.sharp": [1.0, 2.0]}) for step in (100, 200)]
    written, found = built(tmp_path, replace(SESSION, own=own), floor, asked, *told, ended())
    assert written.undeclared == ("own.sharp",)
    assert found.history["own.blur"].tolist()[:2] == [100.0, 200.0]
    assert found.history["own.blur"].isna().tolist() == [False, False, True, True]
    assert found.trials[["own.blur", "floor.own.blur", "floor_spread.own.blur"]].values.tolist()[0] == [200, 0.5, 0.25]
    assert found.about["own"] == own
    assert (higher_is_better("own.blur", found.about), own_measurements(found)) == (False, ("own.blur",))
    assert own_meanings(found.about) == {"own.blur": "How blurred."}


def test_a_session_says_by_what_it_extended_the_former_one(tmp_path):
    def session(time, repeats, arms=("hinge",), replicas=8):
        asked = {"search": {"repeats": repeats, "trials_per_arm": 2}, "confirm": {"replicas": replicas}}
        return replace(SESSION, time=time, config={"scientific": {"objective": list(arms)}, **asked})

    sessions = session(1e9, 2), session(2e9, 2), session(3e9, 3, ("hinge", "minimax")), session(4e9, 3, replicas=16)
    _, found = built(tmp_path, sessions[0], FLOOR, *trial(), *sessions[1:3], sessions[3])
    told = [one.get("extended") for one in found.about["sessions"]]
    assert told == [None, None, ["scientific", "search.repeats"], ["scientific"]]


def test_a_session_of_before_there_were_repeats_had_one(tmp_path):
    asked = ({"trials_per_arm": 2, **more} for more in ({}, {"repeats": 1}, {"repeats": 3}))
    sessions = [replace(SESSION, time=1e9 + place, config={"search": search}) for place, search in enumerate(asked)]
    _, found = built(tmp_path, sessions[0], FLOOR, *trial(), *sessions[1:])
    assert [one.get("extended") for one in found.about["sessions"]] == [None, None, ["search.repeats"]]


def test_the_record_says_what_it_is_of(tmp_path):
    _, found = built(tmp_path, SESSION, FLOOR, *trial())
    assert found.about["config"] == SESSION.config
    told = {"kind": "session", "time": 1e9, "versions": {"torch": "2.15"}, "host": "h", "pid": 1}
    assert found.about["sessions"] == [told]
    assert (found.about["damaged"], found.about["floor"]["fid"]) == (0, 0.01)
    assert (found.about["floor_spread"], found.about["floor_samples"]) == ({"fid": 0.002}, 30)
    assert tuple(found.about["through"]) == ledger.end(tmp_path)


def test_configurations_are_flat_and_typed_over_all_trials(tmp_path):
    plans = [{"critic_steps": 1, "beta1": 0, "sn": True, "odd": 1}, {"critic_steps": 5, "beta1": 0.5, "odd": "x"}, {}]
    _, found = built(tmp_path, SESSION, *(planned(index, seeds=[1], config=plan) for index, plan in enumerate(plans)))
    trials = found.trials
    assert trials["config.critic_steps"].tolist()[:2] == [1, 5]
    assert trials["config.critic_steps"].isna().tolist() == [False, False, True]
    assert trials["config.beta1"].tolist()[:2] == [0.0, 0.5]
    assert trials["config.sn"].tolist() == [True, None, None]
    assert trials["config.odd"].tolist()[:2] == ["1", "x"]
    assert trials["config.penalty.weight"].tolist() == [1.0] * 3
    assert trials["config.data.name"].tolist() == ["ring"] * 3
    assert trials["config.generator.hidden"].tolist() == ["[64, 64]"] * 3
    assert trials["config.generator.weight_std"].isna().all()


def test_settings_that_nothing_reads_have_no_column_and_are_null_beside_models_that_read_them(tmp_path):
    gan = Spec(data={"name": "ring"}, steps=9, evaluations=1, batch_size=4, optimizer="sgd").to_dict()
    plans = [replace(planned(index, config={"beta2": 0.9}), spec=gan | more) for index, more in enumerate((
        {}, {"optimizer": "adam"}, {"model": "vae"}, {"model": "oracle"},
    ))]  # fmt: skip
    _, found = built(tmp_path, SESSION, *plans)
    trials = found.trials.drop_duplicates("trial_id")
    for unread in ("source.name", "cycle_weight", "identity_weight", "conditioning", "lookahead_alpha"):
        assert f"config.{unread}" not in trials
    read = {
        "beta2": [1], "lookahead": [0, 1], "latent": [0, 1], "critic_lr": [0, 1], "latent_dim": [0, 1, 2],
        "critic.kind": [0, 1, 2], "model": [0, 1, 2, 3], "data.name": [0, 1, 2, 3],
    }  # fmt: skip
    assert {name: trials.index[trials[f"config.{name}"].notna()].tolist() for name in read} == {
        name: trials.index[places].tolist() for name, places in read.items()
    }
    for choice in ("objective", "generator_loss", "penalty"):
        assert set(found.trials.loc[found.trials[choice].notna(), "model"]) == {"gan"}
    assert found.trials["config.latent_dim"].dropna().map(str).unique().tolist() == ["2"]  # whole numbers remain whole


def test_a_list_that_was_drawn_stands_by_its_value(tmp_path):
    """The sampler draws a list by its name, `64x64`; the specification has the list."""
    _, found = built(tmp_path, SESSION, planned(config={"generator.hidden": "64x64", "penalty": "r1_1"}))
    assert set(found.trials["config.generator.hidden"]) == {"[64, 64]"}
    assert set(found.trials["config.penalty"]) == {"r1_1"}


def test_several_penalties_have_a_column_a_setting(tmp_path):
    several = [{"name": "r1", "weight": 2.0}, {"name": "r2", "every": 8}]
    _, found = built(tmp_path, SESSION, replace(planned(), spec={**SPEC, "penalty": several}))
    assert set(found.trials["penalty"]) == {"r1+r2"}
    assert set(found.trials["config.penalty.r1.weight"]) == {2.0}
    assert set(found.trials["config.penalty.r2.every"]) == {8}


def test_the_record_says_what_each_arm_searched(tmp_path):
    other = replace(planned(config={"penalty.bound": 0.1, "beta1": 0.5}), arm="clip")
    _, found = built(tmp_path, SESSION, planned(), planned(1), other)
    assert found.about["searched"] == {"hinge": ["generator_lr"], "clip": ["penalty.bound", "beta1"]}


def test_the_last_write_wins(tmp_path):
    again = result(100, fid=[7.0, 8.0])
    _, found = built(tmp_path, SESSION, planned(), result(100), result(200), again, ended(), ended(status="truncated"))
    assert found.history["fid"].tolist() == [7.0, 0.005, 8.0, 0.01]
    assert set(found.trials["status"]) == {"truncated"}


def test_what_comes_after_an_end_still_counts(tmp_path):
    _, found = built(tmp_path, SESSION, *trial(0), *trial(1), result(300), result(100, index=1, fid=[9.0, 9.0]))
    assert found.trials[["trial_id", "steps"]].drop_duplicates().set_index("trial_id")["steps"].to_dict() == {
        "search-hinge-0000": 300, "search-hinge-0001": 200
    }  # fmt: skip
    second = found.history[found.history["trial_id"] == "search-hinge-0001"]
    assert second["fid"].tolist() == [9.0, 0.005, 9.0, 0.01]


def test_an_ended_trial_planned_again_counts_from_there(tmp_path):
    failed = ended(status="failed", outcomes=["failed"] * 2, message="out of memory")
    again, *rest = trial(steps=(50,))
    later = replace(again, time=failed.time + 1)  # one of the same time is the first plan, read twice
    _, found = built(tmp_path, SESSION, planned(), result(100), failed, later, *rest)
    assert found.history["step"].tolist() == [50, 50]
    assert found.trials["status"].tolist() == ["completed"] * 2
    assert found.trials["message"].isna().all()


def test_a_study_under_way_is_written_too(tmp_path):
    with Ledger.open(tmp_path) as book:
        book.append(SESSION, FLOOR, *trial(0), planned(1), result(100, 1), planned(2))
        record.build_record(tmp_path)
        found = load(tmp_path)
        assert found.running
        assert found.trials["status"].tolist() == ["completed"] * 2 + ["running"] * 4
        assert found.trials["steps"].tolist() == [200, 200, 100, 100, 0, 0]
        assert found.trials["outcome"].isna().tolist() == [False] * 2 + [True] * 4
        assert found.trials["ended"].isna().tolist() == [False] * 2 + [True] * 4
        book.append(ended(1), *trial(2)[1:])
        record.build_record(tmp_path)
    assert not load(tmp_path).running


def test_a_study_in_which_nothing_happened_has_empty_tables(tmp_path):
    written, found = built(tmp_path, SESSION)
    assert (written.history, written.trials) == (0, 0)
    assert len(found.history) == len(found.trials) == 0
    with pytest.raises(FileNotFoundError, match="no study there"):
        record.build_record(tmp_path / "elsewhere")


def test_failed_and_diverged_trials(tmp_path):
    fell = result(200, 1, diverged=[True, False], diverged_step=[130, None], fid=[math.nan, 1.0])
    entries = [
        *[planned(0), ended(0, "failed", [], "RuntimeError: boom")],
        *[planned(1), fell, ended(1, outcomes=[])],
    ]
    _, found = built(tmp_path, SESSION, *entries)
    trials = found.trials
    assert trials["outcome"].tolist()[:3] == ["failed", "failed", "diverged"]
    assert trials["outcome"].isna().tolist() == [False] * 3 + [True]  # without a floor, nearness cannot be told
    assert trials["message"].tolist()[0] == "RuntimeError: boom"
    assert trials["diverged_step"].tolist()[2] == 130
    assert trials["diverged_step"].isna().tolist() == [True, True, False, True]
    assert found.history["diverged"].tolist() == [True, False]


def test_the_step_of_a_divergence_that_was_not_reported_is_its_first_evaluation(tmp_path):
    flags = [result(step, diverged=[step > 100, False], diverged_step=[None, None]) for step in (100, 200, 300)]
    _, found = built(tmp_path, SESSION, planned(), *flags, ended())
    assert found.trials["diverged_step"].iloc[0] == 200


def test_a_ledger_that_contradicts_itself_on_a_divergence_has_a_record_that_does_not(tmp_path):
    flags = [result(step, diverged=[step == 200, False], diverged_step=[None, None]) for step in (100, 200, 300)]
    late = result(400, diverged=[True, False], diverged_step=[50, None])
    _, found = built(tmp_path, SESSION, planned(), *flags, late, ended())
    assert found.trials["diverged_step"].iloc[0] == 200
    assert found.history["diverged"].tolist() == [False, True, True, True] + [False] * 4

    early = result(200, 1, diverged=[True, False], diverged_step=[50, None])
    _, found = built(tmp_path, planned(1), result(100, 1), early, ended(1))
    assert found.trials["diverged_step"].iloc[2] == 50
    assert found.history["diverged"].tolist()[8:] == [True, True, False, False]


def test_a_trial_that_diverged_did_so_where_its_last_evaluation_is_lost(tmp_path):
    """Every replica had diverged, but that evaluation's line is gone: when is not known, and that it did is."""
    counts = {"modes": [None, 1.0], "mode_histogram": [None, [9, 0, 0, 0]]}
    fell = {"diverged": [True, False], "diverged_step": [70, None], **counts}
    one, other = (result(100, index, **fell) for index in (0, 1))
    _, found = built(tmp_path, SESSION, planned(), one, ended(0, "diverged", []), planned(1), other, ended(1))
    assert found.trials["outcome"].tolist() == ["diverged", "diverged", "diverged", "collapsed"]
    assert found.trials["diverged_step"].isna().tolist() == [False, True, False, True]
    assert judge_record(found)["outcome"].tolist() == found.trials["outcome"].tolist()


def test_null_is_what_was_not_measured_and_nan_what_is_not_a_number(tmp_path):
    built(tmp_path, SESSION, planned(), result(100, fid=[math.nan, math.inf], kid=[None, 1.0]), ended())
    columns = pq.read_table(tmp_path / "history.parquet")
    assert [str(value) for value in columns["fid"].to_pylist()] == ["nan", "inf"]
    assert columns["kid"].to_pylist() == [None, 1.0]
    assert columns["precision"].to_pylist() == [None, None]


def test_derived_measurements_and_verdicts_are_those_of_analysis(tmp_path):
    generator = np.random.default_rng(0)
    counts = generator.multinomial(500, [0.25] * 4, size=(6, 2))
    results = [
        result(step, modes=[4, 1], modes_held=[4, 1], modes_covered=[4, 1], mode_histogram=counts[at].tolist(),
               fid=[0.01, 1.0 + at % 2])
        for at, step in enumerate(range(100, 700, 100))
    ]  # fmt: skip
    _, found = built(tmp_path, SESSION, FLOOR, planned(), *results, ended(outcomes=[]))
    np.testing.assert_allclose(found.history["hop"], np.concatenate([hops(counts[:, 0]), hops(counts[:, 1])]))
    assert found.history["mode_fraction"].tolist() == [1.0] * 6 + [0.25] * 6
    assert found.history["held_fraction"].tolist() == found.history["mode_fraction"].tolist()
    assert found.history["covered_fraction"].tolist() == found.history["mode_fraction"].tolist()
    assert found.history["mode_histogram"].iloc[7] == counts[1, 1].tolist()
    judged = judge_record(found)
    for name in ("outcome", *SHOWN):
        assert found.trials[name].tolist() == judged[name].tolist()
    assert found.trials[["held", "near"]].values.tolist() == [[1.0, 1.0], [0.25, 0.0]]
    assert found.trials["swing"].tolist() == pytest.approx([1, (2 - 0.002) / (1 + 0.002)])
    assert found.trials["outcome"].tolist() == ["converged", "collapsed"]
    assert found.trials["mode_fraction"].tolist() == [1.0, 0.25]


def test_thresholds_come_from_the_configuration(tmp_path):
    strict = replace(SESSION, config={"study": "rings", "outcomes": {"factor": 2.0}})
    steps = [result(step, fid=[0.02, 0.025]) for step in (100, 200, 300)]
    _, found = built(tmp_path / "strict", strict, FLOOR, planned(), *steps, ended(outcomes=[]))
    assert found.trials["outcome"].tolist() == ["converged", "stalled"]
    _, found = built(tmp_path / "default", SESSION, FLOOR, planned(), *steps, ended(outcomes=[]))
    assert found.trials["outcome"].tolist() == ["converged", "converged"]


@pytest.mark.parametrize("outcomes", [{}, {"metric": None}, asdict(Thresholds()), dict.fromkeys(EARLIER, 0.5)])
def test_the_ledgers_configuration_is_the_records_whichever_rule_it_is_of(tmp_path, outcomes, caplog):
    session = replace(SESSION, config={"study": "rings", "outcomes": outcomes})
    _, found = built(tmp_path, session, FLOOR, *trial())
    assert found.about["config"] == session.config
    assert caplog.text == ""
    assert judged_by_earlier_rule(found.about) == ("oscillation" in outcomes)


def test_a_study_begun_under_the_earlier_rule_and_resumed_under_this_one_is_known_to_be(tmp_path):
    begun = replace(SESSION, config={"study": "rings", "outcomes": dict.fromkeys(EARLIER, 0.5)})
    resumed = replace(SESSION, config={"study": "rings", "outcomes": asdict(Thresholds())})
    _, found = built(tmp_path / "resumed", begun, FLOOR, planned(), resumed, *trial()[1:])
    assert found.about["config"] == resumed.config
    assert judged_by_earlier_rule(found.about)
    odd = replace(SESSION, config={"study": "rings", "outcomes": sorted(EARLIER)})
    assert not judged_by_earlier_rule(built(tmp_path / "odd", odd, FLOOR, *trial())[1].about)


@pytest.mark.parametrize("said", [("vanished", "oscillating"), ("converged", "collapsed"), ()])
def test_outcomes_are_judged_afresh_whatever_was_said_when_the_trial_ended(tmp_path, said):
    earlier = replace(SESSION, config={"study": "rings", "outcomes": dict.fromkeys(EARLIER, 0.5)})
    steps = [result(step, fid=[0.02, 0.05]) for step in range(100, 700, 100)]
    _, found = built(tmp_path, earlier, FLOOR, planned(), *steps, ended(outcomes=said))
    assert found.trials["outcome"].tolist() == ["converged", "stalled"]
    assert found.trials["near"].tolist() == [1.0, 0.0]


def test_measurements_without_a_column_are_named_and_left_out(tmp_path, caplog):
    written, found = built(tmp_path, SESSION, planned(), result(100, sharpness=[1.0, 2.0], beauty=[3, 4]), ended())
    assert written.undeclared == ("beauty", "sharpness")
    assert "does not declare are left out: ('beauty', 'sharpness')" in caplog.text
    assert found.about["undeclared"] == ["beauty", "sharpness"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": {"kid": ["a", "b"]}}, r"columns.kid: expected numbers, got \['a', 'b'\]"),
        ({"seeds": [2**64, 1]}, "seeds: expected different whole numbers"),
    ],
)
def test_a_value_that_is_no_measurement_costs_its_line_and_is_named(tmp_path, change, message):
    with Ledger.open(tmp_path) as book:
        book.append(SESSION, *trial(0))
    strange = json.dumps({**to_json(result(300)), **change}).encode()
    with (tmp_path / "ledger/0001.jsonl").open("ab") as file:
        file.write(b"%08x %s\n" % (zlib.crc32(strange), strange))
    written = record.build_record(tmp_path)
    [place] = written.damage.places
    assert re.fullmatch(rf"0001.jsonl, line 6: {message}.* \(it names search-hinge-0000\)", str(place))
    assert (written.history, written.trials, load(tmp_path).about["damaged"]) == (4, 2, 1)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            TrialState("search", "hinge", 0, 0, 0, "search-hinge-0000", [2**64, 1]),
            "trial search-hinge-0000: column seed",
        ),
        (
            TrialState("search", "hinge", 0, 0, 0, "search-hinge-0000", [1], spec={"model": 3}),
            "trial search-hinge-0000: column model: .*got a 'int' object",
        ),
    ],
)
def test_a_value_that_does_not_fit_its_column_is_named(state, message):
    with pytest.raises(ValueError, match=message):
        TrialColumns(state, "rings", RealScores(), Thresholds()).summary(StudyState(), {}, {})


def test_damaged_lines_are_counted_and_cost_no_more_than_themselves(tmp_path):
    with Ledger.open(tmp_path) as book:
        for entry in (SESSION, *trial(0), *trial(1)):
            book.append(entry)
    path = tmp_path / "ledger/0001.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    for plan in (1, 5):
        lines[plan] = b"0" + lines[plan][1:] if lines[plan][:1] != b"0" else b"1" + lines[plan][1:]
    path.write_bytes(b"".join(lines))
    written = record.build_record(tmp_path)
    assert written[:2] == (8, 4)
    assert [str(place) for place in written.damage.places] == [
        f"0001.jsonl, line {line}: torn, or its checksum does not fit (it names search-hinge-000{index})"
        for index, line in enumerate((2, 6))
    ]
    assert load(tmp_path).trials["objective"].isna().all()


@pytest.mark.parametrize("room", [0, 5000])
def test_a_build_that_fails_leaves_the_former_record(tmp_path, room):
    _, former = built(tmp_path, SESSION, *trial(0))
    with Ledger.open(tmp_path) as book:
        book.append(*trial(1))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            record.build_record(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert load(tmp_path).about == former.about
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.parquet", "ledger", "trials.parquet"]
    assert record.build_record(tmp_path).trials == 4


def test_a_pair_that_a_kill_parted_is_refused_and_mended_by_the_next_build(tmp_path, monkeypatch):
    built(tmp_path, SESSION, *trial(0))
    replace = record.Path.replace

    def killed(self, target):
        if target.name == "trials.parquet":
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(record.Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            record.build_record(tmp_path)
    with pytest.raises(RecordError, match="different builds"):
        load(tmp_path)
    record.build_record(tmp_path)
    assert len(load(tmp_path).trials) == 2


def test_files_are_synced_before_they_are_renamed(tmp_path, monkeypatch):
    with Ledger.open(tmp_path) as book:
        book.append(SESSION, *trial(0))
    events, fsync, replace = [], os.fsync, record.Path.replace

    def synced(file):
        events.append(os.readlink(f"/proc/self/fd/{file}"))
        fsync(file)

    def renamed(self, target):
        events.append(f"rename {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(record.Path, "replace", renamed)
    record.build_record(tmp_path)
    random_part = re.compile(r"[0-9a-f]{12}")
    assert [random_part.sub("*", event.removeprefix(f"{tmp_path}/")) for event in events] == [
        ".history.parquet.*.partial", ".trials.parquet.*.partial", "rename history.parquet", "rename trials.parquet",
        str(tmp_path),
    ]  # fmt: skip


def test_what_a_killed_build_left_goes_with_the_next(tmp_path):
    built(tmp_path, SESSION, *trial(0))
    for name in (".history.parquet.partial", ".trials.parquet.0123456789ab.partial"):
        (tmp_path / name).write_bytes(b"PAR1")
    record.build_record(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.parquet", "ledger", "trials.parquet"]


def test_the_record_ends_where_the_ledger_ended_when_it_began(tmp_path, monkeypatch):
    """A trial planned meanwhile, with a configuration column of its own, waits for the next build."""
    with Ledger.open(tmp_path) as book:
        book.append(SESSION, *trial(0))
        outline = record.outline_of
        late = planned(1, config={"new": 1})
        monkeypatch.setattr(record, "outline_of", lambda *given: (outline(*given), book.append(late))[0])
        assert record.build_record(tmp_path).trials == 2
        assert record.build_record(tmp_path).trials == 4
    assert "config.new" in load(tmp_path).trials


def test_builds_wait_for_each_other(tmp_path, monkeypatch):
    built(tmp_path, SESSION, *trial(0))
    lock = lock_file(tmp_path / "ledger" / "record.lock", 0)
    threading.Timer(0.3, os.close, [lock]).start()
    assert record.build_record(tmp_path).trials == 2
    lock = lock_file(tmp_path / "ledger" / "record.lock", 0)
    monkeypatch.setattr(record, "BUILDING", 0.0)
    with pytest.raises(BlockingIOError) as busy:
        record.build_record(tmp_path)
    assert busy.value.errno == errno.EAGAIN
    os.close(lock)


def test_counts_of_another_number_of_modes_than_before_are_damaged(tmp_path):
    one, other = result(100, mode_histogram=[[5, 5], None]), result(200, mode_histogram=[None, [3, 3, 4]])
    written, found = built(tmp_path, SESSION, planned(), one, other, ended())
    assert "columns.mode_histogram: expected counts of 2 modes, got 3" in written.damage.sentence()
    assert found.history["step"].tolist() == [100, 100]


def test_more_modes_than_a_trials_counts_are_of_are_damaged_and_named(tmp_path):
    counted = result(200, mode_histogram=[[5, 5], None], modes=[2.0, math.nan])
    written, found = built(tmp_path, SESSION, planned(), counted, result(300, modes_held=[1.0, 3.0]), ended())
    assert "columns.modes_held: expected at most the trial's 2 modes, got more" in written.damage.sentence()
    assert found.history["step"].tolist() == [200, 200]


def test_more_modes_than_a_trials_later_counts_are_of_are_left_out_and_said(tmp_path):
    plan = about("planned", config={}, spec=SPEC | {"steps": 200, "evaluations": 2}, seeds=[1, 2])
    early, counted = result(100, modes=[3.0, None]), result(200, mode_histogram=[[5, 5], None], modes=[2.0, None])
    written, found = built(tmp_path, SESSION, plan, early, counted, ended())
    assert written.lacking == ("search-hinge-0000: what was measured at step 100 is not in the ledger",)
    assert found.history["step"].tolist() == [200, 200]


def test_the_record_says_by_which_meanings_its_trials_were_trained(tmp_path, monkeypatch):
    touched = Change("hinge is doubled", "it was half of itself", lambda spec: spec.objective["name"] == "hinge")
    others = Change("kl is doubled", "it was half of itself", lambda spec: spec.objective["name"] == "kl")
    monkeypatch.setattr("study.ledger.meaning.CHANGES", (touched, others))
    whole = Spec.from_dict(SPEC | {"steps": 200, "evaluations": 2, "batch_size": 8}).to_dict()

    def said(name, *entries):
        plan = about("planned", config={}, spec=whole, seeds=[1, 2])
        _, found = built(tmp_path / name, *entries, plan, result(100), result(200), ended())
        return found.about["trained_since"]

    later = replace(SESSION, changes=[touched.name, others.name])
    assert said("before", SESSION) == {"hinge is doubled": False}
    assert said("since", later) == {"hinge is doubled": True}
    assert said("unknown") == {}
    assert said("both", SESSION, *trial(3), planned(4), later) == {"hinge is doubled": True}  # theirs are of no Spec
    again = about("planned", index=1, config={}, spec=whole, seeds=[1, 2])
    assert said("gone-on-with", SESSION, again, result(100, 1), later) == {"hinge is doubled": False}


def test_the_metadata_is_json(tmp_path):
    built(tmp_path, SESSION, *trial(0))
    for name in ("history.parquet", "trials.parquet"):
        assert json.loads(pq.read_metadata(tmp_path / name).metadata[schema.METADATA])["study"] == "rings"


def test_an_evaluation_that_is_gone_is_named_and_mode_mass_does_not_hop_across_its_gap(tmp_path):
    counts = {10: [[9, 1], [5, 5]], 20: [[9, 1], [5, 5]], 40: [[1, 9], [5, 5]]}  # at 30, unknown
    plan = about("planned", config={}, spec=SPEC | {"steps": 40, "evaluations": 4}, seeds=[1, 2])
    results = [result(step, mode_histogram=[*rows]) for step, rows in counts.items()]
    written, found = built(tmp_path, SESSION, plan, *results, ended())
    [said] = found.about["lacking"]
    assert written.lacking == (said,)
    assert said == "search-hinge-0000: what was measured at step 30 is not in the ledger"
    assert found.history["hop"].isna().tolist() == [True, False, True] * 2
