"""A study folder that the code of 24 November 2026 left behind, killed in the middle of two trials, goes on today.

`older/study` holds its settings, its ledger and the newest checkpoint of each trial under way; `older/curves.json` is
what that code measured when it finished a copy itself.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from analysis.record.loading import load
from analysis.record.schema import OUTCOMES
from analysis.report.rules import AFRESH
from study.__main__ import main

OLDER = Path(__file__).with_name("older")


@pytest.mark.xdist_group("ray")
@pytest.mark.usefixtures("shared_ray")
def test_it_resumes_to_the_curves_it_would_have_had_and_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "older"
    shutil.copytree(OLDER / "study", folder)
    assert main(["status", str(folder), "--json"]) == 0
    before = json.loads(capsys.readouterr().out)
    assert (before["state"], before["damaged"], before["sessions"]) == ("interrupted", 0, 1)
    assert (before["trials"]["done"], before["trials"]["interrupted"], before["trials"]["missing"]) == (2, 2, 4)

    assert main(["resume", str(folder)]) == 0
    record = load(folder)
    history = record.history
    assert set(record.trials["repeat"]) == {0}
    assert record.trials["outcome"].isin(OUTCOMES).all()  # judged afresh, whatever that code had said
    curves = json.loads((OLDER / "curves.json").read_text(encoding="utf-8"))
    found = {f"{trial}/{seed}": rows for (trial, seed), rows in history.groupby(["trial_id", "seed"], observed=True)}
    assert found.keys() == curves.keys()
    for name, columns in curves.items():
        for column, values in columns.items():
            # Not exact: written with six digits, on another processor.
            np.testing.assert_allclose(found[name].sort_values("step")[column], values, rtol=1e-3, err_msg=name)

    assert main(["report", str(folder)]) == 0
    assert AFRESH in (folder / "report" / "index.html").read_text(encoding="utf-8")
