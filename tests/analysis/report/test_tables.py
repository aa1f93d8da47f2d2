import pandas as pd

from analysis.record.loading import Record
from analysis.report.tables import left_out_table


def test_replicas_that_were_not_judged_are_counted_among_what_was_left_out():
    rows = pd.DataFrame(
        {
            "study": "rings", "phase": "search", "trial_id": list("aaabc"), "message": None,
            "status": ["completed"] * 3 + ["running", "failed"], "outcome": ["converged", None, None, None, "failed"],
        }
    )  # fmt: skip
    table = left_out_table(Record(rows, rows, {}))
    assert {row[1]: row[2:4] for row in table.rows} == {"running": (1, 1), "failed": (1, 1), "not judged": (1, 2)}
