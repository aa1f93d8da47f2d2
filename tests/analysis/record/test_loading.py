import errno
import json
import math
import os
import re
import time
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.record import schema
from analysis.record.curves import curves
from analysis.record.loading import RecordError, load
from analysis.record.schema import HISTORY

TRIAL_IDS, SEEDS, STEPS = ("search-hinge-0000", "search-hinge-0001"), (1, 2), (100, 200)


def column(kind, values):
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)


def arrow(declared, rows, about):
    found = [column(field.type, [row.get(field.name) for row in rows]) for field in declared]
    return pa.table(found, schema=declared).replace_schema_metadata({schema.METADATA: json.dumps(about)})


def history_rows():
    keys = {
        "study": "rings",
        "phase": "search",
        "arm": "hinge",
        "repeat": 0,
        "model": "gan",
        "wall_time": 1.0,
        "diverged": False,
    }
    return [
        {**keys, "trial_id": trial, "seed": seed, "step": step, "fid": seed + step / 1000, "mode_histogram": [1, step]}
        for trial in TRIAL_IDS
        for seed in SEEDS
        for step in STEPS
    ]


def trials_rows():
    keys = {
        "study": "rings",
        "phase": "search",
        "arm": "hinge",
        "repeat": 0,
        "status": "completed",
        "outcome": "converged",
    }
    return [
        {**keys, "index": index, "trial_id": trial, "seed": seed, "started": 1_700_000_000_000_000, "steps": 200,
         "wall_time": 1.0, "config.beta1": 0.5, "config.critic_steps": 2, "floor.fid": 0.01, "fid": seed + 0.2}
        for index, trial in enumerate(TRIAL_IDS)
        for seed in SEEDS
    ]  # fmt: skip


CONFIG = {"beta1": "float64", "critic_steps": "int64"}


def write(folder, history=None, trials=None, builds=("a", "a")):
    history = history_rows() if history is None else history
    trials = trials_rows() if trials is None else trials
    pq.write_table(arrow(schema.history_schema(), history, {"build": builds[0]}), folder / "history.parquet")
    about = {"build": builds[1], "study": "rings"}
    pq.write_table(arrow(schema.trials_schema(CONFIG), trials, about), folder / "trials.parquet")
    return folder


def rewrite(path, change):
    old = pq.read_table(path)
    pq.write_table(change(old).replace_schema_metadata(old.schema.metadata), path)


def test_load_gives_both_tables_typed(tmp_path):
    record = load(write(tmp_path))
    assert record.about == {"build": "a", "study": "rings"}
    assert record.history.columns.tolist() == [item.name for item in HISTORY]
    assert record.history["fid"].tolist()[:4] == [1.1, 1.2, 2.1, 2.2]
    assert isinstance(record.history["arm"].dtype, pd.CategoricalDtype)
    assert record.history["seed"].dtype == np.int64
    assert record.history["diverged"].dtype == bool
    assert list(record.history["mode_histogram"].iloc[0]) == [1, 100]
    assert record.trials["diverged_step"].dtype == pd.Int64Dtype()
    assert record.trials["config.critic_steps"].tolist() == [2] * 4
    assert str(record.trials["started"].dt.tz) == "UTC"
    assert record.trials["outcome"].value_counts().to_dict() == {"converged": 4}
    assert not record.running


def test_columns_can_be_chosen(tmp_path):
    write(tmp_path)
    assert load(tmp_path, ["fid"]).history.columns.tolist() == [*schema.HISTORY_KEYS, "fid"]
    with pytest.raises(RecordError, match=r"analysis\.record\.schema declares no column\(s\) fidd"):
        load(tmp_path, ["fidd"])


def test_own_measurements_are_read_where_they_are(tmp_path):
    write(tmp_path)
    values = pa.array([float(i) for i in range(8)])
    rewrite(tmp_path / "history.parquet", lambda t: t.append_column("own.blur", values))
    assert load(tmp_path).history["own.blur"].tolist() == values.to_pylist()
    found = load(tmp_path, ["fid", "own.blur", "own.elsewhere"]).history
    assert found.columns.tolist() == [*schema.HISTORY_KEYS, "fid", "own.blur"]


