import os
import zipfile

import numpy as np
import pytest

from analysis.record.snapshots import arrays_in, evenly, picture_files, pictured, snapshots


def put(folder, step, samples, **others):
    pictures = folder / "trials" / "confirm-a-0000" / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    path = pictures / f"{step:08d}.npz"
    np.savez(path, samples=samples, **others)
    return path


def test_one_replica_over_its_steps(tmp_path):
    for step in (200, 100):
        put(
            tmp_path, step, np.full((2, 5, 2), step) + np.arange(2)[:, None, None], seeds=[7, 8], means=np.zeros((3, 2))
        )
    found = snapshots(tmp_path, "a", "confirm-a-0000", replica=1)
    assert found.steps.tolist() == [100, 200]
    assert found.samples[:, 0, 0].tolist() == [101, 201]
    assert (found.seed, found.kind, found.stds) == (8, "plane", None)
    assert found.means.shape == (3, 2)


def test_real_points_and_whether_they_were_projected(tmp_path):
    put(tmp_path, 100, np.zeros((1, 4, 2)), real=np.ones((3, 2)))
    found = snapshots(tmp_path, "a", "confirm-a-0000")
    assert (found.real.shape, found.projected) == ((3, 2), False)
    put(tmp_path, 100, np.zeros((1, 4, 2)), axes=np.eye(2, 9))
    found = snapshots(tmp_path, "a", "confirm-a-0000")
    assert (found.real, found.projected) == (None, True)


def test_torn_files_and_files_of_another_shape_are_passed_over(tmp_path):
    put(tmp_path, 100, np.zeros((1, 4, 2)))
    put(tmp_path, 200, np.zeros((1, 5, 2)))
    torn = put(tmp_path, 300, np.zeros((1, 5, 2)))
    torn.write_bytes(torn.read_bytes()[:40])
    assert snapshots(tmp_path, "a", "confirm-a-0000").steps.tolist() == [200]


def test_pickles_are_never_loaded(tmp_path):
    put(tmp_path, 100, np.array([[["x", {}]]], dtype=object))
    assert snapshots(tmp_path, "a", "confirm-a-0000") is None


def test_no_pictures_and_no_such_replica_are_none(tmp_path):
    assert snapshots(tmp_path, "a", "confirm-a-0000") is None
    put(tmp_path, 100, np.zeros((1, 5, 2)))
    assert snapshots(tmp_path, "a", "confirm-a-0000", replica=1) is None


@pytest.mark.parametrize(
    ("shape", "kind"), [((), "line"), ((1,), "line"), ((2,), "plane"), ((3, 4, 4), "images"), ((7,), "other")]
)
def test_the_kind_follows_from_a_samples_shape(tmp_path, shape, kind):
    put(tmp_path, 1, np.zeros((1, 5, *shape)))
    assert snapshots(tmp_path, "a", "confirm-a-0000").kind == kind


@pytest.mark.parametrize(
    ("count", "most", "places"), [(3, 6, [0, 1, 2]), (10, 4, [0, 3, 6, 9]), (1, 4, [0]), (5, 1, [0])]
)
def test_steps_are_chosen_evenly(count, most, places):
    assert evenly(list(range(count)), most) == places


def test_the_seeds_that_have_pictures_are_those_of_the_newest_whole_file(tmp_path):
    assert pictured(tmp_path, "confirm-a-0000") == []
    put(tmp_path, 100, np.zeros((2, 4, 2)), seeds=[7, 8])
    put(tmp_path, 200, np.zeros((1, 4, 2)), seeds=[9, 10])
    torn = put(tmp_path, 300, np.zeros((1, 4, 2)), seeds=[1])
    torn.write_bytes(torn.read_bytes()[:40])
    assert pictured(tmp_path, "confirm-a-0000") == [9]


def test_a_small_file_that_holds_more_than_pictures_do_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "p.npz"
    np.savez_compressed(path, samples=np.zeros((2, 100_000)), seeds=[7, 8])
    assert path.stat().st_size < 5000
    assert arrays_in(path)["seeds"].tolist() == [7, 8]
    monkeypatch.setattr("analysis.record.snapshots.MOST", 1_000_000)
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(
        ValueError, match=r"p\.npz: not a whole \.npz file .*: its arrays take 1,600,\d+ bytes, of 1,000,000"
    ):
        arrays_in(path)


@pytest.mark.parametrize("named", [{"labels": np.array(["cat"])}, {"samples": np.array([b"x"])}])
def test_what_is_not_of_numbers_is_no_picture(named, tmp_path):
    put(tmp_path, 200, **{"samples": np.zeros((1, 4, 2)), "seeds": [9]} | named)
    put(tmp_path, 100, np.zeros((2, 4, 2)), seeds=[7, 8])
    assert pictured(tmp_path, "confirm-a-0000") == [7, 8]
    assert snapshots(tmp_path, "a", "confirm-a-0000").steps.tolist() == [100]


def test_a_file_with_parts_that_are_no_arrays_is_no_picture(tmp_path):
    path = put(tmp_path, 100, np.zeros((1, 4, 2)), seeds=[7])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("samples", b"text")
    assert pictured(tmp_path, "confirm-a-0000") == []


def test_a_pipe_is_no_picture_and_a_folder_that_cannot_be_read_has_none(tmp_path, monkeypatch):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("00000020.npz", "00000010.npz", "notes.txt"):
        (folder / name).touch()
    os.mkfifo(folder / "00000030.npz")
    (folder / "00000040.npz").mkdir()
    assert picture_files(folder) == [folder / "00000010.npz", folder / "00000020.npz"]
    assert picture_files(tmp_path / "nothing") == []

    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refused)
    assert picture_files(folder) == []
