import json

import pytest

from benchmarks import scale
from study.config import loading


def test_the_study_has_as_many_trials_as_it_says():
    plan = loading.build({**scale.CONFIG, "search": {"trials_per_arm": 2}})
    assert len(plan.arms) == scale.ARMS


def test_a_meter_adds_up_what_a_method_spends():
    class Worker:
        def work(self, number):
            return sum(range(number))

    meter = scale.Meter()
    meter.put(Worker, "work", "working")
    assert Worker().work(200_000) == sum(range(200_000))
    once = meter.spent["working"]
    assert once > 0
    Worker().work(200_000)
    assert meter.spent["working"] > once


def test_what_raises_is_metered_too():
    class Worker:
        def work(self):
            raise ValueError("no")

    meter = scale.Meter()
    meter.put(Worker, "work", "working")
    with pytest.raises(ValueError, match="no"):
        Worker().work()
    assert "working" in meter.spent


def test_the_table_has_a_row_a_size(monkeypatch, capsys):
    measured = dict.fromkeys(scale.COLUMNS, 12.345)
    monkeypatch.setattr(scale, "apart", lambda trials: {**measured, "trials": trials})
    scale.main(["100", "10000"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| trials | wall, ms | driver, ms |")
    assert lines[2].startswith("| 100 | 12.3 |")
    assert lines[3].startswith("| 10,000 | 12.3 |")


@pytest.mark.slow
def test_a_real_study_of_fifty_trials_is_measured():
    found = json.loads(json.dumps(scale.apart(50)))
    assert found["trials"] == 50
    assert found["driver"] > found["mlflow"] > 0
    assert min(found["search"], found["ledger"], found["record"]) > 0
    assert found["memory"] > 100
