"""A session's data are read once, kept where pictures or a cluster want it, and others than before are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.storage import data_set
from study.storage.data_set import FROM_SETTINGS, DataAt
from study.storage.store import store_at
from trainables.data import images

Build = Callable[..., StudyPlan]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of forty pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(40):
        levels = np.random.default_rng(number).integers(0, 256, (8, 8)).astype(np.uint8)
        Image.fromarray(levels).save(folder / f"{number}.png")
    return folder


def of_pictures(folder: Path) -> dict[str, Any]:
    return {"name": "images", "root": str(folder), "size": 8, "channels": 1, "heldout": 0.3}


def test_what_is_drawn_is_neither_kept_nor_checked(tiny: Build, tmp_path: Path) -> None:
    store = store_at(str(tmp_path / "study"))
    found = data_set.read(tiny().config, store)
    assert found.at == FROM_SETTINGS
    assert found.about["name"] == "ring"
    assert (found.about["train"], found.about["heldout"], found.about["shape"]) == (2000, 500, [2])
    found.keep(store)
    assert store.names("") == []
    assert found.data is None
    loaded = data_set.load(tiny().config.data, store, found.at)
    assert loaded.digest == found.about["digest"]


def test_pictures_are_read_once(tiny: Build, tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, store = tiny(data=of_pictures(pictures)).config, store_at(str(tmp_path / "study"))
    first = data_set.read(config, store)
    assert first.data is not None
    assert first.at.copy is not None
    first.keep(store)
    assert store.names("data") == [first.at.copy]
    monkeypatch.setattr(images, "read_all", lambda *_: pytest.fail("read again"))
    again = data_set.read(config, store)
    assert (again.at, again.about) == (first.at, first.about)
    for picture in pictures.iterdir():
        picture.unlink()
    assert data_set.load(config.data, store, first.at).digest == first.about["digest"]


def test_a_damaged_copy_is_read_anew(tiny: Build, tmp_path: Path, pictures: Path) -> None:
    config, store = tiny(data=of_pictures(pictures)).config, store_at(str(tmp_path / "study"))
    first = data_set.read(config, store)
    assert first.at.copy is not None
    store.write(first.at.copy, b"cut")
    assert data_set.read(config, store).about == first.about


def test_with_a_storage_every_file_is_copied(tiny: Build, tmp_path: Path) -> None:
    np.save(tmp_path / "own.npy", np.random.default_rng(0).normal(size=(40, 3)))
    data = {"name": "arrays", "path": str(tmp_path / "own.npy"), "heldout": 0.3}
    store = store_at(str(tmp_path / "store"))
    assert data_set.read(tiny(data=data).config, store).at.copy is None
    shared = data_set.read(tiny(data=data, resources__storage=str(tmp_path)).config, store)
    shared.keep(store)
    (tmp_path / "own.npy").unlink()
    assert data_set.load(data, store, shared.at).shape == (3,)
    assert data_set.refusal(data, shared.at) is None


def test_a_node_with_other_files_or_none_says_so(tiny: Build, tmp_path: Path) -> None:
    path, store = tmp_path / "own.npy", store_at(str(tmp_path / "study"))
    np.save(path, np.random.default_rng(0).normal(size=(40, 3)))
    config = tiny(data={"name": "arrays", "path": str(path), "heldout": 0.3}).config
    at = data_set.read(config, store).at
    assert data_set.refusal(config.data, at) is None
    np.save(path, np.random.default_rng(1).normal(size=(40, 3)))
    with pytest.raises(
        ValueError,
        match=rf"^data: expected 'arrays' with digest {at.digest}, as on the driver, got digest [0-9a-f]+ on ",
    ):
        data_set.load(config.data, store, at)
    path.unlink()
    expected = f"data.path: expected an .npz or .npy file, found none at {path}; set resources.storage, from which"
    assert str(data_set.refusal(config.data, at)).startswith(expected)


def test_changed_files_are_refused_and_other_draws_are_noted(tiny: Build, tmp_path: Path, pictures: Path) -> None:
    store = store_at(str(tmp_path / "study"))
    before = data_set.read(tiny(data=of_pictures(pictures)).config, store)
    assert before.changed({}) is None
    assert before.changed(before.about) is None
    (pictures / "0.png").unlink()
    now = data_set.read(tiny(data=of_pictures(pictures)).config, store)
    with pytest.raises(
        ConfigError,
        match=rf"^data: expected 'images' with digest {before.about['digest']}, on which .* were trained, got"
        rf" digest {now.about['digest']} from {pictures}; bring the former data back there, or start a new study",
    ):
        now.changed(before.about)
    drawn = data_set.read(tiny().config, store)
    assert str(drawn.changed({"digest": "0f"})).startswith("the points of 'ring' are drawn otherwise here: digest ")


def test_what_cannot_be_used_is_a_configuration_error(tiny: Build, tmp_path: Path, pictures: Path) -> None:
    (pictures / "0.png").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"^data\.root: 1 of 40 pictures in .* cannot be used \(1 damaged: 0\.png\)$"):
        data_set.read(tiny(data=of_pictures(pictures)).config, store_at(str(tmp_path)))


def test_too_few_points_are_refused_before_anything_starts(tiny: Build, tmp_path: Path) -> None:
    np.save(tmp_path / "own.npy", np.random.default_rng(0).normal(size=(40, 3)))
    data = {"name": "arrays", "path": str(tmp_path / "own.npy"), "heldout": 0.1}
    with pytest.raises(
        ConfigError, match=r"^data\.heldout: expected at least 10 held-out points, as the floor .*, got 4$"
    ):
        data_set.read(tiny(data=data).config, store_at(str(tmp_path)))


def test_a_worker_without_a_copy_reads_the_files(pictures: Path, tmp_path: Path) -> None:
    store = store_at(str(tmp_path / "study"))
    assert len(data_set.load(of_pictures(pictures), store, DataAt("data/gone.safetensors")).train) == 28
