import os
from pathlib import Path

import pytest
import torch

from study.storage import checkpoint
from study.storage.store import store_at


def contents(step: int) -> dict[str, object]:
    return {
        "state": {"weights": torch.full((3,), float(step)), "step": step},
        "rows": ["{}"],
        "wall_time": 1.5,
    }


def test_the_newest_comes_first_and_the_one_before_is_kept(tmp_path: Path) -> None:
    assert checkpoint.read_all(store_at(str(tmp_path)), ".") == []
    for step in range(3):
        checkpoint.write(store_at(str(tmp_path)), "trial", contents(step))
    found = checkpoint.read_all(store_at(str(tmp_path)), "trial")
    assert [content["state"]["step"] for content in found] == [2, 1]
    assert torch.equal(found[0]["state"]["weights"], torch.full((3,), 2.0))
    assert sorted(os.listdir(tmp_path / "trial")) == ["checkpoint.previous.pt", "checkpoint.pt"]


@pytest.mark.parametrize("kept", [0, 10, 32, 200, -1])
def test_a_truncated_newest_falls_back_to_the_one_before(tmp_path: Path, kept: int) -> None:
    for step in range(2):
        checkpoint.write(store_at(str(tmp_path)), ".", contents(step))
    newest = tmp_path / checkpoint.NEWEST
    newest.write_bytes(newest.read_bytes()[:kept])
    assert [content["state"]["step"] for content in checkpoint.read_all(store_at(str(tmp_path)), ".")] == [0]


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    checkpoint.write(store_at(str(tmp_path)), ".", contents(0))
    raw = bytearray((tmp_path / checkpoint.NEWEST).read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / checkpoint.NEWEST).write_bytes(raw)
    assert checkpoint.read_all(store_at(str(tmp_path)), ".") == []


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("trapped",)


def test_reading_executes_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint.write(store_at(str(tmp_path)), ".", {"trap": Trap()})
    assert checkpoint.read_all(store_at(str(tmp_path)), ".") == []
    assert not (tmp_path / "trapped").exists()


def test_a_failed_write_leaves_the_older_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.write(store_at(str(tmp_path)), ".", contents(0))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.write(store_at(str(tmp_path)), ".", contents(1))
    monkeypatch.undo()
    assert [content["state"]["step"] for content in checkpoint.read_all(store_at(str(tmp_path)), ".")] == [0]
    assert os.listdir(tmp_path) == [checkpoint.NEWEST]


def test_removal_leaves_nothing_behind(tmp_path: Path) -> None:
    for step in range(2):
        checkpoint.write(store_at(str(tmp_path)), ".", contents(step))
    checkpoint.remove(store_at(str(tmp_path)), ".")
    checkpoint.remove(store_at(str(tmp_path)), ".")
    assert os.listdir(tmp_path) == []