def test_running_trials_show(tmp_path):
    rows = [{**row, "status": "running", "outcome": None, "steps": 0} for row in trials_rows()]
    record = load(write(tmp_path, history=[], trials=rows))
    assert record.running
    assert record.trials["outcome"].isna().all()
    assert len(record.history) == 0


@pytest.mark.parametrize("name", ["history.parquet", "trials.parquet"])
def test_a_missing_file_is_named(tmp_path, name):
    write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{tmp_path}/{name}: no record there"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("history", lambda t: t.drop_columns(["step", "diverged"]),
         r"history.parquet: lacks the column\(s\) step, diverged"),
        ("trials", lambda t: t.drop_columns(["status"]), r"trials.parquet: lacks the column\(s\) status"),
        ("history", lambda t: t.append_column("fjd", pa.nulls(8, pa.float64())), "does not declare: fjd"),
        ("history", lambda t: t.set_column(t.schema.names.index("seed"), "seed", t["seed"].cast(pa.int32())),
         "history.parquet: column seed: expected int64, got int32"),
        ("trials", lambda t: t.append_column("floor.own.blur", pa.nulls(4, pa.string())),
         "trials.parquet: column floor.own.blur: expected double, got string"),
        ("trials", lambda t: t.append_column("config.steps", pa.array(["many"] * 4).dictionary_encode()),
         "trials.parquet: column config.steps: expected one of int64, float64, got dictionary<"),
        ("trials", lambda t: t.append_column("config.hidden", pa.array([[1]] * 4)),
         "trials.parquet: column config.hidden: expected one of int64, float64, bool, category, got list<"),
        ("trials", lambda t: t.set_column(t.schema.names.index("ended"), "ended", pa.nulls(4, pa.string())),
         r"trials.parquet: column ended: expected timestamp\[us, tz=UTC\], got string"),
    ],
)  # fmt: skip
def test_columns_that_are_not_as_declared_are_named(tmp_path, file, change, message):
    write(tmp_path)
    rewrite(tmp_path / f"{file}.parquet", change)
    with pytest.raises(RecordError, match=message):
        load(tmp_path)


def test_what_an_earlier_version_did_not_measure_is_null(tmp_path):
    write(tmp_path)
    rewrite(tmp_path / "history.parquet", lambda t: t.drop_columns(["mass_js", "modes_held"]))
    rewrite(tmp_path / "trials.parquet", lambda t: t.drop_columns(["mass_js", "floor.mass_js", "floor_spread.fid"]))
    record = load(tmp_path)
    assert record.history.columns.tolist() == [item.name for item in HISTORY]
    assert record.history["mass_js"].isna().all()
    assert record.history["mass_js"].dtype == np.float64
    assert record.history["fid"].notna().all()
    assert {"mass_js", "floor.mass_js", "floor_spread.fid", "config.beta1"} <= set(record.trials)
    assert record.trials["floor_spread.fid"].isna().all()
    assert load(tmp_path, ["mass_js"]).history.columns.tolist() == [*schema.HISTORY_KEYS, "mass_js"]


def test_a_record_from_before_searches_were_repeated_holds_one_search(tmp_path):
    write(tmp_path)
    for name in schema.FILES:
        rewrite(tmp_path / name, lambda t: t.drop_columns(["repeat"]))
    record = load(tmp_path)
    for table in (record.history, record.trials, load(tmp_path, []).history):
        assert table["repeat"].dtype == np.int64
        assert set(table["repeat"]) == {0}
    assert curves(record.history, ["fid"])[0]["repeat"].tolist() == [0] * 4


def test_two_trials_of_one_number_are_named(tmp_path):
    rows = [{**row, "index": 0} for row in trials_rows()]
    with pytest.raises(RecordError, match=r"trials\.parquet: index: expected another for every trial of an arm, got"):
        load(write(tmp_path, trials=rows))


