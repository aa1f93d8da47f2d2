import pandas as pd
import pytest

from benchmarks import record_reading


def test_both_ways_give_the_same_numbers():
    (row,) = record_reading.compare(turns=1, arms=2, trials=3, evaluations=4)
    assert row.turns[0][0] > 0
    assert row.turns[0][1] > 0
    assert row.what.startswith("the histories of 6 trials × 5 measurements × 4 evaluations")


def test_other_numbers_are_no_measurement(monkeypatch):
    def one_is_off(client, _):
        _, rows = record_reading.read(client)
        return 1.0, rows.assign(value=rows["value"].where(rows.index > 0, 0.0))

    monkeypatch.setattr(record_reading, "_logged", lambda folder: (folder, ""))
    monkeypatch.setattr(record_reading, "pulled", one_is_off)
    with pytest.raises(AssertionError, match="value"):
        record_reading.compare(turns=1, arms=1, trials=2, evaluations=4)


def test_what_is_no_number_is_left_out():
    history = pd.DataFrame({"trial_id": ["a"], "step": 1, **dict.fromkeys(record_reading.COLUMNS, float("nan"))})
    assert record_reading._long(history).empty
    assert len(record_reading._long(history.assign(fid=1.0))) == 1
