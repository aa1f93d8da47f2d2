import numpy as np
import pandas as pd
import pytest

from analysis.record.curves import Curves, curves
from analysis.record.loading import RecordError


def history():
    """Two trials of two replicas; the first replica of each has two evaluations, the second one."""
    keys = {"study": "rings", "phase": "search", "arm": "hinge", "repeat": 0}
    rows = [
        {**keys, "trial_id": trial, "seed": seed, "step": step, "fid": seed + step / 1000, "diverged": seed == 2}
        for trial in ("a", "b")
        for seed, step in ((1, 100), (1, 200), (2, 100))
    ]
    return pd.DataFrame(rows)


def test_curves_follow_their_replicas_whatever_the_order_of_rows():
    replicas, found = curves(history().sample(frac=1, random_state=1), ["fid", "diverged"])
    assert replicas["trial_id"].tolist() == ["a", "a", "b", "b"]
    assert replicas["seed"].tolist() == [1, 2, 1, 2]
    np.testing.assert_array_equal(found.values["fid"], [[1.1, 1.2], [2.1, np.nan]] * 2)
    np.testing.assert_array_equal(found.values["diverged"], [[0, 0], [1, np.nan]] * 2)


def test_short_curves_are_padded():
    _, found = curves(history(), ["fid"])
    assert found.lengths.tolist() == [2, 1, 2, 1]
    assert found.steps.tolist() == [[100, 200], [100, -1]] * 2
    assert found.present.tolist() == [[True, True], [True, False]] * 2
    np.testing.assert_array_equal(found.last("fid"), [1.2, 2.1] * 2)


def test_trials_of_one_name_in_two_phases_are_two():
    both = pd.concat([history(), history().assign(phase="confirm")])
    replicas, found = curves(both, ["fid"])
    assert replicas["phase"].tolist() == ["confirm"] * 4 + ["search"] * 4
    assert found.steps.shape == (8, 2)


def test_the_tail_is_a_share_of_each_curve_and_so_many_evaluations_at_least():
    found = Curves(np.zeros((3, 20), np.int64), np.array([20, 8, 2]), {})
    assert found.tail(0.25, 3).sum(1).tolist() == [5, 3, 2]
    assert found.tail(0.25, 3)[0].nonzero()[0].tolist() == [15, 16, 17, 18, 19]
    assert found.tail(0.25, 3)[1].nonzero()[0].tolist() == [5, 6, 7]
    assert found.tail(0.25, 6).sum(1).tolist() == [6, 6, 2]
    assert found.tail(1.0, 3).sum(1).tolist() == [20, 8, 2]


def test_a_share_of_the_evaluations_is_rounded_up_but_not_for_the_rounding_of_products():
    found = Curves(np.zeros((3, 100), np.int64), np.array([100, 99, 10]), {})
    assert 0.07 * 100 > 7
    assert found.window(0.07, 1).tolist() == [7, 7, 1]
    assert found.window(0.075, 1).tolist() == [8, 8, 1]
    assert found.window(0.07, 5).tolist() == [7, 7, 5]


@pytest.mark.golden
@pytest.mark.parametrize("hundredths", range(1, 101))
def test_a_share_is_the_number_that_was_written(hundredths):
    """.07 of 100 are 7, .28 of 25 are 7, for every share of two digits and up to 400 evaluations."""
    lengths = np.arange(401)
    found = Curves(np.zeros((401, 400), np.int64), lengths, {}).window(hundredths / 100, 0)
    np.testing.assert_array_equal(found, -(-hundredths * lengths // 100))


def test_an_evaluation_after_a_gap_is_adjacent_to_none():
    steps = np.array([[5, 10, 20, 25], [10, 20, 30, -1], [8, 24, -1, -1]])
    found = Curves(steps, np.array([4, 3, 2]), {}).adjacent
    np.testing.assert_array_equal(found, [[0, 1, 0, 1], [0, 1, 1, 0], [0, 0, 0, 0]])


def test_what_was_not_measured_is_nan():
    found = Curves(np.zeros((2, 3), np.int64), np.array([3, 0]), {"fid": np.ones((2, 3))})
    assert np.isnan(found.value("kid")).all()
    np.testing.assert_array_equal(found.last("fid"), [1.0, np.nan])
    assert np.isnan(Curves(np.zeros((2, 0), np.int64), np.array([0, 0]), {}).last("fid")).all()


def test_curves_of_nothing_and_of_columns_that_are_not_there():
    empty = history().iloc[:0]
    replicas, found = curves(empty, ["fid"])
    assert (len(replicas), found.steps.shape) == (0, (0, 0))
    with pytest.raises(RecordError, match=r"lacks the column\(s\) kid; were they left out"):
        curves(empty, ["fid", "kid"])