def test_rows_that_stand_twice_are_named(tmp_path):
    rows = history_rows()
    with pytest.raises(
        RecordError, match=r"2 row\(s\) stand twice: .*0000, seed 1, step 200; .*0001, seed 2, step 100"
    ):
        load(write(tmp_path, history=[*rows, rows[1], rows[6]]))
    with pytest.raises(
        RecordError, match=r"trials.parquet: 1 row\(s\) stand twice: .*trial_id search-hinge-0001, seed 2"
    ):
        load(write(tmp_path, trials=[*trials_rows(), trials_rows()[3]]))


def test_the_same_trial_in_two_phases_is_no_duplicate(tmp_path):
    more = [{**row, "phase": "confirm"} for row in history_rows()]
    confirmed = [{**row, "phase": "confirm"} for row in trials_rows()]
    assert len(load(write(tmp_path, history_rows() + more, trials_rows() + confirmed)).history) == 16


def test_a_null_key_is_named(tmp_path):
    write(tmp_path)

    def change(old):
        position = old.schema.names.index("seed")
        return old.set_column(position, "seed", pa.array([None, *old["seed"].to_pylist()[1:]], pa.int64()))

    rewrite(tmp_path / "history.parquet", change)
    with pytest.raises(RecordError, match=r"history.parquet: the key seed is null in 1 row\(s\)"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": "exploded"}, "outcome: expected one of converged, .*, vanished, got 'exploded'"),
        ({"status": "done"}, "status: expected one of completed, diverged, truncated, failed, running, got 'done'"),
        ({"status": "Completed "}, "status: expected one of completed, .*, got 'Completed '"),
        ({"phase": "final"}, "phase: expected one of search, confirm, got 'final'"),
        ({"outcome": "diverged"}, "outcome: expected another where there is no diverged_step, got"),
        ({"diverged_step": 150}, "outcome: expected diverged where there is a diverged_step, got"),
        ({"status": "running"}, "outcome: expected null while the trial is running, got"),
        ({"status": "failed"}, "outcome: expected the status, or diverged, of a trial cut short, got"),
        ({"outcome": "truncated"}, "outcome: expected another of a trial that was not cut short, got"),
        ({"near": 9.0}, "near: expected a number from 0 to 1, got"),
        ({"wall_time": -1.0}, "wall_time: expected a number >= 0, got"),
        ({"steps": -200}, "steps: expected a number >= 0, got"),
        ({"floor.high_quality": 1.2}, "floor.high_quality: expected a number from 0 to 1, got"),
        ({"floor_spread.fid": -0.1}, "floor_spread.fid: expected a number >= 0, got"),
    ],
)
def test_categories_that_there_are_not_and_contradictions_name_the_replica(tmp_path, change, message):
    rows = trials_rows()
    rows[3] = {**rows[3], **change}
    with pytest.raises(RecordError, match=rf"trials\.parquet: {message}.* trial_id search-hinge-0001, seed 2"):
        load(write(tmp_path, trials=rows))


@pytest.mark.parametrize(
    ("name", "got"),
    [
        *((name, got) for name in ("arm", "trial_id") for got in ("", "a\x1b[31m", "a\n")),
        *(("trial_id", got) for got in ("../../elsewhere", "/elsewhere", "..")),
    ],
)
def test_names_that_lead_elsewhere_or_command_a_terminal_are_refused(tmp_path, name, got):
    message = f"trials.parquet: {name}: expected a printable name that is no path, got {got!r}"
    with pytest.raises(RecordError, match=f"^{re.escape(message)}$"):
        load(write(tmp_path, trials=[*trials_rows()[:-1], trials_rows()[-1] | {name: got}]))


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "vanished"},  # of an earlier version
        {"outcome": None},  # it cannot be told
        {"outcome": "diverged", "diverged_step": 150},
        {"outcome": "diverged", "diverged_step": 150, "status": "truncated"},
        {"outcome": None, "diverged_step": 150, "status": "running"},
        {"outcome": "failed", "status": "failed"},
        {"outcome": "diverged", "status": "diverged"},  # the evaluation that would say when is lost
        {"near": 1 + 1e-9},
        {"near": math.nan},
    ],
)
def test_what_may_be_said_of_a_replica_loads(tmp_path, change):
    rows, evaluations = trials_rows(), history_rows()
    rows[3] = {**rows[3], **change}
    evaluations[7]["diverged"] = "diverged_step" in change
    if status := change.get("status"):  # of the whole trial
        rows[2] = {**rows[2], "status": status, "outcome": None if status == "running" else status}
    assert len(load(write(tmp_path, evaluations, rows)).trials) == 4


