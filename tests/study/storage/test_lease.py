from pathlib import Path

import pytest

from study.config.messages import ConfigError
from study.ledger.lock import StudyBusy
from study.storage import lease
from study.storage.store import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(str(tmp_path / "store"))


def test_nobody_holds_a_new_store(store: FolderStore) -> None:
    assert lease.read(store) is None
    lease.refuse_busy(store)
    lease.refuse_other(store, None, [])


def test_a_holder_is_named_to_whoever_comes(store: FolderStore) -> None:
    held = lease.new("ring", "one")
    lease.write(store, held)
    with pytest.raises(StudyBusy, match=f"{store.place}: a study is being run .* by process {held.pid} on {held.host}"):
        lease.refuse_busy(store)
    with pytest.raises(StudyBusy):
        lease.refuse_other(store, "ring", ["one"])


def test_a_holder_that_let_go_or_died_is_followed_by_who_knows_its_session(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = lease.new("ring", "one")
    lease.write(store, held)
    with monkeypatch.context() as later:
        later.setattr("time.time", lambda: held.seen + lease.FRESH + 1)
        lease.refuse_other(store, "ring", ["zero", "one"])
    lease.release(store, held)
    lease.refuse_other(store, "ring", ["one"])
    with pytest.raises(ConfigError, match=r"the study went on from .* give `ganstudy run` an empty --out"):
        lease.refuse_other(store, "ring", ["zero"])


def test_another_study_of_the_same_name_is_refused(store: FolderStore) -> None:
    lease.write(store, lease.new("ring", "one"))
    with pytest.raises(ConfigError, match=r"resources\.storage: .* holds another study of the same name"):
        lease.refuse_other(store, "other", ["one"])


def test_only_the_holder_lets_go(store: FolderStore) -> None:
    lease.write(store, lease.new("ring", "two"))
    lease.release(store, lease.new("ring", "one"))
    with pytest.raises(StudyBusy):
        lease.refuse_busy(store)


def test_a_worker_that_sees_the_store_is_content(store: FolderStore) -> None:
    lease.write(store, lease.new("ring", "one"))
    lease.check(FolderStore(store.place), "one")


def test_a_worker_elsewhere_says_what_it_does_not_see(store: FolderStore) -> None:
    with pytest.raises(lease.StorageError, match=r"does not see the study's files in .*; give resources\.storage"):
        lease.check(store, "one")
    lease.write(store, lease.new("ring", "two"))
    with pytest.raises(lease.StorageError, match="was taken over by process"):
        lease.check(store, "one")


def test_a_store_that_does_not_answer_is_said_to(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_: str) -> bytes:
        raise OSError("no route to host")

    monkeypatch.setattr(store, "read", down)
    with pytest.raises(lease.StorageError, match=r"cannot reach .*: no route to host"):
        lease.check(store, "one")
    with pytest.raises(OSError, match=r"resources\.storage: .* does not answer: no route to host"):
        lease.refuse_other(store, None, [])


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"the study's files cannot be kept in .*/file/store: .*Not a directory"):
        lease.write(FolderStore(str(tmp_path / "file" / "store")), lease.new("ring", "one"))


def test_a_torn_lease_is_nobodys(store: FolderStore) -> None:
    store.write(lease.FILE, b'{"study": "ring", "ses')
    assert lease.read(store) is None
