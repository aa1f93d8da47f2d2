from types import SimpleNamespace

import pytest

from benchmarks import whole
from benchmarks.whole import Whole


def test_the_start_is_shared_by_the_trials():
    study = Whole(start=10.0, work=6.0, trials=3)
    assert study.further == 2.0
    assert study.per_trial(5) == 4.0


def test_a_peer_says_how_long_its_trials_took(monkeypatch):
    printed = 'warning: noise\n{"seconds": 0.0, "trials": 4}\n'
    monkeypatch.setattr(whole, "_command", lambda _: printed)
    study = whole.peer("plain_noop.py", "--trials", "4")
    assert study.trials == 4
    assert study.work == 0.0
    assert 0 <= study.start < 1


def test_a_command_that_fails_shows_its_errors():
    with pytest.raises(RuntimeError, match=r"exited 3:\nno such thing"):
        whole._command(["-c", "import sys; sys.stderr.write('no such thing'); sys.exit(3)"])


def test_ours_counts_a_trial_for_each_seed(monkeypatch):
    ledger = [
        SimpleNamespace(kind="session", time=0.0),
        *[SimpleNamespace(kind=kind, time=0.0, status="completed") for kind in ("planned", "result", "ended")],
    ]
    monkeypatch.setattr(whole, "_command", lambda _: "")
    monkeypatch.setattr(whole, "entries", lambda _: enumerate(ledger))
    assert whole.ganstudy({"study": "x"}, seeds=32).trials == 32


def test_ours_does_not_count_what_failed(monkeypatch):
    ledger = [SimpleNamespace(kind=kind, time=0.0, status="failed") for kind in ("planned", "result", "ended")]
    monkeypatch.setattr(whole, "_command", lambda _: "")
    monkeypatch.setattr(whole, "entries", lambda _: enumerate(ledger))
    with pytest.raises(RuntimeError, match="x: only 0 trials completed"):
        whole.ganstudy({"study": "x"})