def test_a_trial_whose_every_replica_diverged_has_none_that_converged(tmp_path):
    rows = [{**row, "status": "diverged"} for row in trials_rows()]
    with pytest.raises(
        RecordError, match=r"outcome: expected diverged or null where all did, got .*, seed 1, outcome c"
    ):
        load(write(tmp_path, trials=rows))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step": -100}, "step: expected a number >= 0, got trial_id search-hinge-0001, seed 2, step -100"),
        ({"wall_time": -1.0}, "wall_time: expected a number >= 0, got .*, wall_time -1.0"),
        ({"precision": 9.0}, "precision: expected a number from 0 to 1, got .*, step 100, precision 9.0"),
        ({"modes": -1.0}, "modes: expected a number >= 0, got"),
        ({"mass_js": 0.7}, "mass_js: expected a number from 0 to 0.693147, got .*, step 100, mass_js 0.7"),
        ({"mode_js": -0.1}, "mode_js: expected a number from 0 to 0.693147, got"),
        ({"reverse_kl": -0.1}, "reverse_kl: expected a number >= 0, got"),
        ({"inception_score": 0.5}, "inception_score: expected a number >= 1, got"),
        ({"hop": 1.5}, "hop: expected a number from -1 to 1, got"),
        ({"modes_held": 2.5}, "modes_held: expected a whole number, got .*, seed 2, step 100, modes_held 2.5"),
        ({"modes": 3.0}, "modes: expected no more modes than the trial's counts are of, got .*, step 100, modes 3.0"),
        ({"modes_held": 3.0, "mode_histogram": None}, "modes_held: expected no more modes than .*, modes_held 3.0"),
        ({"mode_histogram": [1, 2, 3]}, "mode_histogram: expected as many counts at all evaluations of a trial, got"),
        ({"mode_histogram": [1, -2]}, "mode_histogram: expected counts >= 0, got .*0001, seed 2, step 100, mode_h"),
    ],
)
def test_measurements_that_cannot_be_are_named(tmp_path, change, message):
    rows = history_rows()
    rows[6] |= change
    with pytest.raises(RecordError, match=rf"history\.parquet: {message}"):
        load(write(tmp_path, history=rows))


@pytest.mark.parametrize("said", [5.0, None, math.nan, math.inf])
def test_a_final_value_that_the_last_evaluation_did_not_measure_is_refused(tmp_path, said):
    rows = trials_rows()
    rows[3]["fid"] = said
    message = (
        r"trials\.parquet: fid: expected what the last evaluation measured, got .*0001, seed 2, fid .*measured 2\.2$"
    )
    with pytest.raises(RecordError, match=message):
        load(write(tmp_path, trials=rows))
    assert len(load(tmp_path, []).trials) == 4  # where no measurement of the history is read


def test_a_table_larger_than_half_of_the_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    folder = write(tmp_path)
    table = pq.read_schema(folder / "trials.parquet")  # the larger of the two
    for memory, refused in ((2 * 8 * 4 * len(table), False), (2 * 8 * 4 * len(table) - 1, True)):
        monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": memory, "SC_PHYS_PAGES": 1}.__getitem__)
        message = (
            rf"trials\.parquet: expected a table that fits into half of the memory, got 4 rows of {len(table)} col"
        )
        with pytest.raises(RecordError, match=message) if refused else nullcontext():
            load(folder)


