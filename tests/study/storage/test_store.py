"""Stores: a folder, and a real object store's protocol spoken by a server on this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from study.config.addresses import problem_of
from study.config.plan import StudyPlan
from study.storage import checkpoint
from study.storage.store import FolderStore, ObjectStore, Store, store_at, store_of

Build = Callable[..., StudyPlan]


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return store_at(str(tmp_path / "store"))
    address = str(request.getfixturevalue("bucket"))
    return store_at(address.replace("studies", f"studies/{tmp_path.name}"))


def test_what_was_written_is_read(store: Store) -> None:
    assert store.read("trials/a/checkpoint.pt") is None
    assert store.names("trials") == []
    store.write("trials/a/checkpoint.pt", b"one")
    store.write("trials/a/checkpoint.pt", b"two")
    store.write("trials/b/pictures/00000010.npz", b"\x00" * 100_000)
    assert store.read("trials/a/checkpoint.pt") == b"two"
    assert store.names("trials") == ["trials/a/checkpoint.pt", "trials/b/pictures/00000010.npz"]
    assert store.names("trials/b") == ["trials/b/pictures/00000010.npz"]
    assert store_at(store.place).read("trials/b/pictures/00000010.npz") == b"\x00" * 100_000


def test_a_folders_files_are_readable_by_every_user_whatever_the_umask(tmp_path: Path) -> None:
    former = os.umask(0o077)
    try:
        FolderStore(str(tmp_path)).write("trials/a/checkpoint.pt", b"one")
    finally:
        os.umask(former)
    assert (tmp_path / "trials/a/checkpoint.pt").stat().st_mode & 0o777 == 0o644


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "classifier.pt")
    with pytest.raises(OSError, match=r"classifier\.pt: expected a file, got a folder, a pipe or a device"):
        FolderStore(str(tmp_path)).read("classifier.pt")


def test_a_folder_that_cannot_be_looked_into_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_at(str(tmp_path))
    store.write("trials/a/one", b"1")
    scandir = os.scandir

    def refused(path: str | os.PathLike[str]) -> os._ScandirIterator[str]:
        if Path(path) == tmp_path / "trials" / "a":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(PermissionError, match="trials/a"):
        store.names("trials")
    (tmp_path / "file").write_bytes(b"")
    assert store.names("file") == store.names("nothing") == []


def test_the_former_file_stays_under_another_name(store: Store) -> None:
    store.write("a", b"one", former="b")
    assert store.read("b") is None
    store.write("a", b"two", former="b")
    assert (store.read("a"), store.read("b")) == (b"two", b"one")


def test_what_killed_writers_left_is_swept_and_nothing_else(store: Store, tmp_path: Path) -> None:
    store.write("trials/a/00000010.npz", b"one")
    store.write("state", b"two")
    left = [
        tmp_path / "store" / name for name in ("trials/a/.00000020.npz.0123456789ab.partial", ".state.0123.partial")
    ]
    if isinstance(store, FolderStore):
        for path in left:
            path.touch()
    store.sweep("trials")
    store.sweep("nowhere")
    assert store.names("trials") == ["trials/a/00000010.npz"]
    assert [path.exists() for path in left] == [False, isinstance(store, FolderStore)]
    assert store.read("state") == b"two"


@pytest.mark.parametrize("name", ["../out", "trials/../../out", "/out"])
def test_no_name_leads_out_of_a_folder(name: str, tmp_path: Path) -> None:
    store, out = FolderStore(str(tmp_path / "store")), tmp_path / "out"
    out.write_text("precious")
    for use in (store.read, store.remove, lambda name: store.write(name, b"")):
        with pytest.raises(OSError, match="expected a name within"):
            use(name)
    assert out.read_text() == "precious"


def test_removal_can_be_repeated(store: Store) -> None:
    store.write("a/b", b"one")
    store.remove("a/b")
    store.remove("a/b")
    store.remove("never/was")
    assert store.names("") == []


def test_checkpoints_come_back_from_any_store(store: Store) -> None:
    for step in range(3):
        checkpoint.write(store, "trials/a", {"step": step})
    assert [content["step"] for content in checkpoint.read_all(store, "trials/a")] == [2, 1]
    payload = store.read("trials/a/checkpoint.pt")
    assert payload is not None
    store.write("trials/a/checkpoint.pt", payload[:50])
    assert [content["step"] for content in checkpoint.read_all(store, "trials/a")] == [1]
    checkpoint.remove(store, "trials/a")
    assert checkpoint.read_all(store, "trials/a") == []


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    store = FolderStore(str(tmp_path))
    contents = [bytes([value]) * 300_000 for value in range(2)]
    store.write("a", contents[0])
    stop = threading.Event()

    def rewrite() -> None:
        while not stop.is_set():
            for content in contents:
                store.write("a", content)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        assert all(store.read("a") in contents for _ in range(200))
    finally:
        stop.set()
        writer.join()


def test_a_refused_write_leaves_the_former_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(str(tmp_path))
    store.write("a", b"one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            store.write("a", b"two", former="b")
    assert (store.read("a"), os.listdir(tmp_path)) == (b"one", ["a"])


def test_an_object_store_that_does_not_answer_raises_an_os_error(bucket: str) -> None:
    store = ObjectStore(bucket.replace("//lab/", "//no-such-bucket/"))
    with pytest.raises(OSError, match=r"(?i)bucket"):
        store.write("a", b"one")


@pytest.mark.parametrize(
    ("storage", "problem"),
    [
        ("/shared/studies", None),
        ("s3://lab", None),
        ("gs://lab/studies", None),
        ("s3://lab/studies?region=eu-west-1", None),
        ("studies", "expected an absolute path or an address, got 'studies'"),
        ("ftp://lab/x", "expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or an absolute path, got 'ftp://lab/x'"),
        ("s3:///studies", "expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or an absolute path"),
        ("s3://key:hidden@lab/x", "expected an address without credentials"),
        ("s3://lab/x?secret_key=hidden", "expected an address without credentials"),
    ],
)
def test_places_are_checked_without_asking_anybody(storage: str, problem: str | None) -> None:
    found = problem_of(storage)
    assert found == problem if problem is None else found is not None and found.startswith(problem)
    assert "hidden" not in (found or "")


@pytest.mark.parametrize(
    ("storage", "place"),
    [
        (None, "{folder}"),
        ("/shared", "/shared/tiny"),
        ("s3://lab/studies/?region=eu-west-1", "s3://lab/studies/tiny?region=eu-west-1"),
    ],
)
def test_a_study_has_a_place_of_its_own(storage: str | None, place: str, tiny: Build, tmp_path: Path) -> None:
    config = tiny(resources={"storage": storage}).config
    assert store_of(config, tmp_path).place == place.format(folder=tmp_path)
