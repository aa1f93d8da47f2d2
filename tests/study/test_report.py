"""A study's report from its ledger: while it runs, and when it is done."""

import numpy as np
import pytest

from study import config as configuration
from study import report
from study.__main__ import main
from study.journal import Journal

SPEC = {"data": {"name": "ring"}, "objective": {"name": "hinge"}, "penalty": {"name": "none"}}


def planned(phase, arm, index, seeds):
    keys = {"phase": phase, "arm": arm, "index": index, "trial_id": f"{phase}-{arm}-{index:04d}", "seeds": seeds}
    return keys, {"kind": "planned", **keys, "config": {"generator_lr": 1e-3, "critic_steps": 1}, "spec": SPEC}


def results(keys, level):
    random = np.random.default_rng(keys["index"])
    for step in (5, 10, 15, 20):
        scores = (level * np.exp(random.normal(0, 0.1, len(keys["seeds"])))).tolist()
        columns = {"fid": scores, "modes": [8.0] * len(scores), "mode_histogram": [[8] * 8] * len(scores)}
        yield {"kind": "result", **keys, "step": step, "wall_time": step / 10, "columns": columns, "pictures": None}


@pytest.fixture
def study(tmp_path, tiny):
    """A folder whose search has ended in one arm and goes on in the other."""
    config = tiny()
    configuration.write(config, tmp_path / "study.yaml")
    journal = Journal.open(tmp_path)
    versions = {"python": "3.11", "torch": "2"}
    journal.append({"kind": "session", "config": config.resolved(), "versions": versions, "host": "box", "pid": 1})
    journal.append({"kind": "floor", "values": {"fid": 0.001}, "classifier": None})
    for index in (0, 1):
        keys, plan = planned("search", "hinge", index, [0, 1])
        journal.append(plan, *results(keys, 0.1 * (1 + index)))
        ended = {"status": "completed", "message": "", "outcomes": ["converged"] * 2, "scores": [0.1, 0.1]}
        journal.append({"kind": "ended", **keys, **ended})
    keys, plan = planned("search", "non_saturating", 0, [0, 1])
    journal.append(plan, *list(results(keys, 0.2))[:2])
    journal.close()
    return tmp_path


def test_a_study_that_is_not_done_has_a_report_that_says_so(study):
    page = report.write(study).read_text(encoding="utf-8")
    assert "This study is not finished: 2 of " in page
    assert "1 trial interrupted" in page
    assert "Provisional" in page
    assert (study / "history.parquet").is_file()


def test_the_studys_objectives_are_explained_each_once(study):
    page = report.write(study).read_text(encoding="utf-8")
    assert page.count("f(d) = ") == 2
    assert "hinge (generator: critic_mean)" in page


def test_the_command_prints_where_the_page_is(study, capsys):
    assert main(["report", str(study)]) == 0
    assert capsys.readouterr().out.strip() == str(study / "report" / "index.html")


def test_a_folder_without_a_study_is_bad_input(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "expected a study folder" in capsys.readouterr().err