@pytest.mark.parametrize(("said", "read"), [(1e300, math.inf), (-1e300, -math.inf), (1e99, 1e99), (-0.5, -0.5)])
def test_a_number_whose_square_no_number_holds_is_infinite(tmp_path, said, read):
    evaluations, rows = history_rows(), trials_rows()
    evaluations[7]["kid"] = rows[3]["kid"] = said
    record = load(write(tmp_path, evaluations, rows))
    assert record.trials["kid"].iloc[3] == record.history["kid"].iloc[7] == read


def test_a_final_value_that_is_not_a_number_is_measured_as_such(tmp_path):
    evaluations, rows = history_rows(), trials_rows()
    evaluations[7]["fid"], rows[3]["fid"] = math.nan, None
    assert math.isnan(load(write(tmp_path, evaluations[::-1], rows)).trials["fid"].iloc[3])


@pytest.mark.parametrize(
    ("fell", "flags", "refused"),
    [
        (None, [False, False], None),
        (150, [False, True], None),
        (100, [True, True], None),
        (100, [False, True], None),  # as an early version counted steps
        (50, [False, True], "step 100, diverged False, diverged_step 50"),
        (150, [True, True], "step 100, diverged True, diverged_step 150"),
        (150, [False, False], "step 200, diverged False, diverged_step 150"),
        (None, [False, True], "step 200, diverged True, diverged_step"),
        (100, [True, False], "step 200, diverged False, diverged_step 100"),
    ],
)
def test_a_replica_has_diverged_from_its_step_on(tmp_path, fell, flags, refused):
    evaluations, rows = history_rows(), trials_rows()
    for row, flag in zip(evaluations[6:], flags, strict=True):
        row["diverged"] = flag
    rows[3] |= {"diverged_step": fell, "outcome": "converged" if fell is None else "diverged"}
    folder = write(tmp_path, evaluations, rows)
    if refused is None:
        assert len(load(folder).history) == 8
    else:
        message = r"diverged: expected it from the replica's diverged_step on, got .*0001, seed 2, " + refused
        with pytest.raises(RecordError, match=message):
            load(folder)
    assert "diverged" not in load(folder, ["fid"]).history  # which is not read where it is not asked for


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": "diverged", "diverged_step": -5}, "diverged_step: expected 0 to the replica's steps, got"),
        ({"outcome": "diverged", "diverged_step": 10**9}, "diverged_step: expected 0 to the replica's steps, got"),
        ({"status": "failed", "outcome": "failed"}, "status: expected one for all replicas of a trial, got"),
        ({"config.beta1": 0.6}, "config.beta1: expected one for all replicas of a trial, got"),
        ({"config.critic_steps": None}, "config.critic_steps: expected one for all replicas of a trial, got"),
        ({"swing": 0.5}, "swing: expected a number >= 1, got"),
    ],
)
def test_what_a_replica_cannot_have_is_refused(tmp_path, change, message):
    rows = trials_rows()
    rows[3] = {**rows[3], **change}
    with pytest.raises(RecordError, match=rf"trials\.parquet: {message} .*trial_id search-hinge-0001, seed 2"):
        load(write(tmp_path, trials=rows))


def test_missing_evaluations_are_named(tmp_path):
    rows = history_rows()
    with pytest.raises(RecordError, match="lacks evaluations of trial_id search-hinge-0000, seed 2, steps 200"):
        load(write(tmp_path, history=rows[:2] + rows[3:]))  # its first is lacking
    with pytest.raises(RecordError, match="lacks evaluations of trial_id search-hinge-0001, seed 2"):
        load(write(tmp_path, history=rows[:-1]))  # its last is lacking
    with pytest.raises(RecordError, match=r"lacks evaluations of .*0001, seed 1.*; .*0001, seed 2"):
        load(write(tmp_path, history=rows[:4]))  # all are lacking


def test_rows_of_unknown_replicas_are_named(tmp_path):
    with pytest.raises(RecordError, match=r"unknown to trials.parquet: trial_id search-hinge-0001, seed 2"):
        load(write(tmp_path, trials=trials_rows()[:-1]))


