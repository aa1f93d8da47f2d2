import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from analysis.pictures.canvas import CRITIC, DENSE, SIDE
from analysis.pictures.compose import CAPTION, EDGE, GAP, LEGEND, TITLE, thumbnail
from analysis.pictures.render import ACROSS, gallery, picture, render

RNG = np.random.default_rng(0)
ANGLES = 2 * np.pi * np.arange(8) / 8
RING = {"means": np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1), "stds": np.full(8, 0.02)}


def ring(replicas: int, count: int = 1000) -> np.ndarray:
    modes = RNG.integers(0, 8, (replicas, count))
    samples: np.ndarray = RING["means"][modes] + RNG.normal(0, 0.02, (replicas, count, 2))
    return samples


@pytest.mark.parametrize(("replicas", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 2, 2), (32, 2, 2)])
def test_up_to_four_replicas_are_shown(replicas: int, columns: int, rows: int) -> None:
    image = render({"samples": ring(replicas, 50), **RING}, "a title", [f"seed {seed}" for seed in range(replicas)])
    width = 2 * EDGE + columns * SIDE + (columns - 1) * GAP
    assert image.size == (width, EDGE + TITLE + LEGEND + rows * (SIDE + CAPTION + GAP) - GAP + EDGE)


def test_how_many_replicas_there_are_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    titles: list[str] = []

    def fitted(text: str, *_: float) -> str:
        titles.append(text)
        return text

    monkeypatch.setattr("analysis.pictures.compose._fitted", fitted)
    render({"samples": ring(8, 5)}, "step 5")
    render({"samples": ring(4, 5)}, "step 5", [f"seed {seed}" for seed in range(32)])
    render({"samples": ring(2, 5)}, "step 5")
    assert [title for title in titles if "step" in title] == [
        "step 5 · 4 of 8 replicas",
        "step 5 · 4 of 32 replicas",
        "step 5",
    ]


def test_points_of_other_data_lie_over_real_ones_on_axes_that_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    titles: list[str] = []
    monkeypatch.setattr("analysis.pictures.compose._fitted", lambda text, *_: titles.append(text) or text)
    arrays = {"samples": RNG.normal(size=(1, 40, 2)), "real": RNG.normal(size=(30, 2))}
    plain = render(arrays, "step 5")
    projected = render({**arrays, "axes": np.eye(2, 9)}, "step 5")
    assert titles == ["step 5", "step 5 · first two principal axes of the real data"]
    assert plain.size == projected.size
    alone = render({"samples": arrays["samples"]})
    assert plain.size[1] == alone.size[1] + TITLE + LEGEND


@pytest.mark.parametrize("shape", [(), (1,), (2,), (1, 8, 8), (3, 32, 32)])
@pytest.mark.parametrize("labelled", [False, True])
def test_every_kind_of_data_has_a_picture(shape: tuple[int, ...], labelled: bool) -> None:
    arrays: dict[str, np.ndarray] = {"samples": RNG.normal(size=(3, 40, *shape)).astype(np.float32)}
    if labelled:
        arrays["labels"] = np.tile(np.arange(40) % 8, (3, 1))
    if shape == (2,):
        arrays |= RING
    if shape in ((), (1,)):
        arrays |= {"means": np.zeros((8, 1)), "stds": np.ones(8), "weights": np.full(8, 0.125)}
    image = render(arrays, "t", ["a", "b", "c"])
    assert image.mode == "RGB"
    assert len(np.unique(np.asarray(image).reshape(-1, 3), axis=0)) > 10


def test_the_same_arrays_give_the_same_picture() -> None:
    arrays = {"samples": ring(2, 100), **RING}
    assert render(arrays, "t").tobytes() == render(arrays, "t").tobytes()


