import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.record.join import join, studies_of
from analysis.record.loading import Record, RecordError, _frame
from analysis.record.schema import ARROW
from analysis.results.compare import outcomes
from analysis.results.criteria import thresholds_of
from analysis.results.selection import select
from analysis.results.thresholds import Thresholds


def record(study, arm="hinge", outcomes=None, **config):
    """A confirmed trial of two replicas, one of them diverged."""
    keys = {"study": study, "phase": "confirm", "arm": arm, "repeat": 0, "trial_id": f"confirm-{arm}-0000"}
    history = pd.DataFrame([{**keys, "seed": seed, "step": 100, "fid": 1.0} for seed in (1, 2)])
    rows = [
        {**keys, "index": 0, "seed": seed, "status": "completed", "outcome": outcome, "diverged_step": step,
         **{f"config.{name}": value for name, value in config.items()}}
        for seed, outcome, step in ((1, "converged", None), (2, "diverged", 50))
    ]  # fmt: skip
    trials = pd.DataFrame(rows).astype({"diverged_step": "Int64"})
    texts = ["study", "phase", "arm", "trial_id"]
    about = {"study": study, "config": {"study": study, "outcomes": outcomes or {}}}
    return Record(
        history.astype(dict.fromkeys(texts, "category")), trials.astype(dict.fromkeys(texts, "category")), about
    )


def test_studies_are_stacked_and_their_arms_told_apart():
    found = join([record("rings", beta1=0.5), record("grids", beta1=0.9), record("rows", "minimax", beta1=0.0)])
    assert len(found.history) == len(found.trials) == 6
    assert found.trials["study"].tolist() == ["rings"] * 2 + ["grids"] * 2 + ["rows"] * 2
    assert found.trials["study"].dtype == "category"
    assert found.trials["diverged_step"].dtype == "Int64"
    assert found.trials["config.beta1"].tolist() == [0.5, 0.5, 0.9, 0.9, 0.0, 0.0]
    assert [about["study"] for about in found.about["joined"]] == ["rings", "grids", "rows"]
    assert [one.arm for one in outcomes(select(found, "confirm"))] == ["rings/hinge", "grids/hinge", "rows/minimax"]
    for table in (found.history, found.trials):
        assert list(table["arm"].unique()) == ["rings/hinge", "grids/hinge", "rows/minimax"]
        assert table["trial_id"].iloc[2] == "grids/confirm-hinge-0000"
        assert table["arm"].dtype == "category"
        assert table["trial_id"].dtype == "category"
    assert not found.running


def test_an_arm_has_one_name_in_all_phases_of_a_join():
    rings, grids = record("rings"), record("grids")
    tables = (table.assign(phase=pd.Categorical(["search"] * 2)) for table in (grids.history, grids.trials))
    search = Record(*tables, grids.about)
    found = join([rings, search])
    names = [one.arm for phase in ("search", "confirm") for one in outcomes(select(found, phase))]
    assert names == ["grids/hinge", "rings/hinge"]


def test_own_measurements_that_a_study_lacks_are_null():
    one = record("rings")
    rings = Record(one.history.assign(**{"own.blur": 1.0}), one.trials.assign(**{"own.blur": 2.0}), one.about)
    found = join([rings, record("grids")])
    assert found.history["own.blur"].tolist()[:2] == [1.0, 1.0]
    assert found.trials["own.blur"].isna().tolist() == [False, False, True, True]


def test_every_study_keeps_its_own_floor_by_which_its_replicas_are_judged():
    def floored(study, fid):
        one = record(study)
        return Record(one.history, one.trials.assign(**{"floor.fid": fid, "floor.kid": 0.5}), one.about)

    found = join([floored("rings", 0.1), floored("grids", 0.2)])
    assert found.trials["floor.fid"].tolist() == [0.1, 0.1, 0.2, 0.2]
    assert found.trials["floor.kid"].tolist() == [0.5] * 4


def test_joins_join_and_one_is_itself():
    one, two, three = record("rings"), record("grids"), record("rows")
    assert join([one]) is one
    thrice = join([join([one, two]), three])
    assert len(thrice.about["joined"]) == 3
    assert thrice.trials["arm"].tolist()[::2] == ["rings/hinge", "grids/hinge", "rows/hinge"]
    assert [about["study"] for about in studies_of(thrice.about)] == ["rings", "grids", "rows"]
    assert studies_of(one.about) == [one.about]


def test_a_setting_that_a_study_lacks_is_null_in_its_rows():
    rings, grids = record("rings", modes=8, std=0.5, name="ring"), record("grids", beta1=0.5, std=1)
    rings.trials["config.name"] = rings.trials["config.name"].astype("category")
    for found in (join([rings, grids]).trials, join([rings, grids, record("rows", modes=9)]).trials[:4]):
        assert found["config.modes"].dtype == "Int64"
        assert found["config.modes"].tolist() == [8, 8, pd.NA, pd.NA]
        assert found["config.std"].tolist() == [0.5, 0.5, 1, 1]
        assert found["config.beta1"].dtype == "float64"
        assert found["config.beta1"].isna().tolist() == [True, True, False, False]
        assert found["config.name"].dtype == "category"
        assert found["config.name"].tolist()[:2] == ["ring"] * 2
        assert found["study"].tolist() == ["rings"] * 2 + ["grids"] * 2
        assert found.loc[3, "trial_id"] == "grids/confirm-hinge-0000"


