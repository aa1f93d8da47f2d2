"""A file of arrays becomes a data set; every form that it cannot have is refused by the setting's name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data import check, describe, floats, load

RANDOM = np.random.default_rng(0)
POINTS = RANDOM.normal(size=(40, 5))
BYTES = RANDOM.integers(0, 256, (40, 3, 8, 6)).astype(np.uint8)
LABELS = np.arange(40) % 4


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., str]:
    """Saves arrays as an .npz file of the name given, or a single one as an .npy file."""

    def save(*array: Any, file: str = "own", **arrays: Any) -> str:
        path = tmp_path / (f"{file}.npy" if array else f"{file}.npz")
        np.save(path, *array) if array else np.savez(path, **arrays)
        return str(path)

    return save


def test_points_in_any_dimension(saved: Callable[..., str]) -> None:
    for dimensions in (1, 2, 5):
        path = saved(POINTS[:, :dimensions], file=str(dimensions))
        data = load("arrays", path=path)
        assert (data.shape, data.classes, data.images) == ((dimensions,), 0, False)
        assert (len(data.train), len(data.heldout), data.train.dtype) == (36, 4, torch.float32)
        rows = {tuple(row) for row in torch.cat([data.train, data.heldout]).tolist()}
        assert rows == {tuple(row) for row in POINTS[:, :dimensions].astype(np.float32).tolist()}


def test_labels_go_with_their_points_and_are_held_out_alike(saved: Callable[..., str]) -> None:
    points = POINTS.copy()
    points[:, 0] = LABELS
    data = load("arrays", path=saved(x=points, y=LABELS.astype(np.uint8)), samples="x", labels="y", heldout=0.3)
    assert data.classes == 4
    for part, labels, count in ((data.train, data.labels, 7), (data.heldout, data.heldout_labels, 3)):
        assert labels is not None
        assert labels.tolist() == part[:, 0].tolist()
        assert labels.bincount().tolist() == [count] * 4


def test_pictures_of_bytes_in_either_layout(saved: Callable[..., str]) -> None:
    first = load("arrays", path=saved(x=BYTES), samples="x")
    last = load("arrays", path=saved(x=BYTES.transpose(0, 2, 3, 1), file="last"), samples="x")
    assert first.shape == last.shape == (3, 8, 6)
    assert first.train.dtype == torch.uint8
    assert torch.equal(first.train, last.train)
    assert first.train.is_contiguous()
    assert first.digest == last.digest


def test_pictures_of_floats_are_scaled_from_the_range_said(saved: Callable[..., str]) -> None:
    as_bytes = load("arrays", path=saved(BYTES))
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        scaled = (BYTES / 255 * (high - low) + low).astype(np.float32)
        data = load("arrays", path=saved(scaled, file="scaled"), range=[low, high])
        assert data.train.dtype == torch.float32
        torch.testing.assert_close(data.train, floats(as_bytes.train), atol=2e-6, rtol=0)
    plain = load("arrays", path=saved((BYTES / 127.5 - 1).astype(np.float16), file="half"))
    torch.testing.assert_close(plain.train, floats(as_bytes.train), atol=1e-3, rtol=0)


def test_a_held_out_file(saved: Callable[..., str]) -> None:
    settings: dict[str, Any] = {"path": saved(x=POINTS, y=LABELS), "samples": "x", "labels": "y"}
    other = saved(x=POINTS[:3], y=[3, 0, 3], file="other")
    data = load("arrays", **settings, heldout=other)
    assert data.heldout_labels is not None
    assert (len(data.train), data.heldout_labels.tolist()) == (40, [3, 0, 3])
    with pytest.raises(ValueError, match=r"^data\.shape: expected \[4\], as .*thin.npz has it, got \[5\]$"):
        check("arrays", **settings, heldout=saved(x=POINTS[:, :4], y=LABELS, file="thin"))
    with pytest.raises(ValueError, match=r"^data\.heldout: labels in .* expected 0 to 3 \(data\.classes\), got 4$"):
        load("arrays", **settings, heldout=saved(x=POINTS[:2], y=[0, 4], file="more"))


def test_the_settings_are_complete_and_describe_it_without_the_file(saved: Callable[..., str]) -> None:
    path = saved(x=BYTES, y=LABELS)
    settings = check("arrays", path=path, samples="x", labels="y")
    assert (settings["shape"], settings["classes"], settings["range"]) == ([3, 8, 6], 4, None)
    Path(path).unlink()
    assert describe(**settings) == ((3, 8, 6), 4, False)
    with pytest.raises(
        FileNotFoundError, match=r"^data\.path: expected an \.npz or \.npy file, found none at .*own.npz$"
    ):
        check(**settings)
    with pytest.raises(FileNotFoundError, match=r"^data\.path: expected an \.npz or \.npy file, found none at "):
        describe("arrays", path=path)


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    (POINTS[:, 0], {}, r"expected points \(n, d\) or pictures .*, got float64 of shape \(40,\)"),
    (BYTES[:, 0], {}, r"expected points \(n, d\) or pictures .*, got uint8 of shape \(40, 8, 6\)"),
    (POINTS[:0], {}, r"expected points \(n, d\) or pictures .*, got float64 of shape \(0, 5\)"),
    (POINTS.astype(int), {}, r"expected floats, or uint8 pictures, got int64 of shape \(40, 5\)"),
    (BYTES[:, 0, 0], {}, r"expected floats, or uint8 pictures, got uint8 of shape \(40, 6\)"),
    (POINTS * 1j, {}, r"expected floats, or uint8 pictures, got complex128"),
    (POINTS.astype(str), {}, r"expected floats, or uint8 pictures, got <U"),
    (np.zeros((9, 2, 8, 8)), {}, r"expected pictures of 1 or 3 channels, got float64 of shape \(9, 2, 8, 8\)"),
    (
        POINTS.astype(object),
        {},
        r"expected an array \(data.samples\), got an array of Python objects, which is never read",
    ),
    (np.where(POINTS > 2, np.nan, POINTS), {}, r"expected finite numbers, got \d+ of 40 rows with others"),
    (POINTS * 1e7, {}, r"expected values up to 1e\+06, got -\S+ to \S+: scale them"),
    (
        BYTES / 255 * 2,
        {"range": [0, 1]},
        r"scaled from data\.range = \[0, 1\]: expected .* in \[-1, 1\], .* from -1 to 3",
    ),
    (BYTES / 127.5 - 1.01, {}, r"scaled from data\.range = \[-1, 1\]: expected .*, got some from -1.01 to 0.99"),
    (POINTS, {"samples": "x"}, r"got an .npy file, whose only array has no name, and not 'x' in an .npz file"),
]


@pytest.mark.parametrize(("array", "settings", "message"), REFUSED, ids=[row[2][:60] for row in REFUSED])
def test_samples_that_cannot_be_used(
    array: Any, settings: dict[str, Any], message: str, saved: Callable[..., str]
) -> None:
    with pytest.raises(ValueError, match=rf"^data\.path: samples in .*own.npy.*{message}"):
        load("arrays", path=saved(array), **settings)


def test_a_range_that_is_not_said_is_not_guessed(saved: Callable[..., str]) -> None:
    with pytest.raises(
        ValueError, match=r"^data\.range: expected the range .*, as none in .* is negative: they reach 1, got"
    ):
        load("arrays", path=saved(BYTES / 255))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS[:9], r"expected 40 whole numbers from 0 on, one for each point, got torch.int64 of shape \(9,\)"),
        (LABELS.astype(float), "expected whole numbers, got float64"),
        (LABELS.astype(str), "expected whole numbers, got <U"),
        (LABELS + 1, r"expected 0 to K - 1, each of which occurs, got 4 others: 1, 2, 3, 4"),
        (LABELS * 2, r"expected 0 to K - 1, each of which occurs, got 4 others: 0, 2, 4, 6"),
        (LABELS - 1, "expected 40 whole numbers from 0 on, one for each point, got -1"),
    ],
)
def test_labels_that_cannot_be_used(labels: Any, message: str, saved: Callable[..., str]) -> None:
    with pytest.raises(ValueError, match=rf"^data\.path: labels in .*own.npz: {message}"):
        load("arrays", path=saved(x=POINTS, y=labels), samples="x", labels="y")


def test_names_that_are_not_in_the_file(saved: Callable[..., str]) -> None:
    path = saved(x=POINTS, y=LABELS)
    with pytest.raises(ValueError, match=r"^data\.path: samples in .*, got an \.npz file with the arrays x, y$"):
        check("arrays", path=path)
    with pytest.raises(ValueError, match=r"^data\.path: labels in .*, got an \.npz file with the arrays x, y$"):
        check("arrays", path=path, samples="x", labels="z")
    with pytest.raises(ValueError, match=r"^data\.classes: expected 0 without `labels`, got 3$"):
        check("arrays", path=path, samples="x", classes=3)
