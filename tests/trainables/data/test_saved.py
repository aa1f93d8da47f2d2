"""A data set survives its bytes; other bytes, and changed ones, are refused."""

import json

import pytest
import safetensors.torch
import torch

from trainables.data import DataSet, load
from trainables.data.saved import from_bytes, to_bytes


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("bytes_kept", [False, True])
def test_there_and_back(labelled: bool, bytes_kept: bool) -> None:
    digits = load("digits")
    labels = (digits.labels, digits.heldout_labels, 10) if labelled else (None, None, 0)
    points = [((part + 1) * 127).byte() if bytes_kept else part for part in (digits.train, digits.heldout)]
    data = DataSet("own", points[0], labels[0], points[1], labels[1], labels[2])
    again = from_bytes(to_bytes(data))
    assert (again.name, again.classes, again.digest, again.train.dtype) == (
        "own",
        labels[2],
        data.digest,
        data.train.dtype,
    )
    assert torch.equal(again.train, data.train)
    assert (again.labels is None) == (not labelled)


def test_bytes_of_something_else() -> None:
    for payload in (b"", b"no safetensors at all", safetensors.torch.save({"x": torch.zeros(2)})):
        with pytest.raises(ValueError, match=r"^expected a saved data set, got something else \("):
            from_bytes(payload)
    about = {"name": "own", "classes": 0, "digest": ""}
    lacking = safetensors.torch.save({"train": torch.zeros(2, 1)}, {"ganstudy.data": json.dumps(about)})
    with pytest.raises(ValueError, match=r"^expected a saved data set, got something else \(AttributeError"):
        from_bytes(lacking)


def test_a_flipped_bit_is_found() -> None:
    payload = bytearray(to_bytes(load("digits")))
    payload[-5] ^= 1
    with pytest.raises(ValueError, match=r"^expected a saved data set of digest [0-9a-f]{64}, got one of .* damaged$"):
        from_bytes(bytes(payload))
