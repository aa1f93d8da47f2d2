"""The ledger's copy: complete at the end, behind by little in between, and enough to go on from elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.config import loading
from study.config.plan import StudyPlan
from study.ledger import ledger
from study.ledger.entries import Floor, Session
from study.ledger.journal import Journal
from study.ledger.ledger import entries, identity
from study.ledger.lock import StudyBusy
from study.ledger.state import StudyState
from study.run import run_study
from study.storage import lease
from study.storage.mirror import Mirror, fetch
from study.storage.store import Store, store_at

Build = Callable[..., StudyPlan]

PATIENCE = 120.0  # seconds that a thread gets on a machine that is busy with other things


def never(other: lease.Lease) -> None:
    raise AssertionError(f"lost to {other}")


@pytest.fixture
def begun(tmp_path: Path, tiny: Build) -> Journal:
    journal = Journal.open(tmp_path / "study")
    loading.write(tiny().config, tmp_path / "study" / "study.yaml")
    journal.append(Session(session="one", config=tiny().config.resolved()))
    return journal


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return store_at(str(tmp_path / "store"))
    return store_at(str(request.getfixturevalue("bucket")).replace("studies", f"studies/{tmp_path.name}"))


def note(number: int) -> Floor:
    return Floor(values={"fid": float(number)})


def test_all_of_a_ledger_arrives_and_is_enough_to_go_on(
    begun: Journal, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "SEGMENT", 300)
    folder, held = tmp_path / "study", lease.new(identity(tmp_path / "study"), "one")
    lease.write(store, held)
    mirror = Mirror(folder, store, held, never)
    mirror.start()
    with pytest.raises(StudyBusy):
        fetch(store, tmp_path / "too-early")
    for number in range(9):
        begun.append(note(number))
    store.write("trials/a/pictures/00000010.npz", b"samples")
    begun.close()
    assert mirror.close() is None
    assert len(ledger.segments(folder)) > 3
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert fetch(store, elsewhere)
    assert list(entries(elsewhere)) == list(entries(folder))
    assert (elsewhere / "study.yaml").read_bytes() == (folder / "study.yaml").read_bytes()
    assert (elsewhere / "trials/a/pictures/00000010.npz").read_bytes() == b"samples"


def test_only_what_is_new_is_copied(begun: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "SEGMENT", 300)
    monkeypatch.setattr(lease, "SEEN", 0.05)
    written: list[str] = []
    store = store_at(str(tmp_path / "store"))
    original = store.write

    def counting(name: str, payload: bytes, former: str | None = None) -> None:
        written.append(name)
        original(name, payload, former)

    monkeypatch.setattr(store, "write", counting)
    for number in range(6):
        begun.append(note(number))
    held = lease.new(identity(tmp_path / "study"), "one")
    lease.write(store, held)
    mirror = Mirror(tmp_path / "study", store, held, never)
    mirror.start()
    copied = [name for name in written if name.endswith(".jsonl")]
    assert len(copied) == len(set(copied)) == len(ledger.segments(tmp_path / "study"))
    written.clear()
    begun.append(note(7))
    deadline = time.monotonic() + PATIENCE
    while not any(name.endswith(".jsonl") for name in written) and time.monotonic() < deadline:
        time.sleep(0.02)
    mirror.close()
    begun.close()
    assert len([name for name in written if name.endswith(".jsonl")]) == 1


def test_a_store_that_fails_delays_the_copy_and_nothing_else(
    begun: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "SEEN", 0.02)
    store, held = store_at(str(tmp_path / "store")), lease.new(identity(tmp_path / "study"), "one")
    lease.write(store, held)
    mirror = Mirror(tmp_path / "study", store, held, never)
    mirror.start()

    def down(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    with monkeypatch.context() as outage:
        outage.setattr(store, "write", down)
        begun.append(note(1))
        time.sleep(0.2)
    begun.close()
    assert mirror.close() is None
    assert (tmp_path / "store/ledger/0001.jsonl").read_bytes() == (tmp_path / "study/ledger/0001.jsonl").read_bytes()


def test_a_holder_that_finds_another_steps_back(
    begun: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "SEEN", 0.02)
    store, held = store_at(str(tmp_path / "store")), lease.new(identity(tmp_path / "study"), "one")
    lease.write(store, held)
    lost: list[lease.Lease] = []
    mirror = Mirror(tmp_path / "study", store, held, lost.append)
    mirror.start()
    lease.write(store, lease.new(held.study, "two"))
    deadline = time.monotonic() + PATIENCE
    while not lost and time.monotonic() < deadline:
        time.sleep(0.02)
    before = (tmp_path / "store/ledger/0001.jsonl").read_bytes()
    begun.append(note(1))
    begun.close()
    mirror.close()
    assert [one.session for one in lost][:1] == ["two"]
    assert (tmp_path / "store/ledger/0001.jsonl").read_bytes() == before
    found = lease.read(store)
    assert found is not None
    assert found.session == "two"


def test_nothing_is_fetched_from_an_empty_store(store: Store, tmp_path: Path) -> None:
    assert not fetch(store, tmp_path)


@pytest.mark.xdist_group("ray")
@pytest.mark.usefixtures("shared_ray")
def test_a_study_goes_on_elsewhere_after_its_machine_was_lost(tiny: Build, tmp_path: Path, bucket: str) -> None:
    """Its trials' files and its ledger are in the bucket alone; the folder it ran in is gone."""
    storage = bucket.replace("studies", f"studies/{tmp_path.name}")
    plan = tiny(resources={"storage": storage}, search__trials_per_arm=1)
    first, second = tmp_path / "first", tmp_path / "second"
    assert run_study(plan, first) == 0
    assert not list(first.glob("trials/*/checkpoint*"))
    pictures = sorted(path.relative_to(first) for path in first.glob("trials/*/pictures/*.npz"))
    assert pictures
    before = StudyState.replay(first)

    from study.__main__ import main

    settings = tmp_path / "config.yaml"
    loading.write(plan.config, settings)
    assert main(["run", str(settings), "--out", str(second)]) == 0
    after = StudyState.replay(second)
    assert after.trials == before.trials
    assert sorted(path.relative_to(second) for path in second.glob("trials/*/pictures/*.npz")) == pictures
    assert main(["resume", str(first)]) == 2  # it went on in the second folder, which the first does not know
