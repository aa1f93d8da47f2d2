import numpy as np
import pytest

from analysis.record.curves import curves
from analysis.record.loading import load
from analysis.results.outcomes import judge_record
from benchmarks import simulated


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    assert (
        simulated.write(folder, ["a", "b"], trials=30, replicas=4, evaluations=10, confirm=6) == 2 * (30 * 4 + 6) * 10
    )
    return load(folder)  # which checks columns, keys and rows


def test_it_has_the_rows_that_were_asked_for(record):
    counted = record.trials.groupby(["phase", "arm"], observed=True)["trial_id"].agg(["nunique", "size"])
    assert counted.loc["search"].to_numpy().tolist() == [[30, 120], [30, 120]]
    assert counted.loc["confirm"].to_numpy().tolist() == [[1, 6], [1, 6]]


def test_both_files_tell_the_same_story(record):
    replicas, measured = curves(record.history, ["fid", "diverged", "mode_fraction"])
    last = replicas.assign(last=measured.last("fid"), fell=measured.last("diverged") > 0)
    both = record.trials.merge(last, on=["study", "phase", "arm", "trial_id", "seed"], validate="one_to_one")
    np.testing.assert_array_equal(both["fid"], both["last"])
    np.testing.assert_array_equal(both["outcome"] == "diverged", both["fell"])
    assert both["fell"].any()
    assert set(both["outcome"].unique()) == {"converged", "collapsed", "diverged"}


def test_outcomes_are_those_that_the_histories_are_judged_to_have(record):
    seen = judge_record(record)
    assert (seen["outcome"].astype(str) == record.trials["outcome"].astype(str)).all()
    assert (seen["held"].to_numpy()[record.trials["outcome"] == "collapsed"] == 1 / simulated.MODES).all()
    assert (seen["held"].to_numpy()[record.trials["outcome"] == "converged"] == 1).all()


def test_the_seed_fixes_it(tmp_path):
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        simulated.write(tmp_path / name, ["a"], trials=3, replicas=2, evaluations=4, confirm=2, seed=3)
        written.append(load(tmp_path / name))
    assert written[0].history.equals(written[1].history)
    assert written[0].trials.equals(written[1].trials)
