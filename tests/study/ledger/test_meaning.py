"""A study is not gone on with under settings that have come to mean something else, while it has trials by them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from study import run
from study.config import loading
from study.config.messages import ConfigError
from study.execution.machine import session_entry
from study.ledger.entries import Ended, Entry, Planned, Session
from study.ledger.journal import Journal
from study.ledger.meaning import mixed
from study.ledger.state import StudyState
from trainables.changes import Change
from trainables.spec import Spec

KNOWN = "hinge is doubled"
LEAST: dict[str, Any] = {
    "study": "least", "data": "ring", "budget": {"steps": 20, "evaluations": 2, "batch_size": 8},
    "scientific": {"objective": ["hinge"]}, "search": {"trials_per_arm": 1}, "confirm": {"top": 0},
}  # fmt: skip
SPEC = Spec(data={"name": "ring"}, steps=20, evaluations=2, batch_size=8, objective={"name": "hinge"}).to_dict()


@pytest.fixture(autouse=True)
def one_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that touches hinge is the only one that there is."""
    change = Change(KNOWN, "hinge was half of itself", lambda spec: spec.objective["name"] == "hinge")
    for module in ("study.ledger.meaning", "study.execution.machine"):
        monkeypatch.setattr(f"{module}.CHANGES", (change,))


def session(time: float, *known: str) -> Session:
    return Session(time=time, config=loading.build(LEAST).config.resolved(), changes=[*known])


def planned(time: float, index: int = 0, **spec: Any) -> Planned:
    return Planned(time=time, phase="search", arm="hinge", index=index, config={}, spec={**SPEC, **spec}, seeds=[0])


def ended(time: float, status: str = "completed", index: int = 0) -> Ended:
    verdict: dict[str, Any] = {"outcomes": ["settled"], "scores": [0.1]} if status == "completed" else {}
    return Ended(time=time, phase="search", arm="hinge", index=index, status=status, **verdict)


@pytest.mark.parametrize(
    ("entries", "touched"),
    [
        ([session(1), planned(2)], 1),
        ([session(1), planned(2), ended(3), planned(4, index=1)], 2),
        ([session(1, KNOWN), planned(2)], 0),
        ([session(1), session(2, KNOWN), planned(3), ended(4)], 0),
        ([session(1), planned(2), session(3, KNOWN), planned(4, index=1)], 1),
        ([session(1), planned(2), ended(3, "failed")], 0),
        ([session(1), planned(2), ended(3), session(4, KNOWN), planned(5)], 0),  # trained anew
        ([session(1), planned(2), session(4, KNOWN), planned(5)], 1),  # gone on with
        ([session(9, KNOWN), planned(2)], 0),  # the clock was put back: what counts is the order
        ([session(1), planned(5), session(4, KNOWN), planned(6, index=1)], 1),
        ([planned(2), session(4, KNOWN), planned(5, index=1)], 0),  # the line of its session is damaged
        ([session(1), planned(2, objective={"name": "kl"})], 0),
        ([session(1), planned(2, objective={"name": "no longer"})], 0),
    ],
)
def test_trials_that_a_session_planned_before_it_knew_are_of_before(entries: list[Entry], touched: int) -> None:
    state = StudyState()
    for entry in entries:
        state.apply(entry)
    said = mixed(state)
    assert (said is not None) == bool(touched)
    if said is not None:
        assert said.startswith("expected trials trained by the present meaning of their settings, got search-hinge-000")
        assert ("-0000 and 1 more of an" if touched == 2 else "-0000 of an") in said
        assert "by which hinge was half of itself; go on with the version that began the study, or start a new" in said


def test_a_session_writes_down_what_it_knows(tmp_path: Path) -> None:
    entry = session_entry("a", loading.build(LEAST).config, {})
    with closing(Journal.open(tmp_path)) as journal:
        journal.append(entry)
    assert StudyState.replay(tmp_path).sessions[0].changes == [KNOWN]


def test_resume_refuses_it_and_only_while_something_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    went_on: list[Path] = []
    monkeypatch.setattr(run.Session, "run", lambda self: went_on.append(self.folder) or 0)
    loading.write(loading.build(LEAST).config, tmp_path / "study.yaml")
    with closing(Journal.open(tmp_path)) as journal:
        journal.append(session(1), planned(2))
    with pytest.raises(ConfigError, match=r"expected trials trained by the present meaning.* got search-hinge-0000 of"):
        run.resume_study(tmp_path)
    with closing(Journal.open(tmp_path)) as journal:
        journal.append(ended(3))
    assert run.resume_study(tmp_path) == 0
    assert went_on == [tmp_path]
    with pytest.raises(ConfigError, match="by which hinge was half of itself"):
        run.resume_study(tmp_path, ["search.trials_per_arm=2"])
    assert went_on == [tmp_path]