def test_many_wrong_rows_are_counted_and_not_all_shown(tmp_path):
    with pytest.raises(RecordError, match=r"8 row\(s\) stand twice: .*; .*; .* and 5 more$"):
        load(write(tmp_path, history=history_rows() * 2))


@pytest.mark.parametrize("kept", [0, 4, 200])
def test_a_file_that_is_cut_short_is_refused_by_name(tmp_path, kept):
    path = write(tmp_path) / "history.parquet"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(RecordError, match=r"history\.parquet: cannot be read \(.*\); build the record again from its"):
        load(tmp_path)


def test_a_file_that_this_user_cannot_read_is_refused_by_name(tmp_path, monkeypatch):
    def refused(path):
        raise PermissionError(errno.EACCES, f"Failed to open local file '{path}'. Detail: [errno 13] Permission denied")

    monkeypatch.setattr(pq, "ParquetFile", refused)
    with pytest.raises(RecordError, match=r"\.parquet: expected a file that this user can read, got one that it ca"):
        load(write(tmp_path))


def test_files_of_two_builds_are_refused(tmp_path):
    with pytest.raises(RecordError, match="of different builds; build them again"):
        load(write(tmp_path, builds=("a", "b")))


def test_a_large_record_loads_in_seconds(tmp_path):
    """10,000 trials × 8 replicas × 20 evaluations, with two measurements; every check included."""
    trials, replicas, evaluations = 10_000, 8, 20
    rows = trials * replicas * evaluations
    names = np.array([f"search-hinge-{index:04d}" for index in range(trials)])

    def filled(schema, count, values):
        found = []
        for field in schema:
            value = values.get(field.name)
            if value is None:
                found.append(pa.nulls(count, field.type))
            elif pa.types.is_dictionary(field.type):
                codes, words = value
                found.append(pa.DictionaryArray.from_arrays(np.asarray(codes, np.int32), pa.array(words, pa.string())))
            else:
                found.append(pa.array(value, field.type))
        return pa.table(found, schema=schema)

    def words(count):
        zeros = np.zeros(count, np.int32)
        return {"study": (zeros, ["s"]), "phase": (zeros, ["search"]), "arm": (zeros, ["hinge"]), "repeat": zeros}

    seeds = np.tile(np.repeat(np.arange(replicas), evaluations), trials)
    steps = np.tile(np.arange(1, evaluations + 1), trials * replicas)
    past = {"trial_id": (np.repeat(np.arange(trials), replicas * evaluations), names), "seed": seeds, "step": steps}
    past |= {"diverged": np.zeros(rows, bool), "fid": np.random.default_rng(0).random(rows), "hop": np.zeros(rows)}
    count = trials * replicas
    now = {"trial_id": (np.repeat(np.arange(trials), replicas), names), "seed": np.tile(np.arange(replicas), trials)}
    now |= {"index": np.repeat(np.arange(trials), replicas), "status": (np.zeros(count, np.int32), ["completed"])}
    now |= {"started": np.zeros(count, np.int64), "steps": np.full(count, evaluations)}
    now |= {name: past[name][evaluations - 1 :: evaluations] for name in ("fid", "hop")}
    pq.write_table(filled(schema.history_schema(), rows, words(rows) | past), tmp_path / "history.parquet")
    pq.write_table(filled(schema.trials_schema({}), count, words(count) | now), tmp_path / "trials.parquet")
    started = time.process_time()
    record = load(tmp_path)
    _, found = curves(record.history, ["fid", "hop"])
    assert time.process_time() - started < 15  # 3 s on an idle core; a second method of the wrong order takes minutes
    assert len(record.history) == rows
    assert found.steps.shape == (count, evaluations)


def test_the_package_itself_exposes_load():
    import analysis

    assert analysis.load is load
    with pytest.raises(AttributeError, match="module 'analysis' has no attribute 'save'"):
        analysis.save  # noqa: B018
