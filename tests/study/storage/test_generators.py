import os
from pathlib import Path

import pytest

from study.storage import generators
from study.storage.store import store_at
from trainables.kept import KeptError, to_bytes
from trainables.spec import Spec
from trainables.training import Training


def test_what_is_kept_is_listed_and_removed_by_its_trial(tmp_path: Path) -> None:
    store = store_at(str(tmp_path))
    assert generators.listed(store) == set()
    for trial_id in ("search-a-0000", "confirm-a-0000"):
        generators.write(store, trial_id, b"weights")
    store.write("trials/search-b-0000/pictures/00000020.npz", b"")
    assert (tmp_path / "trials" / "search-a-0000" / "generators.safetensors").read_bytes() == b"weights"
    assert generators.listed(store) == {"search-a-0000", "confirm-a-0000"}
    generators.remove(store, ["search-a-0000", "search-b-0000"])
    assert generators.listed(store) == {"confirm-a-0000"}


def test_an_attempt_replaces_the_one_before_it(tmp_path: Path) -> None:
    store = store_at(str(tmp_path))
    for payload in (b"first", b"second"):
        generators.write(store, "search-a-0000", payload)
    assert store.read(generators.name_of("search-a-0000")) == b"second"
    assert os.listdir(tmp_path / "trials" / "search-a-0000") == [generators.FILE]


def test_a_file_of_another_trial_is_refused(tmp_path: Path) -> None:
    store = store_at(str(tmp_path))
    spec = Spec(data={"name": "gaussian"}, steps=1, evaluations=1, batch_size=2)
    payload = to_bytes(Training(spec, [0]), about={"trial_id": "search-a-0000"})
    assert payload is not None
    for trial_id in ("search-a-0000", "search-b-0000"):
        generators.write(store, trial_id, payload)
    assert generators.read(store, "search-a-0000") is not None
    with pytest.raises(
        KeptError, match=r"^trials/search-b-0000/.*: expected the .* of search-b-0000, got those of 'se"
    ):
        generators.read(store, "search-b-0000")


def test_a_damaged_file_is_named_and_none_is_none(tmp_path: Path) -> None:
    store = store_at(str(tmp_path))
    assert generators.read(store, "search-a-0000") is None
    generators.write(store, "search-a-0000", b"torn")
    with pytest.raises(KeptError, match=r"^trials/search-a-0000/generators.safetensors: expected a file of kept"):
        generators.read(store, "search-a-0000")
