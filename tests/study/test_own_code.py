"""What a session writes down of the user's own code, and says of code that is not what it was."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from study import trust
from study.config.plan import StudyPlan
from study.ledger.entries import Session as Begun
from study.ledger.journal import Journal
from study.ledger.ledger import identity
from study.run import Session
from study.storage import data_set
from study.storage.store import store_of
from trainables import own_code

METRICS = """
from trainables.metrics.own import better
@better("high")
def width(samples, data):
    "How wide."
    return samples.flatten(1).std(1)
"""


@pytest.fixture
def session(
    tiny: Callable[..., StudyPlan], journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], list[str]]]:
    """Begins a session of a study that measures `their_metrics:width`; returns what it said."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "their_metrics.py").write_text(METRICS)
    monkeypatch.setattr(own_code, "_now", None)
    monkeypatch.setattr(own_code, "_named", set())
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def begin() -> list[str]:
        sys.modules.pop("their_metrics", None)
        own_code.allow(code)
        plan = tiny(measure=["their_metrics:width"])
        said: list[str] = []
        one = of(plan, tmp_path, journal)
        monkeypatch.setattr(one.progress, "say", said.append)
        one._begin()
        return said

    yield begin
    sys.modules.pop("their_metrics", None)


def of(plan: StudyPlan, folder: Path, journal: Journal) -> Session:
    return Session(plan, folder, journal, data_set.read(plan.config, store_of(plan.config, folder)))


def sessions(journal: Journal) -> list[Begun]:
    return journal.state.sessions


def test_code_that_has_changed_is_said(session: Callable[[], list[str]], journal: Journal, tmp_path: Path) -> None:
    assert session() == []
    assert session() == []
    path = tmp_path / "code" / "their_metrics.py"
    path.write_text(METRICS + "# another\n")
    [said] = session()
    assert said.startswith(
        "note: own code has changed since the last session, so that trials before and after may diff"
    )
    assert said.endswith(": their_metrics")
    first, second, third = (begun.code["their_metrics"] for begun in sessions(journal))
    assert first == second != third
    assert journal.state.own == {"own.width": {"better": "high", "meaning": "How wide."}}


def test_the_user_who_began_it_is_remembered(session: Callable[[], list[str]], tmp_path: Path) -> None:
    session()
    known = trust.recall(identity(tmp_path))
    assert known == trust.Trusted(tmp_path / "code", frozenset({"their_metrics:width"}))


def test_where_that_cannot_be_written_the_user_is_told(
    session: Callable[[], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_text("no folder")
    assert session() == ["note: the state folder cannot be written, so that `resume` will want --trust"]


def test_a_study_without_own_code_leaves_no_note(
    tiny: Callable[..., Any], journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(own_code, "_now", None)
    monkeypatch.setattr(own_code, "_named", set())  # other tests of this process named their own modules
    of(tiny(), tmp_path, journal)._begin()
    assert not (tmp_path / "state").exists()
    assert sessions(journal)[0].code == {}
