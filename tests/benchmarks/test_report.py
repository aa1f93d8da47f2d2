from benchmarks import report


def test_the_time_is_that_of_a_whole_report(monkeypatch):
    for name, size in (("ARMS", 2), ("TRIALS", 2), ("REPLICAS", 2), ("EVALUATIONS", 4), ("CONFIRMED", 2)):
        monkeypatch.setattr(report, name, size)
    (row,) = report.compare()
    ((asked, wall),) = row.turns
    assert asked == report.ASKED
    assert wall > 0.1
    assert row.what == "the report of 4 trials × 2 replicas × 4 evaluations"
    assert "48 rows of history" in row.method
