import json
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.results.thresholds import EARLIER
from study.config import loading
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.ledger.entries import Session, Stopped, to_json
from study.ledger.journal import Journal
from study.ledger.validation import from_json
from study.progress.status import Counts, status
from study.search.trials import search_trial

Build = Callable[..., StudyPlan]
PARAMS = {"generator_lr": 1e-3, "critic_steps": 1}


@pytest.fixture
def folder(tiny: Build, tmp_path: Path) -> Path:
    """A study of 2 × 3 + 2 trials: one completed, one failed, one under way; the driver is gone."""
    plan = tiny(search__trials_per_arm=3, confirm={"top": 1})
    config = plan.config
    loading.write(config, tmp_path / "study.yaml")
    journal = Journal.open(tmp_path)
    journal.append(Session(config=config.resolved(), host="here", pid=1))
    planned = [search_trial(config, arm, index, PARAMS) for index in range(2) for arm in plan.arms][:3]
    journal.append(*planned)
    good = {"status": "completed", "message": None, "outcomes": ["converged", "collapsed"], "scores": [1.0, 3.0]}
    bad = {"status": "failed", "message": "ValueError: no", "outcomes": ["failed"] * 2, "scores": [None, None]}
    journal.append(
        *(
            from_json({**to_json(plan), "kind": "ended", "time": 1.0, **ending})
            for plan, ending in zip(planned, (good, bad), strict=False)
        )
    )
    journal.close()
    return tmp_path


def test_an_interrupted_study(folder: Path) -> None:
    found = status(folder)
    assert (found.study, found.state, found.holder, found.metric) == ("tiny", "interrupted", None, "mass_js")
    expected = Counts(done=1, failed=1, running=0, interrupted=1, missing=5, total=8)
    assert found.trials == expected
    first, second = found.arms
    assert (first.arm, first.best, first.best_trial) == ("non_saturating", 2.0, "search-non_saturating-0000")
    assert first.outcomes == {"converged": 1, "collapsed": 1}
    assert (second.best, second.search.failed, second.confirm.missing) == (None, 1, 1)
    assert found.failures == {"search-hinge-0000": "ValueError: no"}
    assert found.sessions == 1
    assert found.tracking.waiting == 6


def test_what_stopped_it_is_told_until_it_is_gone_on_with(folder: Path) -> None:
    assert status(folder).stopped is None
    journal = Journal.open(folder)
    journal.append(Stopped(time=5.0, reason="SIGTERM"))
    assert status(folder).stopped is None  # as the journal is held: it is running
    journal.close()
    assert status(folder).to_dict()["stopped"] == {"time": 5.0, "reason": "SIGTERM"}


def test_it_is_plain_json(folder: Path) -> None:
    found = status(folder).to_dict()
    assert json.loads(json.dumps(found)) == found


def test_a_running_study_names_its_holder(folder: Path) -> None:
    journal = Journal.open(folder)
    found = status(folder)
    journal.close()
    assert found.state == "running"
    assert found.holder is not None
    assert set(found.to_dict()["holder"]) == {"host", "pid", "since"}
    assert (found.trials.running, found.trials.interrupted) == (1, 0)


def test_damaged_lines_are_counted(folder: Path) -> None:
    [segment] = (folder / "ledger").glob("*.jsonl")
    segment.write_bytes(segment.read_bytes()[:-20])
    found = status(folder)
    assert found.damaged == 1
    assert found.trials.interrupted == 2


def test_results_that_are_gone_are_named(folder: Path) -> None:
    [said] = status(folder).lacking  # the one that was completed, of which the study's ledger has no result
    assert said.startswith("search-non_saturating-0000: what was measured at steps ")


def test_outcomes_of_an_earlier_rule_are_said_to_be_its_own(folder: Path) -> None:
    assert not status(folder).earlier_rule
    journal = Journal.open(folder)
    journal.append(Session(config={**journal.state.config, "outcomes": dict.fromkeys(EARLIER, 1)}))
    journal.close()
    assert status(folder).earlier_rule


def test_no_study_is_no_status(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a YAML file, got nothing there"):
        status(tmp_path)