def test_samples_that_are_all_lost_can_be_drawn() -> None:
    for shape in ((1,), (2,), (1, 4, 4)):
        render({"samples": np.full((2, 9, *shape), np.nan)}, "t")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": np.zeros(3)}, r"needs an array 'samples', got \['labels'\]"),
        ({"samples": np.zeros(3)}, r"samples: expected \(replicas, count, \*shape\), got \(3,\)"),
        ({"samples": np.zeros((2, 0, 2))}, r"got \(2, 0, 2\)"),
        ({"samples": np.zeros((2, 4, 5))}, r"expected numbers, points of the plane or images .* got \(5,\)"),
        ({"samples": np.zeros((2, 4, 2, 8, 8))}, r"got \(2, 8, 8\)"),
        ({"samples": np.zeros((2, 4, 2)), "labels": np.zeros((2, 3))}, r"labels: expected \(2, 4\).* got \(2, 3\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render(arrays)


def test_a_picture_file_is_read_without_running_code(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    np.savez_compressed(path, samples=ring(2, 50), means=RING["means"], stds=RING["stds"])
    assert picture(path, "t").size == render({"samples": ring(2, 50), **RING}, "t").size
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"p\.npz: not a whole \.npz file"):
        picture(path)
    np.save(tmp_path / "p.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"p\.npy: not a whole \.npz file"):
        picture(tmp_path / "p.npy")
    np.savez(path, samples=np.array([{"code": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        picture(path)
    with pytest.raises(FileNotFoundError, match="absent"):
        picture(tmp_path / "absent.npz")


def line_arrays() -> dict[str, np.ndarray]:
    x = np.linspace(-4, 4, 100)
    return {
        "samples": RNG.normal(size=(2, 500, 1)), "means": np.zeros((1, 1)), "stds": np.ones(1), "weights": np.ones(1),
        "line_x": x, "line_generator_density": np.tile(np.exp(-((x - 1) ** 2) / 2) / np.sqrt(2 * np.pi), (2, 1)),
        "line_critic_share": np.tile(1 / (1 + np.exp(-x)), (2, 1)),
    }  # fmt: skip


def count(image: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.abs(np.asarray(image).astype(int) - colour).sum(axis=2) < 30).sum())


def test_the_line_shows_both_densities_and_the_critic() -> None:
    arrays = line_arrays()
    full = render(arrays, "t")
    assert count(full, CRITIC) > 400
    assert count(full, DENSE) > 400
    silent = render({**arrays, "line_critic_share": np.full((2, 100), np.nan)}, "t")
    assert count(silent, CRITIC) == 0
    bare = render({name: array for name, array in arrays.items() if not name.startswith("line_")}, "t")
    assert count(bare, DENSE) == 0
    render({**arrays, "line_generator_density": np.full((2, 100), np.nan)}, "t")


def test_a_file_without_them_has_no_further_pictures(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", samples=ring(2, 50))
    assert gallery(tmp_path / "p.npz") == {}


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8), (3, 8, 8)])
def test_walks_are_a_picture_of_their_own(shape: tuple[int, ...], tmp_path: Path) -> None:
    arrays = {"samples": RNG.normal(size=(2, 6, *shape)), "walk": RNG.normal(size=(2, 4, 5, *shape))}
    labels = {"labels": np.zeros((2, 6), dtype=int)}
    np.savez(tmp_path / "p.npz", **arrays, **labels)
    found = gallery(tmp_path / "p.npz", "t", ["a", "b"])
    assert list(found) == ["walk"]
    if len(shape) == 3:
        rows = {**labels, "labels": np.tile(np.repeat(np.arange(4), 5), (2, 1))}
        expected = render({"samples": arrays["walk"].reshape(2, 20, *shape), **rows}, "t · walks between latent points")
        assert found["walk"].size[0] == expected.size[0]


def test_each_neighbour_stands_below_its_sample(tmp_path: Path) -> None:
    """Samples black, neighbours white: rows take turns."""
    pairs = np.zeros((1, 16, 2, 1, 4, 4))
    pairs[:, :, 0], pairs[:, :, 1] = -1, 1
    np.savez(tmp_path / "p.npz", samples=RNG.normal(size=(1, 4, 1, 4, 4)), beside=pairs)
    image = np.asarray(gallery(tmp_path / "p.npz", "t")["beside"]).astype(int)
    dark = (image[EDGE + TITLE :].sum(axis=2) == 0).sum(axis=1)
    rows = np.flatnonzero(np.diff((dark > ACROSS).astype(int)))
    assert len(rows) >= 3  # two dark bands, one above the other, with a light one between


@pytest.mark.parametrize("size", [(800, 400), (400, 800), (3, 2000), (100, 100)])
def test_a_thumbnail_fits_256_pixels(size: tuple[int, int]) -> None:
    small = thumbnail(Image.new("RGB", size))
    assert max(small.size) == 256
    assert small.width / small.height == pytest.approx(size[0] / size[1], abs=0.005)


def test_a_long_title_is_cut_to_its_place() -> None:
    image = np.asarray(render({"samples": ring(1, 5)}, "W" * 200, ["W" * 200]))
    assert (image[:, -EDGE + 2 :] == 255).all()


def test_a_picture_takes_milliseconds() -> None:
    arrays = {"samples": ring(4), **RING}
    render(arrays)
    started = time.process_time()
    render(arrays)
    assert time.process_time() - started < 0.4


@pytest.mark.parametrize("name", ["there", "back"])
def test_translations_of_images_stand_below_what_was_translated(name: str, tmp_path: Path) -> None:
    pairs = np.zeros((2, 16, 2, 1, 4, 4))
    pairs[:, :, 0], pairs[:, :, 1] = -1, 1
    beside = gallery_of(tmp_path, samples=RNG.normal(size=(2, 4, 1, 4, 4)), beside=pairs)["beside"]
    found = gallery_of(tmp_path, samples=RNG.normal(size=(2, 4, 1, 4, 4)), **{name: pairs})
    assert list(found) == [name]
    top = EDGE + TITLE
    assert np.array_equal(np.asarray(found[name])[top:], np.asarray(beside)[top:])  # the heading aside


def test_translations_of_points_are_joined_to_them(tmp_path: Path) -> None:
    pairs = np.stack([ring(2, 50), -ring(2, 50)], 2)
    (image,) = gallery_of(tmp_path, samples=ring(2, 50), there=pairs).values()
    assert count(np.asarray(image), DENSE) > 0
    pairs[0, 0, 1] = np.nan
    (spoilt,) = gallery_of(tmp_path, samples=ring(2, 50), there=pairs).values()
    assert not np.array_equal(np.asarray(image), np.asarray(spoilt))


def gallery_of(folder: Path, **arrays: Any) -> dict[str, Image.Image]:
    np.savez(folder / "p.npz", **arrays)
    return gallery(folder / "p.npz", "t", ["a", "b"])
