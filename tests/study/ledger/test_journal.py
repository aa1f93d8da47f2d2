import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.ledger.entries import Ended, Floor, Planned
from study.ledger.journal import Journal
from study.ledger.ledger import Ledger, entries
from study.ledger.lock import StudyBusy
from study.ledger.state import StudyState, TrialState

PLANNED = Planned(phase="search", arm="hinge", index=0, config={"beta1": 0.5}, spec={"steps": 1}, seeds=[0, 1])
ENDED = Ended(phase="search", arm="hinge", index=0, status="completed", outcomes=["converged"] * 2, scores=[1.0, 2.0])


def trouble(journal: Journal) -> str:
    return str(journal.trouble)


def test_ledger_state_and_listeners_go_in_step(tmp_path: Path) -> None:
    heard: list[tuple[str, TrialState | None]] = []
    journal = Journal.open(tmp_path)
    journal.listeners.append(lambda entry, trial: heard.append((entry.kind, trial)))
    journal.append(PLANNED)
    assert [trial.trial_id for trial in journal.state.unfinished] == ["search-hinge-0000"]
    journal.append(ENDED)
    assert journal.state.unfinished == []
    trial = journal.state.trials["search", "hinge", 0, 0, 0]
    assert heard == [("planned", trial), ("ended", trial)]
    assert trial.ended is not None
    journal.close()
    replayed = StudyState.replay(tmp_path)
    assert replayed.trials == journal.state.trials
    assert replayed.position == journal.state.position


def test_entries_are_stamped_with_the_time_they_were_appended_at(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    before = time.time()
    journal.append(PLANNED, replace(ENDED, time=5.0))
    journal.close()
    stamped, given = (entry.time for _, entry in entries(tmp_path))
    assert before <= stamped <= time.time()
    assert given == 5.0


def test_what_could_not_be_written_did_not_happen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal.open(tmp_path)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Ledger, "append", full)
    with pytest.raises(OSError, match="No space left"):
        journal.append(PLANNED)
    assert journal.state.trials == {}
    assert trouble(journal) == "[Errno 28] No space left on device"
    monkeypatch.undo()
    journal.append(Floor(values={}))
    assert trouble(journal) == "None"
    journal.close()
    assert [entry.kind for _, entry in entries(tmp_path)] == ["floor"]


def test_one_study_has_one_journal(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    with pytest.raises(StudyBusy, match="a study is being run in this folder by process"):
        Journal.open(tmp_path)
    journal.close()
    Journal.open(tmp_path).close()
