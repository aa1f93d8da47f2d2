"""Two studies where there is room for one, two where there is room for both, and one that moves to another machine."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from audit import audit, undisturbed
from subject import Subject, settings, until

from study.storage import lease
from study.storage.store import store_of
from study.tracking.server import running

Begin = Callable[..., Subject]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
STEPS = 12000  # some seconds a trial, so that a study is not over before what is to happen to it
SHORT = settings(search__trials_per_arm=3, budget__steps=STEPS)


def test_two_studies_in_one_folder_are_refused_and_the_holder_named(begin: Begin, tmp_path: Path) -> None:
    first, second = begin(SHORT, "study"), begin(SHORT, "second")
    first.start()
    first.wait_until(first.look, "a result")
    second.folder = first.folder
    for _ in range(2):  # refused by `resume`, and again
        assert second.finish() == 2
    assert f"a study is being run in this folder by process {first.driver.pid} on" in second.said
    assert "Traceback" not in second.said
    assert first.wait() == 0, first.said
    finding = audit(first.folder, undisturbed(first.plan, tmp_path / "undisturbed"), first.seen)
    assert not finding.faults, finding


def test_two_studies_beside_each_other_do_not_interfere(begin: Begin, tmp_path: Path) -> None:
    store = tmp_path / "server"
    store.mkdir()
    with running(store) as (_, address):
        tracking = {"uri": address, "pictures": 2}
        one = begin({**SHORT, "tracking": tracking}, "studies/one")
        other = begin({**SHORT, "tracking": tracking, "search": {"trials_per_arm": 3, "seed": 1}}, "studies/other")
        for study in (one, other):  # of one name, in one experiment of MLflow's
            study.start()
        for study in (one, other):
            assert study.wait() == 0, study.said
    for study in (one, other):
        reference = undisturbed(study.plan, tmp_path / f"undisturbed-{study.folder.name}")
        finding = audit(study.folder, reference, study.seen, store / "mlflow.db")
        assert not finding.faults, finding


def until_copied(study: Subject) -> None:
    """Wait until the ledger's copy holds results; the study has trials for a while to come."""
    store = store_of(study.plan.config, study.folder)
    until(lambda: b'"kind": "result"' in (store.read("ledger/0001.jsonl") or b""), "the ledger's copy")


def taken_up(begin: Begin, first: Subject, values: dict[str, object], tmp_path: Path) -> None:
    """Take a study up in another folder, once its holder was not seen for long enough, and audit it."""
    second = begin(values, "second")
    found = lease.read(store_of(first.plan.config, first.folder))
    assert found is not None
    if time.time() - found.seen < lease.FRESH / 2:
        assert second.finish() == 2
        assert f"by process {first.driver.pid} on {found.host}" in second.said
    time.sleep(max(0.0, found.seen + lease.FRESH - time.time()))
    assert second.finish() == 0, second.said
    finding = audit(second.folder, undisturbed(second.plan, tmp_path / "undisturbed"))
    assert not finding.faults, finding
    before = {(row.trial_id, row.step) for row in second.told("result") if row.time < found.seen}
    assert before  # something was brought along, not all made anew


def test_a_study_whose_machine_is_lost_goes_on_from_its_storage(begin: Begin, tmp_path: Path) -> None:
    values = settings(search__trials_per_arm=16, budget__steps=STEPS, resources__storage=str(tmp_path / "shared"))
    first = begin(values, "first")
    first.start()
    until_copied(first)
    first.kill()
    first.sweep()
    shutil.rmtree(first.folder)
    taken_up(begin, first, values, tmp_path)


def test_a_driver_that_slept_while_its_study_was_taken_over_stops(begin: Begin, tmp_path: Path) -> None:
    values = settings(search__trials_per_arm=16, budget__steps=STEPS, resources__storage=str(tmp_path / "shared"))
    first = begin(values, "first")
    first.start()
    until_copied(first)
    os.kill(first.driver.pid, signal.SIGSTOP)
    taken_up(begin, first, values, tmp_path)
    os.kill(first.driver.pid, signal.SIGCONT)
    assert first.wait() == 1
    assert "the study was taken over by process" in first.said