def test_a_setting_of_two_kinds_keeps_its_values():
    found = join([record("rings", weight=0.5, ema=True), record("grids", weight="[1, 2]"), record("rows", ema=False)])
    assert found.trials["config.weight"].tolist()[:4] == [0.5, 0.5, "[1, 2]", "[1, 2]"]
    assert found.trials["config.weight"].isna().tolist()[4:] == [True, True]
    assert found.trials["config.ema"].dtype == "boolean"
    nothing = join([record("rings", weight=None), record("grids")])
    assert nothing.trials["config.weight"].isna().all()


SETTINGS = {  # the kinds of a `config.*` column, with values of each
    "int64": st.integers(0, 9),
    "float64": st.floats(0, 1),
    "bool": st.booleans(),
    "category": st.sampled_from(["folders", "[1, 2]"]),
}
COLUMNS = st.none() | st.sampled_from(sorted(SETTINGS)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(st.none() | SETTINGS[kind], min_size=2, max_size=2))
)


@given(st.lists(COLUMNS, min_size=2, max_size=3))
@example([("category", [None, None]), ("category", ["folders", "[1, 2]"])])
@example([("category", ["folders", None]), ("category", [None, None]), None])
def test_a_setting_keeps_its_values_whatever_kinds_it_is_of_in_the_studies(columns):
    """None: the study lacks the setting."""
    records, expected = [], []
    for number, column in enumerate(columns):
        one = record(f"study{number}")
        if column is not None:
            kind, values = column
            read = _frame(pa.table({"config.labels": pa.array(values, pa.string() if kind == "category" else None)
                                    .cast(ARROW[kind])}))  # fmt: skip
            one = Record(one.history, one.trials.assign(**{"config.labels": read["config.labels"]}), one.about)
        records.append(one)
        expected += [None, None] if column is None else column[1]
    found = join(records).trials
    if all(column is None for column in columns):
        assert "config.labels" not in found
        return
    assert [None if pd.isna(value) else value for value in found["config.labels"]] == expected


def test_studies_join_of_which_one_has_no_outcome_yet():
    rings, grids = record("rings"), record("grids", outcomes=None)
    begun = _frame(pa.table({"outcome": pa.nulls(2, ARROW["category"])}))["outcome"]
    rings = Record(rings.history, rings.trials.astype({"outcome": "category"}), rings.about)
    grids = Record(grids.history, grids.trials.assign(outcome=begun), grids.about)
    for found in (join([rings, grids]), join([grids, rings])):
        assert found.trials.loc[found.trials["study"] == "rings", "outcome"].tolist() == ["converged", "diverged"]
        assert found.trials.loc[found.trials["study"] == "grids", "outcome"].isna().all()


def test_columns_that_differ_are_named_with_their_studies():
    odd = record("grids")
    odd = Record(odd.history.astype({"fid": "int64"}), odd.trials.drop(columns="status"), odd.about)
    with pytest.raises(
        RecordError, match=r"history\.parquet differs between studies: column fid is float64 in rings, int"
    ):
        join([record("rings"), odd])
    odd = Record(record("rings").history, odd.trials, odd.about)
    with pytest.raises(
        RecordError, match=r"trials\.parquet differs between studies: column status is missing in grids"
    ):
        join([record("rings"), odd])


def test_a_measurement_left_out_of_one_history_is_named():
    short = record("grids")
    short = Record(short.history.drop(columns="fid"), short.trials, short.about)
    with pytest.raises(RecordError, match=r"history\.parquet differs between studies: column fid is missing in grids"):
        join([record("rings"), short])


def test_a_study_that_stands_twice_and_nothing_at_all_are_refused():
    with pytest.raises(RecordError, match="join: studies that stand twice: rings; give each a name of its own"):
        join([record("rings"), record("rings")])
    with pytest.raises(RecordError, match="join: expected at least one record, got none"):
        join([])


def test_the_thresholds_of_joined_studies_must_agree():
    strict = {"modes": 0.9}
    assert thresholds_of(
        join([record("rings", outcomes=strict), record("grids", outcomes=strict)]).about
    ) == Thresholds(modes=0.9)
    with pytest.raises(
        RecordError, match=r"outcomes\.modes: the joined studies differ, \[0\.75, 0\.9\]; report each alone"
    ):
        thresholds_of(join([record("rings", outcomes=strict), record("grids")]).about)
    assert thresholds_of(record("rings").about) == Thresholds()
