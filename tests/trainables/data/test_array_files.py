"""The head of an array without its content, and what is no array of numpy's."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from trainables.data import check
from trainables.data.array_files import content, header

ARRAY = np.arange(12.0).reshape(3, 4)


def test_npy_and_npz_packed_or_not(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.asfortranarray(ARRAY))
    np.savez(tmp_path / "two.npz", x=ARRAY, other=[1])
    np.savez_compressed(tmp_path / "three.npz", x=ARRAY)
    for file, name in (("one.npy", None), ("two.npz", "x"), ("three.npz", "x")):
        assert header(tmp_path / file, name) == ((3, 4), np.dtype("float64"))
        np.testing.assert_array_equal(content(tmp_path / file, name), ARRAY)


def test_the_head_is_read_without_the_content(tmp_path: Path) -> None:
    with (tmp_path / "huge.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"shape": (10**9, 10**3), "fortran_order": False, "descr": "<f4"})
    assert header(tmp_path / "huge.npy", None) == ((10**9, 10**3), np.dtype("float32"))


def test_a_small_file_that_holds_more_than_the_memory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, pictures = tmp_path / "small.npz", np.zeros((20_000, 1, 10, 10), np.uint8)
    np.savez_compressed(path, x=pictures)
    assert path.stat().st_size < 10_000
    monkeypatch.setattr("trainables.checks.memory", lambda: 2 * pictures.nbytes)
    assert content(path, "x").shape == pictures.shape
    monkeypatch.setattr("trainables.checks.memory", lambda: 2 * pictures.nbytes - 1)
    monkeypatch.setattr("numpy.lib.format.read_array", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(ValueError, match=r"^one of 0\.0 GB, more than half of this machine's memory of 0\.0 GB$"):
        content(path, "x")
    with pytest.raises(
        ValueError, match=r"^data\.path: samples in .*small\.npz: expected an array \(data\.samples\), got one"
    ):
        check("arrays", path=str(path), samples="x")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path(tmp_path / "sprung").touch, ())  # type: ignore[return-value]

    np.save(tmp_path / "object.npy", np.array([Trap()], dtype=object))
    (tmp_path / "plain.npy").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match=r"^an array of Python objects, which is never read, as unpickling runs code$"):
        content(tmp_path / "object.npy", None)
    with pytest.raises(ValueError, match=r"magic string"):
        content(tmp_path / "plain.npy", None)
    assert not (tmp_path / "sprung").exists()


def test_damaged_files(tmp_path: Path) -> None:
    np.save(tmp_path / "cut.npy", ARRAY)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"^Failed to read all data for array\."):
        content(tmp_path / "cut.npy", None)
    (tmp_path / "empty.npy").touch()
    with pytest.raises(ValueError, match=r"^EOF: reading magic string, expected 8 bytes got 0$"):
        header(tmp_path / "empty.npy", None)
    with (tmp_path / "vast.npy").open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": (10**15,)}
        np.lib.format.write_array_header_1_0(file, head)
    with pytest.raises(ValueError, match=r"^one of 4,000,000\.0 GB, more than half of this machine's memory of \d"):
        content(tmp_path / "vast.npy", None)
    np.savez(tmp_path / "flipped.npz", x=ARRAY)
    raw = bytearray((tmp_path / "flipped.npz").read_bytes())
    raw[180] ^= 1
    (tmp_path / "flipped.npz").write_bytes(raw)
    with pytest.raises(ValueError, match=r"^Bad CRC-32 for file 'x\.npy'$"):
        content(tmp_path / "flipped.npz", "x")
    with zipfile.ZipFile(tmp_path / "none.npz", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(ValueError, match=r"^an \.npz file with the arrays of nothing$"):
        header(tmp_path / "none.npz", "x")
