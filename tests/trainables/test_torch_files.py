"""What torch wrote is read, and nothing else: no code is run, and no small file fills the memory."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.torch_files import load


def written(content: Any, **how: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **how)
    return buffer.getvalue()


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("trapped",)


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_and_plain_data_come_back(tmp_path: Path, zipped: bool) -> None:
    content = {"a": torch.arange(3.0), "b": [1, "two", None]}
    payload = written(content, _use_new_zipfile_serialization=zipped)
    (tmp_path / "file.pt").write_bytes(payload)
    for file in (payload, tmp_path / "file.pt"):
        found = load(file)
        assert torch.equal(found["a"], content["a"])  # type: ignore[arg-type]
        assert found["b"] == content["b"]


@pytest.mark.parametrize(
    "payload",
    [written(Trap()), pickle.dumps(Trap()), pickle.dumps({}), b"", b"text", written({"a": torch.zeros(99)})[:-100]],
    ids=["trap", "bare trap", "pickle", "empty", "text", "truncated"],
)
def test_anything_else_is_refused_and_not_run(payload: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError):  # noqa: PT011 (in torch's words)
        load(payload)
    assert not (tmp_path / "trapped").exists()


def test_what_was_packed_small_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(written({"a": torch.zeros(10**6)}))) as plain,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for name in plain.namelist():
            small.writestr(name, plain.read(name))
    assert len(packed.getvalue()) < 10**5
    packed.seek(0)
    assert len(torch.load(packed, weights_only=True)["a"]) == 10**6  # so does torch
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("unpacked"))
    with pytest.raises(ValueError, match="its parts are compressed"):
        load(packed.getvalue())
