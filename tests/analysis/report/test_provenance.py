"""What is said of how studies differ that were joined, and of what was left out."""

from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import report
from analysis.report import provenance


def test_a_record_from_before_a_setting_does_not_differ_in_it():
    def said(*budgets):
        studies = [{"study": f"s{place}", "config": {"budget": one}} for place, one in enumerate(budgets)]
        return provenance.joining(SimpleNamespace(about={"joined": studies}))[-1]

    updates, samples = ({"name": "updates", "per_step": None}, {"name": "samples", "per_step": 64.0})
    assert "differ not in their arms alone" not in said({"steps": 10}, {"steps": 10, "equal": updates})
    assert "also in budget.equal: so may" in said({"steps": 10}, {"steps": 10, "equal": samples})


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ([True, False, True, None], "where s0 and s2 trained, and not where s1 did: arms that this touches differ"),
        ([False, True], "where s1 trained, and not where s0 did"),
        ([True, True], None),
        ([False, None], None),  # a study that it touches in nothing, or of an earlier record
    ],
)
def test_joined_studies_by_two_meanings_of_a_setting_are_said_to_be(known, said):
    studies = [
        {"study": f"s{place}", "config": {}} | ({} if one is None else {"trained_since": {"hinge is doubled": one}})
        for place, one in enumerate(known)
    ]
    [_, *rest] = provenance.joining(SimpleNamespace(about={"joined": studies}))
    if said is None:
        assert not rest
    else:
        assert rest[0].startswith(f"What a setting means has changed: hinge is doubled. So it was {said}")


@pytest.mark.usefixtures("undrawn")
def test_times_are_told_in_what_they_are_long_in(simulate, tmp_path, words):
    simulate(tmp_path, arms=("a", "b"), trials=2, replicas=2, confirm=4, evaluations=4)
    taken = pq.read_table(tmp_path / "trials.parquet").to_pandas().drop_duplicates("trial_id")["wall_time"].sum()
    assert taken < 90
    seen = words(report.write(tmp_path).read_text(encoding="utf-8"))
    assert f"training time {taken:.2g} s of trials, replicas of a trial together" in seen


@pytest.mark.usefixtures("undrawn")
def test_a_replica_without_a_final_score_is_said_to_be_left_out(simulate, tmp_path, words):
    simulate(tmp_path, arms=("a", "b"), trials=2, replicas=2, confirm=4, evaluations=4)
    trials = pq.read_table(tmp_path / "trials.parquet").to_pandas()
    ended = trials[(trials["phase"] == "confirm") & (trials["arm"] == "b") & (trials["outcome"] == "converged")]
    lost = ended.iloc[0]
    for name, step in (("history", "step"), ("trials", "steps")):
        rows = pq.read_table(tmp_path / f"{name}.parquet")
        frame, place = rows.to_pandas(), rows.schema.get_field_index("fid")
        mine = (frame["trial_id"] == lost["trial_id"]) & (frame["seed"] == lost["seed"])
        fid = frame["fid"].mask(mine & (frame[step] == lost["steps"]))
        values = pa.array(fid, rows.schema.field(place).type)
        pq.write_table(rows.set_column(place, rows.schema.field(place), values), tmp_path / f"{name}.parquet")
    seen = words(report.write(tmp_path).read_text(encoding="utf-8"))
    assert "Replicas that ended without a final Fréchet distance, left out of quality: 1 of b." in seen
    assert "every replica is in" not in seen
